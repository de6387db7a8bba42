"""Jobs whose server is killed or stopped while another one stands by: it takes them over soon, makes nothing twice, and tells
those who watch them there how they go on."""
import pathlib
import signal
import tempfile
import threading
import time
import unittest

from shared_store import SharedStore
from stack import Api, ShopControl, Stack, pages, write_catalogue

VARIANTS = 2000
PAGE_SIZE = 50
TAKEN_OVER = 15  # seconds
PATIENCE = 90


class Watch:
    """What WatchJob reports until it ends by itself."""

    def __init__(self, api, name):
        self.jobs, self.failure = [], None
        self._thread = threading.Thread(target=self._run, args=(api, name), daemon=True)
        self._thread.start()

    def _run(self, api, name):
        import grpc
        from skulink.v1 import sync_service_pb2 as v1
        try:
            for response in api.sync.WatchJob(v1.WatchJobRequest(name=name), timeout=PATIENCE):
                self.jobs.append(response.job)
        except grpc.RpcError as failure:
            self.failure = failure

    def done(self):
        return [done_of(job) for job in self.jobs]

    def await_end(self):
        self._thread.join()
        if self.failure:
            raise self.failure
        return self.jobs[-1]


def skus(variants):
    return sorted(f'K-{n}' for n in range(variants))


def done_of(job):
    from skulink.v1 import sync_service_pb2 as v1
    return job.progress.listings_seen if job.kind == v1.JOB_KIND_SCAN else job.transfer.done


class TakeOver(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix='skulink-take-over-')))
        write_catalogue(self.folder, VARIANTS, stock=5, stock_at_shop=5)
        (self.folder / 'nothing.jsonl').touch()
        self.stack = self.enterContext(Stack())
        self.store = self.enterContext(SharedStore(self.folder))
        self.server, self.stack.address = self.store.start_server('first')
        self.api = self.enterContext(Api(self.stack.address))

    def run_cli(self, merchant, *arguments):
        done = self.stack.cli(*arguments, merchant=merchant)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def new_merchant(self, merchant, listings, *options):
        """With a channel `shop`; returns the shop's books."""
        from skulink.v1 import merchant_service_pb2 as v1
        self.api.merchants.CreateMerchant(v1.CreateMerchantRequest(merchant_id=merchant, merchant=v1.Merchant()))
        endpoint = self.stack.start_simulator({'shop': self.folder / listings}, *options)['shop']
        self.run_cli(merchant, 'channel', 'add', 'shop', '--endpoint', endpoint)
        return self.enterContext(ShopControl(endpoint))

    def job(self, name):
        from skulink.v1 import sync_service_pb2 as v1
        return self.api.sync.GetJob(v1.GetJobRequest(name=name)).job

    def await_job(self, name, reached):
        give_up = time.monotonic() + PATIENCE
        while not reached(now := self.job(name)):
            self.assertLess(time.monotonic(), give_up, now)
            time.sleep(0.02)
        return now

    def wait_for(self, condition):
        give_up = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), give_up)
            time.sleep(0.02)

    def start_upload(self, merchant, variants):
        from skulink.v1 import sync_service_pb2 as v1
        return self.api.sync.StartUpload(v1.StartUploadRequest(
            channel=f'merchants/{merchant}/channels/shop',
            products=[f'merchants/{merchant}/products/p{n}' for n in range(variants)])).job

    def check_end(self, job, variants=VARIANTS):
        from skulink.v1 import sync_service_pb2 as v1
        self.assertEqual(job.state, v1.JOB_STATE_SUCCEEDED, job)
        if job.kind == v1.JOB_KIND_SCAN:
            progress = job.progress
            self.assertEqual((progress.listings_seen, progress.created, progress.updated, progress.removed, progress.pages),
                             (VARIANTS, VARIANTS, 0, 0, VARIANTS // PAGE_SIZE))
            return
        self.assertEqual((job.transfer.done, job.transfer.created, job.transfer.parents_created),
                         (variants, variants, variants))
        items = [item for page in pages(self.api.sync.ListJobItems, v1.ListJobItemsRequest(parent=job.name, page_size=1000))
                 for item in page.items]
        self.assertEqual(len(items), variants)
        self.assertEqual(len({item.listing_id for item in items}), variants)

    def check_uploaded(self, shop, variants):
        self.assertEqual(sorted(books.listing.seller_sku for books in shop.listings().values()), skus(variants))
        creations = shop.books().creations
        self.assertEqual(len(creations), variants)
        self.assertLessEqual(max(creation.received for creation in creations), 2)
        self.assertEqual(list(shop.books().violations), [])

    def verify(self):
        verified = self.store.verify()
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)

    def test_killed_server(self):
        from skulink.v1 import catalog_service_pb2, sync_service_pb2 as v1
        source = self.new_merchant('down', 'shop.jsonl', '--max-requests-per-second=3')
        scanned = self.new_merchant('scan', 'shop.jsonl', '--max-requests-per-second=6', f'--page-size-max={PAGE_SIZE}')
        target = self.new_merchant('up', 'nothing.jsonl', '--create-max=20', '--write-latency-ms=60')
        self.run_cli('up', 'import', self.folder / 'pos.jsonl')
        for merchant in ('down', 'up'):
            self.run_cli(merchant, 'scan', 'shop')
        jobs = [self.api.sync.StartDownload(v1.StartDownloadRequest(channel='merchants/down/channels/shop', all=True)).job,
                self.start_upload('up', VARIANTS),
                self.api.sync.StartScan(v1.StartScanRequest(channel='merchants/scan/channels/shop')).job]
        _, address = self.store.start_server('second')
        self.api = self.enterContext(Api(address))
        watches = [Watch(self.api, job.name) for job in jobs]
        # All that the second one does yet is to tell what the first does.
        self.wait_for(lambda: all(len({done for done in watch.done() if done > 0}) > 1 for watch in watches))

        self.server.kill()
        killed = time.monotonic()

        before = [self.job(job.name) for job in jobs]
        self.assertLess(max(map(done_of, before)), VARIANTS, 'it ended too early')
        for job in before:
            self.await_job(job.name, lambda now, job=job: now.revision > job.revision)
        taken_over = time.monotonic() - killed
        print(f'killed after {list(map(done_of, before))} of {VARIANTS}, taken over within {taken_over:.1f} s', flush=True)
        self.assertLess(taken_over, TAKEN_OVER)
        for watch, job in zip(watches, before):
            self.check_end(watch.await_end())
            self.assertEqual(watch.done(), sorted(watch.done()))
            # An upload first asks again for what was asked for, and counts it then.
            self.assertTrue(any(now.state == v1.JOB_STATE_RUNNING and now.revision > job.revision + 1 for now in watch.jobs))
        self.verify()
        variants = [variant.sku for page in pages(self.api.catalog.ListProducts, catalog_service_pb2.ListProductsRequest(
            parent='merchants/down', page_size=1000)) for product in page.products for variant in product.variants]
        self.assertEqual(sorted(variants), skus(VARIANTS))
        self.check_uploaded(target, VARIANTS)
        self.assertEqual([*source.books().violations, *scanned.books().violations], [])

    def test_stopped_server(self):
        """What it was about to ask for is another one's by the time it goes on."""
        from skulink.v1 import sync_service_pb2 as v1
        variants = 400
        # A shop that soon notices when two talk to it.
        shop = self.new_merchant('up', 'nothing.jsonl', '--create-max=50', '--max-requests-per-second=2')
        self.run_cli('up', 'import', self.folder / 'pos.jsonl')
        self.run_cli('up', 'scan', 'shop')
        _, address = self.store.start_server('second')
        job = self.start_upload('up', variants)
        first, self.api = self.api, self.enterContext(Api(address))
        self.await_job(job.name, lambda now: now.transfer.done > 0)

        self.server.process.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            before = self.job(job.name)
            now = self.await_job(job.name, lambda now: now.revision > before.revision)
            taken_over = time.monotonic() - stopped
        finally:
            self.server.process.send_signal(signal.SIGCONT)
        print(f'stopped after {before.transfer.done} of {variants}, taken over within {taken_over:.1f} s', flush=True)
        self.assertEqual(now.state, v1.JOB_STATE_RUNNING, 'it ended too early')
        self.assertLess(taken_over, TAKEN_OVER)
        self.check_end(Watch(self.api, job.name).await_end(), variants)
        self.check_uploaded(shop, variants)
        self.assertEqual(shop.books().refused_by_rate, 0)
        self.api = first
        self.check_end(self.job(job.name), variants)
        self.verify()


if __name__ == '__main__':
    unittest.main()
