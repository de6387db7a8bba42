"""A download and an upload whose server is killed while another one stands by, which takes over soon, and makes nothing
twice."""
import pathlib
import tempfile
import time
import unittest

from shared_store import SharedStore
from stack import Api, ShopControl, Stack, pages, write_catalogue

VARIANTS = 2000
TAKEN_OVER = 15  # seconds
PATIENCE = 90


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
        """With a channel `shop`, scanned; returns the shop's books."""
        from skulink.v1 import merchant_service_pb2 as v1
        self.api.merchants.CreateMerchant(v1.CreateMerchantRequest(merchant_id=merchant, merchant=v1.Merchant()))
        endpoint = self.stack.start_simulator({'shop': self.folder / listings}, *options)['shop']
        self.run_cli(merchant, 'channel', 'add', 'shop', '--endpoint', endpoint)
        self.run_cli(merchant, 'scan', 'shop')
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

    def await_success(self, name):
        from skulink.v1 import sync_service_pb2 as v1
        ended = self.await_job(name, lambda now: now.state not in (v1.JOB_STATE_QUEUED, v1.JOB_STATE_RUNNING))
        self.assertEqual(ended.state, v1.JOB_STATE_SUCCEEDED, ended)
        self.assertEqual((ended.transfer.done, ended.transfer.created, ended.transfer.parents_created),
                         (VARIANTS, VARIANTS, VARIANTS))
        items = [item for page in pages(self.api.sync.ListJobItems, v1.ListJobItemsRequest(parent=name, page_size=1000))
                 for item in page.items]
        self.assertEqual(len({item.listing_id for item in items}), VARIANTS)

    def test_download_and_upload(self):
        from skulink.v1 import catalog_service_pb2, sync_service_pb2 as v1
        source = self.new_merchant('down', 'shop.jsonl', '--max-requests-per-second=3')
        target = self.new_merchant('up', 'nothing.jsonl', '--create-max=20', '--write-latency-ms=60')
        self.run_cli('up', 'import', self.folder / 'pos.jsonl')
        names = [self.api.sync.StartDownload(v1.StartDownloadRequest(channel='merchants/down/channels/shop', all=True)).job.name,
                 self.api.sync.StartUpload(v1.StartUploadRequest(
                     channel='merchants/up/channels/shop',
                     products=[f'merchants/up/products/p{n}' for n in range(VARIANTS)])).job.name]
        for name in names:
            self.await_job(name, lambda now: now.transfer.done > 0)
        _, address = self.store.start_server('second')
        self.api = self.enterContext(Api(address))

        self.server.kill()
        killed = time.monotonic()

        before = [self.job(name) for name in names]
        self.assertLess(max(job.transfer.done for job in before), VARIANTS, 'it ended too early')
        for job in before:
            self.await_job(job.name, lambda now, job=job: now.revision > job.revision)
        taken_over = time.monotonic() - killed
        print(f'killed after {[job.transfer.done for job in before]} of {VARIANTS}, taken over within {taken_over:.1f} s', flush=True)
        self.assertLess(taken_over, TAKEN_OVER)
        for name in names:
            self.await_success(name)
        verified = self.store.verify()
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        skus = sorted(f'K-{n}' for n in range(VARIANTS))
        variants = [variant.sku for page in pages(self.api.catalog.ListProducts, catalog_service_pb2.ListProductsRequest(
            parent='merchants/down', page_size=1000)) for product in page.products for variant in product.variants]
        self.assertEqual(sorted(variants), skus)
        self.assertEqual(sorted(books.listing.seller_sku for books in target.listings().values()), skus)
        creations = target.books().creations
        self.assertEqual(len(creations), VARIANTS)
        self.assertLessEqual(max(creation.received for creation in creations), 2)
        self.assertEqual([*source.books().violations, *target.books().violations], [])


if __name__ == '__main__':
    unittest.main()
