"""Downloads and uploads whose server is killed while another one stands by, which takes over soon, and makes nothing twice."""
import pathlib
import tempfile
import time
import unittest

from shared_store import SharedStore
from stack import Api, ShopControl, Stack, pages, write_catalogue

VARIANTS = 2000
TAKEN_OVER = 15  # seconds
PATIENCE = 90
PARENT = 'merchants/default'
CHANNEL = PARENT + '/channels/shop'


class TakeOver(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix='skulink-take-over-')))
        write_catalogue(self.folder, VARIANTS, stock=5, stock_at_shop=5)
        (self.folder / 'nothing.jsonl').touch()
        self.stack = self.enterContext(Stack())
        self.store = self.enterContext(SharedStore(self.folder))
        self.server, address = self.store.start_server('first')
        self.stack.address = address
        self.api = self.enterContext(Api(address))

    def scan_shop(self, listings, *options):
        """Its books, once it was scanned as a channel."""
        endpoint = self.stack.start_simulator({'shop': self.folder / listings}, *options)['shop']
        for arguments in (('channel', 'add', 'shop', '--endpoint', endpoint), ('scan', 'shop')):
            done = self.stack.cli(*arguments)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return self.enterContext(ShopControl(endpoint))

    def kill_its_server(self, job):
        """Once the job is under way and there is another server, which brings it to its end."""
        from skulink.v1 import sync_service_pb2 as v1

        def await_job(api, reached):
            give_up = time.monotonic() + PATIENCE
            while not reached(now := api.sync.GetJob(v1.GetJobRequest(name=job.name)).job):
                self.assertLess(time.monotonic(), give_up, now)
                time.sleep(0.02)
            return now

        await_job(self.api, lambda now: now.transfer.done > 0)
        _, address = self.store.start_server('second')
        self.api = self.enterContext(Api(address))
        self.server.kill()
        killed = time.monotonic()
        done = self.api.sync.GetJob(v1.GetJobRequest(name=job.name)).job.transfer.done
        self.assertLess(done, VARIANTS, 'it ended too early')
        await_job(self.api, lambda now: now.transfer.done > done)
        taken_over = time.monotonic() - killed
        print(f'killed after {done} of {VARIANTS}, taken over within {taken_over:.1f} s', flush=True)
        self.assertLess(taken_over, TAKEN_OVER)
        ended = await_job(self.api, lambda now: now.state not in (v1.JOB_STATE_QUEUED, v1.JOB_STATE_RUNNING))
        self.assertEqual(ended.state, v1.JOB_STATE_SUCCEEDED, ended)
        self.assertEqual((ended.transfer.done, ended.transfer.created, ended.transfer.parents_created),
                         (VARIANTS, VARIANTS, VARIANTS))
        items = [item for page in pages(self.api.sync.ListJobItems, v1.ListJobItemsRequest(parent=job.name, page_size=1000))
                 for item in page.items]
        self.assertEqual(len({item.listing_id for item in items}), VARIANTS)
        verified = self.store.verify()
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)

    def test_download(self):
        from skulink.v1 import catalog_service_pb2, sync_service_pb2 as v1
        shop = self.scan_shop('shop.jsonl', '--max-requests-per-second=3')

        self.kill_its_server(self.api.sync.StartDownload(v1.StartDownloadRequest(channel=CHANNEL, all=True)).job)

        variants = [variant.sku for page in pages(self.api.catalog.ListProducts, catalog_service_pb2.ListProductsRequest(
            parent=PARENT, page_size=1000)) for product in page.products for variant in product.variants]
        self.assertEqual(sorted(variants), sorted(f'K-{n}' for n in range(VARIANTS)))
        self.assertEqual(list(shop.books().violations), [])

    def test_upload(self):
        from skulink.v1 import sync_service_pb2 as v1
        imported = self.stack.cli('import', self.folder / 'pos.jsonl')
        self.assertEqual(imported.returncode, 0, imported.stderr)
        shop = self.scan_shop('nothing.jsonl', '--create-max=20', '--write-latency-ms=50')

        self.kill_its_server(self.api.sync.StartUpload(v1.StartUploadRequest(
            channel=CHANNEL, products=[f'{PARENT}/products/p{n}' for n in range(VARIANTS)])).job)

        listings = [books.listing for books in shop.listings().values()]
        self.assertEqual(sorted(listing.seller_sku for listing in listings), sorted(f'K-{n}' for n in range(VARIANTS)))
        books = shop.books()
        self.assertEqual(list(books.violations), [])
        self.assertEqual(len(books.creations), VARIANTS)
        self.assertLessEqual(max(creation.received for creation in books.creations), 2)


if __name__ == '__main__':
    unittest.main()
