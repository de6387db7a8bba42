"""Downloads, uploads and quick scans whose server, or whose database, is killed at any moment, of shops that do all sorts of
things wrong meanwhile: nothing is made, or counted, twice, nothing is left out.

SKULINK_KILL_ROUNDS says how often each is killed; by default a few times.
"""
import json
import os
import pathlib
import random
import signal
import sys
import tempfile
import time
import unittest
import uuid

import errors
import shop_faults
from stack import Api, ShopControl, Stack, pages

ROUNDS = int(os.environ.get('SKULINK_KILL_ROUNDS', '2'))
ITEMS, PER_ITEM = 2000, 3
PATIENCE = 120
SEED = int(os.environ.get('SKULINK_KILL_SEED', '20'))


def sku(item, option):
    # Some SKUs are those of another item, far away.
    return f'SHARED-{item % 50}' if option == 2 and item % 10 == 0 else f'SKU-{item}-{option}'


SKUS = {sku(item, option) for item in range(ITEMS) for option in range(PER_ITEM)}


class Transfers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.random = random.Random(SEED)
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix='skulink-transfers-')))
        with open(cls.folder / 'shop.jsonl', 'w', encoding='utf-8') as shop:
            for item in range(ITEMS):
                for option in range(PER_ITEM):
                    shop.write(json.dumps({
                        'listing_id': f'l-{item}-{option}', 'item_id': f'i-{item}', 'name': f'Baju {item}', 'price': 50000,
                        'seller_sku': sku(item, option), 'status': 'active', 'stock': 5}) + '\n')
        with open(cls.folder / 'pos.jsonl', 'w', encoding='utf-8') as pos:
            for item in range(ITEMS):
                pos.write(json.dumps({'product_id': f'p-{item}', 'name': f'Baju {item}', 'variants': [
                    {'variant_id': f'v-{option}', 'sku': f'SKU-{item}-{option}', 'price': 50000, 'stock': 5,
                     'option': f'Warna {option}'} for option in range(PER_ITEM)]}) + '\n')
        (cls.folder / 'nothing.jsonl').touch()
        cls.stack = cls.enterClassContext(Stack())
        cls.stack.stop_server()
        cls.start_server()
        cls.addClassCleanup(lambda: cls.api.connection.close())
        # So slow that a job is seldom over before it is killed; so are the others.
        cls.source = cls.stack.start_simulator({'source': cls.folder / 'shop.jsonl'}, '--max-requests-per-second=15')['source']

    @classmethod
    def start_server(cls):
        cls.stack.server = cls.stack.start_server('--seller-center-timeout', '2')
        cls.api = Api(cls.stack.address)

    def new_merchant(self, name, endpoint):
        """With a channel `shop`; returns its name."""
        from skulink.v1 import channel_service_pb2, merchant_service_pb2
        self.api.merchants.CreateMerchant(merchant_service_pb2.CreateMerchantRequest(
            merchant_id=name, merchant=merchant_service_pb2.Merchant()))
        return self.api.channels.CreateChannel(channel_service_pb2.CreateChannelRequest(
            parent=f'merchants/{name}', channel_id='shop',
            channel=channel_service_pb2.Channel(display_name='shop', endpoint=endpoint))).channel.name

    def await_job(self, job, reached):
        import grpc
        from skulink.v1 import sync_service_pb2 as v1
        give_up, now = time.monotonic() + PATIENCE, job
        while time.monotonic() < give_up:
            try:
                now = self.api.sync.GetJob(v1.GetJobRequest(name=job.name)).job
                if reached(now):
                    return now
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE:  # as the database is
                    raise
            time.sleep(0.05)
        self.fail(f'not reached in {PATIENCE} s: {now}\n{self.stack.server.log()}')

    def await_end(self, job):
        from skulink.v1 import sync_service_pb2 as v1
        return self.await_job(job, lambda now: now.state not in (v1.JOB_STATE_QUEUED, v1.JOB_STATE_RUNNING))

    def await_success(self, job):
        from skulink.v1 import sync_service_pb2 as v1
        now = self.await_end(job)
        self.assertEqual(now.state, v1.JOB_STATE_SUCCEEDED, now)
        return now

    def kill_in_the_middle(self, start, longest, control, call, *kinds):
        """Starts a job, and kills and starts the server a few times, while the shop does what is wrong of these kinds in
        the call. A job that an expired token ends is followed by another one. Returns the jobs, as they ended, how much the
        first had done at each kill, and how many kills and faults there were."""
        from skulink.v1 import sync_service_pb2 as v1
        jobs, done_at, disturbances = [start()], [], 0
        for _ in range(self.random.randint(1, 3)):
            time.sleep(self.random.uniform(0, longest))
            faults = shop_faults.some(self.random, (call,), *kinds)
            control.change(faults=faults)
            disturbances += 1 + len(faults)
            time.sleep(self.random.uniform(0, longest))
            now = self.api.sync.GetJob(v1.GetJobRequest(name=jobs[0].name)).job
            self.stack.server.kill()
            self.api.connection.close()
            self.start_server()
            if now.state != v1.JOB_STATE_RUNNING:
                break
            done_at.append(now.progress.listings_seen if now.kind == v1.JOB_KIND_SCAN else now.transfer.done)
        while (ended := self.await_end(jobs[-1])).state == v1.JOB_STATE_FAILED:
            self.assertEqual(errors.details(ended.error).reason, 'SELLER_CENTER_UNAUTHENTICATED')
            jobs[-1] = ended
            jobs.append(start())
        self.assertEqual(ended.state, v1.JOB_STATE_SUCCEEDED, ended)
        control.change(clear_faults=True)  # those to which it did not come
        return [*jobs[:-1], ended], done_at, disturbances

    def report(self, job):
        from skulink.v1 import sync_service_pb2 as v1
        return [item for page in pages(self.api.sync.ListJobItems, v1.ListJobItemsRequest(parent=job.name, page_size=1000))
                for item in page.items]

    def verify(self):
        self.stack.stop_server()
        verified = self.stack.verify()
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        self.assertIn(': 0 differences', verified.stdout)
        self.start_server()

    def start_download(self, channel):
        from skulink.v1 import sync_service_pb2 as v1
        return self.api.sync.StartDownload(v1.StartDownloadRequest(
            channel=channel, all=True, request_id=str(uuid.uuid4()))).job

    def check_download(self, merchant, jobs):
        from skulink.v1 import catalog_service_pb2, products_menu_service_pb2
        transfers = [job.transfer for job in jobs]
        self.assertEqual(sum(transfer.created for transfer in transfers), len(SKUS))
        self.assertEqual(sum(transfer.skipped + transfer.failed for transfer in transfers), 0)
        if len(jobs) == 1:  # another one does not find what shares a SKU with what the first made
            self.assertEqual((transfers[0].done, transfers[0].linked), (ITEMS * PER_ITEM, ITEMS * PER_ITEM - len(SKUS)))
        items = [item for job in jobs for item in self.report(job)]
        self.assertEqual(len({item.listing_id for item in items}), len(items))
        products = [product for page in pages(self.api.catalog.ListProducts, catalog_service_pb2.ListProductsRequest(
            parent=merchant, page_size=1000)) for product in page.products]
        variants = [variant.sku for product in products for variant in product.variants]
        self.assertEqual(len(variants), len(SKUS))
        self.assertEqual(set(variants), SKUS)
        self.assertEqual(len(products), sum(transfer.parents_created for transfer in transfers))
        rows = self.api.menu.ListNotInPos(products_menu_service_pb2.ListNotInPosRequest(parent=merchant)).listings
        self.assertEqual(len(rows), 0)

    def new_merchant_with_pos(self, name, endpoint):
        """What it has is not on its channel, which is known; returns the channel's name."""
        from skulink.v1 import sync_service_pb2 as v1
        channel = self.new_merchant(name, endpoint)
        imported = self.stack.cli('import', self.folder / 'pos.jsonl', merchant=name)
        self.assertEqual(imported.returncode, 0, imported.stderr)
        self.await_success(self.api.sync.StartScan(v1.StartScanRequest(channel=channel)).job)
        return channel

    def start_upload(self, channel):
        from skulink.v1 import sync_service_pb2 as v1
        merchant = channel.partition('/channels/')[0]
        return self.api.sync.StartUpload(v1.StartUploadRequest(
            channel=channel, products=[f'{merchant}/products/p-{item}' for item in range(ITEMS)],
            request_id=str(uuid.uuid4()))).job

    def check_upload(self, control, jobs, most_received):
        transfer = jobs[-1].transfer
        self.assertEqual((transfer.done, transfer.created + transfer.skipped), (ITEMS * PER_ITEM, ITEMS * PER_ITEM))
        if len(jobs) == 1:
            self.assertEqual((transfer.created, transfer.parents_created), (ITEMS * PER_ITEM, ITEMS))
        items = self.report(jobs[-1])
        self.assertEqual(len({item.variant for item in items}), len(items))
        listings = [books.listing for books in control.listings().values()]
        books = control.books()
        self.assertEqual(list(books.violations), [])
        self.assertEqual(len(listings), ITEMS * PER_ITEM)
        self.assertEqual(len({listing.seller_sku for listing in listings}), ITEMS * PER_ITEM)
        self.assertEqual(len({listing.item_id for listing in listings}), ITEMS)
        self.assertEqual({item.listing_id for item in items}, {listing.listing_id for listing in listings})
        # One creation of each product was asked for, and not more often than there was cause.
        self.assertEqual(len(books.creations), ITEMS)
        self.assertEqual({tuple(sorted(listing.seller_sku for listing in creation.listings)) for creation in books.creations},
                         {tuple(f'SKU-{item}-{option}' for option in range(PER_ITEM)) for item in range(ITEMS)})
        self.assertLessEqual(max(creation.received for creation in books.creations), most_received)

    def test_downloads(self):
        from skulink.v1 import sync_service_pb2 as v1
        killed = []
        for round_ in range(ROUNDS):
            with self.subTest(round=round_), ShopControl(self.source) as control:
                channel = self.new_merchant(f'down-{round_}', self.source)
                merchant = channel.partition('/channels/')[0]
                self.await_success(self.api.sync.StartScan(v1.StartScanRequest(channel=channel)).job)
                jobs, done_at, _ = self.kill_in_the_middle(lambda: self.start_download(channel), 0.7, control, 'get',
                    *shop_faults.PASSING, shop_faults.EXPIRED_TOKEN)
                killed.append((len(jobs), done_at))
                self.check_download(merchant, jobs)
        print('downloads, jobs and killed after', killed, flush=True)
        self.verify()

    def test_uploads(self):
        from skulink.v1 import sync_service_pb2 as v1
        killed = []
        for round_ in range(ROUNDS):
            with self.subTest(round=round_):
                endpoint = self.stack.start_simulator({'target': self.folder / 'nothing.jsonl'}, '--create-max=20',
                                                      '--write-latency-ms=10')['target']
                control = self.enterContext(ShopControl(endpoint))
                channel = self.new_merchant_with_pos(f'up-{round_}', endpoint)
                jobs, done_at, disturbances = self.kill_in_the_middle(
                    lambda: self.start_upload(channel), 1, control, 'create',
                    *shop_faults.PASSING, *shop_faults.AFTER_WRITE, shop_faults.EXPIRED_TOKEN)
                killed.append((len(jobs), done_at))
                self.check_upload(control, jobs, 1 + disturbances)
                # A scan finds that all is as it is known.
                scan = self.await_success(self.api.sync.StartScan(v1.StartScanRequest(channel=channel)).job)
                self.assertEqual(scan.progress.unchanged, ITEMS * PER_ITEM)
                self.stack.simulators.pop().stop()
        print('uploads, jobs and killed after', killed, flush=True)
        self.verify()

    def test_database_killed(self):
        from skulink.v1 import sync_service_pb2 as v1
        source = self.stack.start_simulator({'source': self.folder / 'shop.jsonl'}, '--max-requests-per-second=8')['source']
        target = self.stack.start_simulator({'target': self.folder / 'nothing.jsonl'}, '--create-max=20',
                                            '--write-latency-ms=30')['target']
        control = self.enterContext(ShopControl(target))
        down = self.new_merchant('down-database', source)
        self.await_success(self.api.sync.StartScan(v1.StartScanRequest(channel=down)).job)
        up = self.new_merchant_with_pos('up-database', target)
        jobs = [self.start_download(down), self.start_upload(up)]
        before = [self.await_job(job, lambda now: now.transfer.done > 0) for job in jobs]
        os.kill(self.stack.mariadb(), signal.SIGKILL)
        self.assertEqual([job.state for job in before], [v1.JOB_STATE_RUNNING] * 2, 'it ended too early')
        downloaded, uploaded = [self.await_success(job) for job in jobs]
        print('database killed after', [job.transfer.done for job in before], flush=True)
        self.assertIsNone(self.stack.server.process.poll())
        self.assertIn('the embedded MariaDB ended (signal 9)', self.stack.server.log())
        self.check_download('merchants/down-database', [downloaded])
        self.check_upload(control, [uploaded], 2)
        self.verify()

    def test_quick_scans(self):
        from skulink.v1 import sync_service_pb2 as v1
        killed = {v1.SCAN_MODE_UPDATED: [], v1.SCAN_MODE_ITEM: []}
        item_ids = [f'i-{item}' for item in range(1000)]
        for round_ in range(ROUNDS):
            with self.subTest(round=round_):
                endpoint = self.stack.start_simulator({'changing': self.folder / 'shop.jsonl'}, '--page-size-max=300',
                                                      '--max-requests-per-second=20')['changing']
                control = self.enterContext(ShopControl(endpoint))
                channel = self.new_merchant(f'quick-{round_}', endpoint)
                self.await_success(self.api.sync.StartScan(v1.StartScanRequest(channel=channel)).job)
                for stock, mode, listings in ((6, v1.SCAN_MODE_UPDATED, ITEMS * PER_ITEM),
                                              (7, v1.SCAN_MODE_ITEM, len(item_ids) * PER_ITEM)):
                    changed = [books.listing for books in control.listings().values()]
                    for listing in changed:
                        listing.stock = stock
                    control.change(put=changed)
                    where = 'get' if mode == v1.SCAN_MODE_ITEM else str(self.random.randint(1, 20))
                    jobs, done_at, _ = self.kill_in_the_middle(lambda: self.api.sync.StartScan(v1.StartScanRequest(
                        channel=channel, mode=mode, request_id=str(uuid.uuid4()),
                        item_ids=item_ids if mode == v1.SCAN_MODE_ITEM else [])).job,
                        0.2 if mode == v1.SCAN_MODE_ITEM else 0.5, control, where,
                        *shop_faults.PASSING, shop_faults.EXPIRED_TOKEN)
                    killed[mode].append((len(jobs), done_at))
                    progress = jobs[-1].progress
                    self.assertEqual((progress.listings_seen, progress.created, progress.removed), (listings, 0, 0))
                    self.assertEqual(sum(job.progress.updated for job in jobs), listings)
                # The others still have the stock that the UPDATED scan found.
                scan = self.await_success(self.api.sync.StartScan(v1.StartScanRequest(channel=channel)).job)
                self.assertEqual(scan.progress.unchanged, len(item_ids) * PER_ITEM)
                self.assertEqual(scan.progress.updated, (ITEMS - len(item_ids)) * PER_ITEM)
                self.stack.simulators.pop().stop()
        print('quick scans, jobs and killed after', *killed.values(), flush=True)
        self.verify()


if __name__ == '__main__':
    sys.exit(unittest.main())
