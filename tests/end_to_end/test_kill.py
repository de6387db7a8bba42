"""Scans whose server, or whose database, is killed in the middle: they end by themselves, with the right views.
$SKULINK_KILL_ROUNDS says how often the server is killed."""
import importlib.machinery
import importlib.util
import io
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time
import unittest
import uuid
from contextlib import redirect_stdout

import errors
import shop_faults
from stack import REPOSITORY, Api, Stack

COPIES = 5  # of the sample
PAGE_SIZE = 125
PATIENCE = 60
LONGEST = 1.0  # a scan takes about so long before it stands at the last page
ROUNDS = int(os.environ.get('SKULINK_KILL_ROUNDS', '2'))
SEED = int(os.environ.get('SKULINK_KILL_SEED', '20'))
# What a shop does wrong at some page: what passes by itself, and the expired token.
FAULTS = (*shop_faults.PASSING, 'connection-cut', shop_faults.EXPIRED_TOKEN)


def load(name, path):
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


sample = load('make_sample', REPOSITORY / 'deploy' / 'sample' / 'make_sample.py')
runner = load('scenario', REPOSITORY / 'tests' / 'scenario')


def make_scenario(folder):
    """The sample several times over, as if these were other goods."""
    sample.make(folder / 'one')
    for path in (folder / 'one').glob('*.jsonl'):
        rows = sample.read_lines(path)
        with open(folder / path.name, 'w', encoding='utf-8', newline='\n') as f:
            for copy in range(COPIES):
                for row in rows:
                    f.write(json.dumps(other_goods(row, copy)) + '\n')
    shutil.rmtree(folder / 'one')


def other_goods(value, copy):
    if isinstance(value, list):
        return [other_goods(one, copy) for one in value]
    if not isinstance(value, dict):
        return value
    other = {name: other_goods(one, copy) for name, one in value.items()}
    for name in ('product_id', 'variant_id', 'item_id', 'listing_id'):
        if name in other:
            other[name] += f'~{copy}'
    for name in ('sku', 'seller_sku'):
        if (other.get(name) or '').strip(sample.WHITE_SPACE):
            other[name] = f'{copy}~{other[name]}'
    return other


class Kill(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.random = random.Random(SEED)
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix='skulink-kill-')))
        with redirect_stdout(io.StringIO()):
            make_scenario(cls.folder)
        cls.expected = {name: sample.canonical(rows) for name, rows in sample.expected_answers(cls.folder, 'exact').items()}
        cls.listings = len(sample.read_lines(cls.folder / 'channel.shopee.jsonl'))
        cls.pages = -(-cls.listings // PAGE_SIZE)
        cls.stack = cls.enterClassContext(Stack())
        # A shop that does not answer is asked again soon.
        cls.stack.stop_server()
        cls.start_server()
        cls.addClassCleanup(lambda: cls.api.connection.close())
        from skulink.v1 import merchant_service_pb2
        cls.api.merchants.CreateMerchant(merchant_service_pb2.CreateMerchantRequest(
            merchant_id=runner.MERCHANT, merchant=merchant_service_pb2.Merchant()))
        imported = cls.stack.cli('import', cls.folder / 'pos.jsonl', merchant=runner.MERCHANT)
        if imported.returncode != 0:
            raise RuntimeError(imported.stderr)
        cls.scenario = runner.Scenario(cls.folder)
        endpoints = cls.stack.start_simulator(
            {name: cls.folder / f'channel.{name}.jsonl' for name in ('tokopedia', 'tiktok')})
        for name, endpoint in endpoints.items():
            cls.add_channel(name, endpoint)
            with redirect_stdout(io.StringIO()):
                runner.scan(cls.api, name)

    @classmethod
    def start_server(cls):
        cls.stack.server = cls.stack.start_server('--seller-center-timeout', '1')
        cls.api = Api(cls.stack.address)

    @classmethod
    def add_channel(cls, name, endpoint):
        from skulink.v1 import channel_service_pb2 as v1
        cls.api.channels.CreateChannel(v1.CreateChannelRequest(
            parent=runner.PARENT, channel_id=name, channel=v1.Channel(display_name=name, endpoint=endpoint)))

    def start_scan(self, faults=()):
        """Of a shop that never sends its last page when it is first asked for it, so that the scan cannot end too early."""
        from skulink.v1 import sync_service_pb2 as v1
        endpoints = self.stack.start_simulator(
            {'shopee': self.folder / 'channel.shopee.jsonl'}, f'--page-size-max={PAGE_SIZE}', '--latency-ms=2',
            f'--fault=shopee=hang:{self.pages}:1', *(f'--fault=shopee={fault}' for fault in faults))
        self.add_channel('shopee', endpoints['shopee'])
        return self.scan_in_full()

    def scan_in_full(self):
        from skulink.v1 import sync_service_pb2 as v1
        return self.api.sync.StartScan(v1.StartScanRequest(
            channel=runner.PARENT + '/channels/shopee', mode=v1.SCAN_MODE_FULL, request_id=str(uuid.uuid4()))).job.name

    def forget_channel(self):
        from skulink.v1 import channel_service_pb2 as v1
        self.stack.simulators.pop().stop()
        self.api.channels.DeleteChannel(v1.DeleteChannelRequest(name=runner.PARENT + '/channels/shopee'))

    def watch(self, name, reached):
        """The first state of the job that is `reached`."""
        import grpc
        from google.protobuf import duration_pb2
        from skulink.v1 import sync_service_pb2 as v1
        request = v1.WatchJobRequest(name=name, min_interval=duration_pb2.Duration(nanos=50_000_000))
        give_up = time.monotonic() + PATIENCE
        job = None
        while time.monotonic() < give_up:
            stream = self.api.sync.WatchJob(request, timeout=PATIENCE)
            try:
                for response in stream:
                    job = response.job
                    if reached(job):
                        return job
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    raise
            finally:
                stream.cancel()
        self.fail(f'not reached in {PATIENCE} s: {job}\n{self.stack.server.log()}')

    def await_end(self, name):
        """How many jobs it takes: one that an expired token ended is followed by another one."""
        from skulink.v1 import sync_service_pb2 as v1
        jobs, created = 1, 0
        while (job := self.watch(name, lambda job: job.state not in (
                v1.JOB_STATE_QUEUED, v1.JOB_STATE_RUNNING))).state == v1.JOB_STATE_FAILED:
            self.assertEqual(errors.details(job.error).reason, 'SELLER_CENTER_UNAUTHENTICATED')
            created += job.progress.created
            jobs += 1
            name = self.scan_in_full()
        progress = job.progress
        self.assertEqual(job.state, v1.JOB_STATE_SUCCEEDED, job)
        # No page and no listing counts twice, none is left out.
        self.assertEqual((progress.pages, progress.listings_seen, progress.created + created),
                         (self.pages, self.listings, self.listings))
        self.assertEqual((progress.updated, progress.unchanged, progress.removed, progress.refused), (0, created, 0, 0))
        return jobs

    def check_views(self):
        answers = runner.Answers(self.folder / 'answers')
        reader = runner.Reader(self.api, self.scenario, answers)
        with redirect_stdout(io.StringIO()):
            reader.in_pos()
            reader.sold_in_channel()
            for channel, name in self.scenario.channels.items():
                reader.sold_in_one_channel(channel, name)
                reader.not_in_pos(channel, name)
                reader.not_in_channel(channel, name)
                reader.multiple_listing(channel, name)
            self.assertEqual(reader.statistics(), [])
        for name, rows in self.expected.items():
            found = sample.canonical(sample.read_lines(answers.folder / name))
            self.assertTrue(found == rows, f'{name}: {len(rows)} rows expected, {len(found)} found, or others')

    def verify(self):
        self.stack.stop_server()
        verified = self.stack.verify()
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        self.assertRegex(verified.stdout, r'verified 2 merchants, \d{4,} variants, \d{5,} listings: 0 differences')
        self.start_server()

    def kill(self, name):
        """At a random moment; returns how many pages were written before."""
        from skulink.v1 import sync_service_pb2 as v1
        time.sleep(self.random.uniform(0, LONGEST))
        pages = self.api.sync.GetJob(v1.GetJobRequest(name=name)).job.progress.pages
        self.stack.server.kill()
        self.api.connection.close()
        self.start_server()
        return pages

    def test_server_killed_again_and_again(self):
        killed_at, jobs = [], []
        for round_ in range(ROUNDS):
            with self.subTest(round=round_):
                name = self.start_scan(shop_faults.some(self.random, range(1, self.pages), *FAULTS))
                killed_at.append([self.kill(name) for _ in range(self.random.randint(1, 3))])
                jobs.append(self.await_end(name))
                self.check_views()
                self.forget_channel()
        print('killed after pages', killed_at, 'of', self.pages, 'jobs', jobs, flush=True)
        self.verify()

    def test_database_killed(self):
        name = self.start_scan()
        self.watch(name, lambda job: job.progress.listings_seen >= 0.4 * self.listings)
        os.kill(self.stack.mariadb(), signal.SIGKILL)
        self.await_end(name)
        self.check_views()
        self.assertIsNone(self.stack.server.process.poll())
        self.assertIn('the embedded MariaDB ended (signal 9)', self.stack.server.log())
        self.forget_channel()
        self.verify()


if __name__ == '__main__':
    sys.exit(unittest.main())
