"""A large catalogue on four channels stays in step while stocks change without pause."""
import pathlib
import random
import tempfile
import time
import unittest

from stack import Api, ShopControl, Stack, write_catalogue

VARIANTS = 100_000
SHOPS = ('one', 'two', 'three', 'four')
SECONDS = 60
CHANGED_AT_ONCE = 100
CALLS_PER_SECOND = 3
PATIENCE = 90
PARENT = 'merchants/default'


class InStep(unittest.TestCase):
    def setUp(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix='skulink-step-')))
        write_catalogue(folder, VARIANTS, stock=5, stock_at_shop=5)
        self.stack = self.enterContext(Stack())
        endpoints = self.stack.start_simulator({name: folder / 'shop.jsonl' for name in SHOPS})
        self.shops = [self.enterContext(ShopControl(endpoint)) for endpoint in endpoints.values()]
        self.run_cli('import', folder / 'pos.jsonl')
        from skulink.v1 import channel_service_pb2 as v1
        with Api(self.stack.address) as api:
            for name, endpoint in endpoints.items():
                api.channels.CreateChannel(v1.CreateChannelRequest(parent=PARENT, channel_id=name, channel=v1.Channel(
                    endpoint=endpoint, stock_sync=v1.StockSync(enabled=True))))
        for name in SHOPS:
            self.run_cli('scan', name)
        self.expected = {n: 5 for n in range(VARIANTS)}

    def run_cli(self, *arguments):
        done = self.stack.cli(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def change_some(self, inventory):
        """Returns one of the changes."""
        from skulink.v1 import inventory_service_pb2 as v1
        quantities = {n: random.randrange(1000) for n in random.sample(range(VARIANTS), CHANGED_AT_ONCE)}
        inventory.SetStock(v1.SetStockRequest(parent=PARENT, settings=[
            v1.StockSetting(variant=v1.VariantSelector(sku=f'K-{n}'), quantity=q) for n, q in quantities.items()]))
        self.expected.update(quantities)
        return next(iter(quantities.items()))

    def await_everywhere(self, number, quantity):
        give_up = time.monotonic() + PATIENCE
        while any(shop.listings(f'L{number}')[f'L{number}'].listing.stock != quantity for shop in self.shops):
            self.assertLess(time.monotonic(), give_up)
            time.sleep(0.02)

    def differing(self):
        return {listing_id: (books.listing.stock, self.expected[int(listing_id[1:])])
                for shop in self.shops for listing_id, books in shop.listings().items()
                if books.listing.stock != self.expected[int(listing_id[1:])]}

    def test_while_stocks_change(self):
        import grpc
        from skulink.v1 import inventory_service_pb2_grpc
        slowest, changes, start = 0.0, 0, time.monotonic()
        with grpc.insecure_channel(self.stack.address) as connection:
            inventory = inventory_service_pb2_grpc.InventoryServiceStub(connection)
            while time.monotonic() < start + SECONDS:
                changed = time.monotonic()
                number, quantity = self.change_some(inventory)
                changes += CHANGED_AT_ONCE
                if changes % (20 * CHANGED_AT_ONCE) == 0:
                    self.await_everywhere(number, quantity)
                    slowest = max(slowest, time.monotonic() - changed)
                time.sleep(max(0, changed + 1 / CALLS_PER_SECOND - time.monotonic()))
            number, quantity = self.change_some(inventory)
        self.await_everywhere(number, quantity)

        give_up = time.monotonic() + PATIENCE
        while differing := self.differing():
            self.assertLess(time.monotonic(), give_up, f'{len(differing)} differ: {list(differing.items())[:5]}')
        print(f'{changes} stocks changed in {SECONDS} s; the slowest of those watched was everywhere after {slowest:.2f} s',
              flush=True)
        for shop in self.shops:
            books = shop.books()
            self.assertEqual(list(books.violations), [])
            self.assertLessEqual(books.most_in_flight, 1)
        self.stack.stop_server()
        verified = self.stack.verify()
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        self.stack.server = self.stack.start_server()


if __name__ == '__main__':
    unittest.main()
