"""Scans survive the death of what runs them: the server killed with SIGKILL at ten pages, its MariaDB killed under it."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest
import uuid

from stack import REPOSITORY, Api, Stack, pages

SAMPLE = REPOSITORY / 'deploy' / 'sample' / 'make_sample.py'
CHANNEL = 'shopee'
PARENT = 'merchants/default'
KILLS = 10
PATIENCE_SECONDS = 90


class KillCase(unittest.TestCase):
    """A server with the sample's catalogue, and one channel whose shop answers page by page, slowly."""

    def setUp(self):
        self.stack = self.enterContext(Stack())
        self.scenario = self.stack.folder / 'sample'
        subprocess.run([sys.executable, str(SAMPLE), 'make', str(self.scenario)], check=True, capture_output=True)
        imported = self.stack.cli('import', self.scenario / 'pos.jsonl')
        self.assertEqual(imported.returncode, 0, imported.stderr)
        shop = self.scenario / f'channel.{CHANNEL}.jsonl'
        self.listings = len(shop.read_text(encoding='utf-8').splitlines())
        endpoint = self.stack.start_simulator({CHANNEL: shop}, '--page-size-max', '50', '--latency-ms', '20')[CHANNEL]
        added = self.stack.cli('channel', 'add', CHANNEL, '--endpoint', endpoint)
        self.assertEqual(added.returncode, 0, added.stderr)

    def start_scan(self):
        from skulink.v1 import sync_service_pb2 as v1
        with Api(self.stack.address) as api:
            request = v1.StartScanRequest(channel=f'{PARENT}/channels/{CHANNEL}', request_id=str(uuid.uuid4()))
            return api.sync.StartScan(request).job.name

    def watch_until(self, job_name, reached):
        """The first state of the job that `reached`, or its last."""
        from skulink.v1 import sync_service_pb2 as v1
        request = v1.WatchJobRequest(name=job_name)
        request.min_interval.FromMilliseconds(50)
        with Api(self.stack.address) as api:
            for response in api.sync.WatchJob(request, timeout=PATIENCE_SECONDS):
                if reached(response.job):
                    break
        return response.job

    def check_views(self):
        """The views of the channel are those that the sample expects, and nothing differs from a recomputation."""
        from skulink.v1 import products_menu_service_pb2 as v1

        def expected(name):
            lines = (self.scenario / 'expected' / 'exact' / f'{name}.jsonl').read_text(encoding='utf-8').splitlines()
            return [json.loads(line) for line in lines]
        channels = [f'{PARENT}/channels/{CHANNEL}']
        with Api(self.stack.address) as api:
            sold = [(v.product_id, v.variant_id)
                    for page in pages(api.menu.ListSoldInChannel, v1.ListSoldInChannelRequest(parent=PARENT, page_size=500))
                    for v in page.variants]
            foreign = [x.listing_id
                       for page in pages(api.menu.ListNotInPos, v1.ListNotInPosRequest(parent=PARENT, channels=channels))
                       for x in page.listings]
            groups = {g.sku_key: sorted(x.listing_id for x in g.listings)
                      for page in pages(api.menu.ListMultipleListings, v1.ListMultipleListingsRequest(parent=PARENT))
                      for g in page.groups}
        self.assertEqual(sorted(sold), sorted((r['product_id'], r['variant_id']) for r in expected(f'sold_in_channel.{CHANNEL}')))
        self.assertEqual(sorted(foreign), sorted(r['listing_id'] for r in expected(f'not_in_pos.{CHANNEL}')))
        self.assertEqual(groups, {r['sku']: sorted(r['listing_ids']) for r in expected(f'multiple_listing.{CHANNEL}')})
        self.stack.stop_server()
        verified = self.stack.verify()
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)


class ServerKilled(KillCase):
    def test_at_ten_pages(self):
        from skulink.v1 import sync_service_pb2 as v1
        job_name = self.start_scan()
        killed_at = []
        for kill in range(1, KILLS + 1):
            threshold = self.listings * kill // (KILLS + 2)
            job = self.watch_until(job_name, lambda job, least=threshold: job.progress.listings_seen >= least)
            self.assertEqual(job.state, v1.JOB_STATE_RUNNING, job)
            killed_at.append(job.progress.listings_seen)
            self.stack.server.kill()
            self.stack.server = self.stack.start_server()
        job = self.watch_until(job_name, lambda job: False)
        self.assertEqual(job.state, v1.JOB_STATE_SUCCEEDED, job)
        self.assertEqual(len(set(killed_at)), KILLS, killed_at)
        # Each listing counts once, however often it was read.
        self.assertEqual((job.progress.listings_seen, job.progress.created), (self.listings, self.listings))
        self.assertEqual((job.progress.removed, job.progress.refused), (0, 0))
        self.check_views()


class DatabaseKilled(KillCase):
    def mariadb(self):
        """The process of the server's MariaDB."""
        for folder in pathlib.Path('/proc').glob('[0-9]*'):
            try:
                arguments = (folder / 'cmdline').read_bytes().split(b'\0')
            except OSError:
                continue
            if b'mariadbd' in arguments[0] and f'--datadir={self.stack.data_dir / "mariadb"}'.encode() in arguments:
                return int(folder.name)
        self.fail('no mariadbd of this server')

    def test_in_the_middle_of_a_scan(self):
        from skulink.v1 import sync_service_pb2 as v1
        job_name = self.start_scan()
        job = self.watch_until(job_name, lambda job: job.progress.listings_seen >= self.listings // 3)
        self.assertEqual(job.state, v1.JOB_STATE_RUNNING, job)
        os.kill(self.mariadb(), signal.SIGKILL)
        job = self.finished(job_name)
        self.assertEqual(job.state, v1.JOB_STATE_SUCCEEDED, job)
        self.assertEqual(job.progress.listings_seen, self.listings)
        self.check_views()

    def finished(self, job_name):
        """Watches again when watching fails because the database is away."""
        import grpc
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self.watch_until(job_name, lambda job: False)
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE or time.monotonic() > until:
                    raise


if __name__ == '__main__':
    unittest.main()
