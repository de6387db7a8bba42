"""Stocks and prices change while servers and databases are killed: in the end the POS and every shop have what was set last,
and no shop was ever asked to take two values of a listing at once. $SKULINK_KILL_ROUNDS says how often the server is killed."""
import itertools
import os
import pathlib
import random
import signal
import tempfile
import time
import unittest

import shop_faults
from pos_changes import PARENT, Changes, Pos
from shared_store import SharedStore
from stack import Api, ShopControl, Stack, pages, write_catalogue

ROUNDS = int(os.environ.get('SKULINK_KILL_ROUNDS', '2'))
STOPS = max(1, ROUNDS // 3)  # each takes a lease
VARIANTS = 300
WAYS = {'set': range(250), 'adjusted': [250], 'priced': range(251, 290)}  # in which variants are changed
WATCHED = VARIANTS - 1  # is changed by the test alone
STOCK, PRICE = 5, 1000  # of the catalogue
SHOPS = ('one', 'two')
PATIENCE = 90
TAKEN_OVER = 15  # seconds
QUIET = 1  # for so many seconds nothing is sent


class PushKill(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix='skulink-push-')))
        write_catalogue(self.folder, VARIANTS, stock=STOCK, stock_at_shop=1)
        self.pos = Pos(VARIANTS, STOCK, PRICE)
        self.stack = self.enterContext(Stack())
        endpoints = self.stack.start_simulator({name: self.folder / 'shop.jsonl' for name in SHOPS}, '--stock-max=20',
                                               '--price-max=20', '--write-latency-ms=3')
        self.shops = {name: self.enterContext(ShopControl(endpoint)) for name, endpoint in endpoints.items()}
        self.endpoints = endpoints

    def fill(self, address):
        """The POS, and channels that are kept in step."""
        from skulink.v1 import channel_service_pb2 as v1
        self.stack.address = address
        self.run_cli('import', self.folder / 'pos.jsonl')
        with Api(address) as api:
            for name, endpoint in self.endpoints.items():
                api.channels.CreateChannel(v1.CreateChannelRequest(parent=PARENT, channel_id=name, channel=v1.Channel(
                    endpoint=endpoint, stock_sync=v1.StockSync(enabled=True), price_sync=v1.PriceSync(enabled=True))))
        for name in SHOPS:
            self.run_cli('scan', name)

    def run_cli(self, *arguments):
        done = self.stack.cli(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def changes(self, addresses, **options):
        return Changes(self.pos, addresses, WAYS, **options)

    def expected(self):
        """Stock and price by listing id."""
        return {f'L{n}': (self.pos.stocks[n], self.pos.prices[n]) for n in range(VARIANTS)}

    def read_pos(self, address):
        from skulink.v1 import catalog_service_pb2 as v1
        with Api(address) as api:
            return {'L' + product.product_id[1:]: (product.variants[0].stock, product.variants[0].price.units)
                    for page in pages(api.catalog.ListProducts, v1.ListProductsRequest(parent=PARENT, page_size=1000))
                    for product in page.products}

    def open_pushes(self, address):
        import grpc
        from skulink.v1 import inventory_service_pb2 as v1, inventory_service_pb2_grpc
        with grpc.insecure_channel(address) as connection:
            inventory = inventory_service_pb2_grpc.InventoryServiceStub(connection)
            return [push for page in pages(inventory.ListPushes, v1.ListPushesRequest(parent=PARENT, page_size=1000))
                    for push in page.pushes if push.outcome != v1.PUSH_OUTCOME_APPLIED]

    def await_in_step(self, address):
        """What was answered is there, and nothing more is sent once Skulink knows that."""
        expected = self.expected()
        self.assertEqual(self.read_pos(address), expected)
        give_up = time.monotonic() + PATIENCE
        while pushes := self.open_pushes(address):
            self.assertLess(time.monotonic(), give_up, f'{len(pushes)} pushes are open: {pushes[:3]}')
            time.sleep(0.1)
        for name, shop in self.shops.items():
            listings = shop.listings()
            found = {listing_id: (books.listing.stock, books.listing.price.units) for listing_id, books in listings.items()}
            differing = [(listing_id, expected[listing_id], listings[listing_id]) for listing_id in expected
                         if found[listing_id] != expected[listing_id]]
            self.assertEqual(differing, [], name)
            for listing_id, books in listings.items():
                # Each came to have the stock by an update, which is the last; and the price, if it was ever changed.
                self.assertEqual(books.stock_updates[-1].quantity, expected[listing_id][0], f'{name}/{listing_id}')
                if books.price_updates:
                    self.assertEqual(books.price_updates[-1].price.units, expected[listing_id][1], f'{name}/{listing_id}')
            books = shop.books()
            self.assertEqual(list(books.violations), [])
            self.assertLessEqual(books.most_in_flight, 1)
        self.check_nothing_is_sent()

    def check_nothing_is_sent(self):
        def calls():
            return {name: (books.update_stock_calls, books.update_price_calls)
                    for name, books in ((name, shop.books()) for name, shop in self.shops.items())}

        before, until = calls(), time.monotonic() + QUIET
        while time.monotonic() < until:
            self.assertEqual(calls(), before)
            time.sleep(0.05)

    def spoil(self):
        """Each shop does something wrong soon: most of it passes, and to an expired token it is asked again later."""
        for shop in self.shops.values():
            shop.change(faults=shop_faults.some(random, ('stock', 'price'), *shop_faults.PASSING, *shop_faults.AFTER_WRITE,
                                                shop_faults.EXPIRED_TOKEN))

    def test_server_killed_again_and_again(self):
        self.fill(self.stack.address)
        addresses = [self.stack.address]
        with self.changes(addresses) as changes:
            for _ in range(ROUNDS):
                self.spoil()
                made = changes.made
                time.sleep(random.uniform(0.05, 1.5))
                self.stack.server.kill()
                self.stack.server = self.stack.start_server()
                addresses[:] = [self.stack.address]
                self.wait_for(lambda made=made: changes.made > made + 1)
        print(f'killed {ROUNDS} times during {changes.made} changes', flush=True)
        self.await_in_step(self.stack.address)
        self.stack.stop_server()
        verified = self.stack.verify()
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        self.stack.server = self.stack.start_server()

    def test_database_killed_under_load(self):
        self.fill(self.stack.address)
        with self.changes([self.stack.address]) as changes:
            for _ in range(2):
                made = changes.made
                self.wait_for(lambda made=made: changes.made > made + 10)
                os.kill(self.stack.mariadb(), signal.SIGKILL)
                time.sleep(0.5)
                made = changes.made
                self.wait_for(lambda made=made: changes.made > made + 1)
        self.await_in_step(self.stack.address)
        self.assertIsNone(self.stack.server.process.poll())

    def test_one_of_two_servers_killed(self):
        store = self.enterContext(SharedStore(self.folder))
        servers = [store.start_server(name) for name in ('first', 'second')]
        self.fill(servers[0][1])
        addresses = [address for _, address in servers]
        slowest = 0.0
        for killed in range(2):
            with self.changes(addresses) as changes:
                self.wait_for(lambda: changes.made > 10)
                program, address = servers[killed]
                addresses.remove(address)
                program.kill()
            slowest = max(slowest, self.await_taken_over(addresses[0], 70 + killed))
            self.await_in_step(addresses[0])
            servers[killed] = store.start_server(f'again-{killed}')
            addresses.append(servers[killed][1])
        print(f'taken over within {slowest:.1f} s', flush=True)
        self.assertLess(slowest, TAKEN_OVER)

    def test_stopped_server_goes_on_after_another_one_took_over(self):
        """What it was about to send is old by then. Values only rise, so that an old one is seen for what it is."""
        store = self.enterContext(SharedStore(self.folder))
        owner, address = store.start_server('first')
        self.fill(address)
        rising = itertools.count(1)
        slowest = 0.0
        for stop in range(STOPS):
            addresses = [address]
            with self.changes(addresses, next_value=lambda: next(rising)) as changes:
                self.wait_for_changes(changes, 5)  # which keep the channels with their owner
                other, other_address = store.start_server(f'other-{stop}')
                self.wait_for_changes(changes, random.randrange(30))
                addresses[:] = [other_address]
                owner.process.send_signal(signal.SIGSTOP)
                try:
                    slowest = max(slowest, self.await_taken_over(other_address, next(rising)))
                    self.wait_for_changes(changes, random.randrange(30))
                finally:
                    owner.process.send_signal(signal.SIGCONT)
                addresses[:] = [address, other_address]
                self.wait_for_changes(changes, 30)
            self.await_in_step(other_address)
            self.check_only_rose()
            owner.stop()
            owner, address = other, other_address
        print(f'{STOPS} stopped servers were taken over within {slowest:.1f} s', flush=True)
        self.assertLess(slowest, TAKEN_OVER)

    def wait_for_changes(self, changes, count):
        made = changes.made
        self.wait_for(lambda: changes.made >= made + count)

    def await_taken_over(self, address, quantity):
        """How long it takes until each shop has a stock that was set at this server."""
        start = time.monotonic()
        self.pos.set_stock({WATCHED: quantity}, lambda: address)
        self.wait_for(lambda: all(shop.listings(f'L{WATCHED}')[f'L{WATCHED}'].listing.stock == quantity
                                  for shop in self.shops.values()))
        return time.monotonic() - start

    def check_only_rose(self):
        for name, shop in self.shops.items():
            for listing_id, books in shop.listings().items():
                # Before them comes the one of the catalogue.
                sent = [update.quantity for update in books.stock_updates][1:]
                self.assertEqual(sent, sorted(sent), f'{name}/{listing_id}')
                sent = [update.price.units for update in books.price_updates]
                self.assertEqual(sent, sorted(sent), f'{name}/{listing_id}')

    def wait_for(self, condition):
        give_up = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), give_up)
            time.sleep(0.02)


if __name__ == '__main__':
    unittest.main()
