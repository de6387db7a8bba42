"""Stocks change while servers and databases are killed: in the end every shop has what the POS has, and none was ever
asked to take two values of a listing at once. $SKULINK_KILL_ROUNDS says how often the server is killed."""
import itertools
import os
import pathlib
import random
import signal
import tempfile
import threading
import time
import unittest
import uuid

import shop_faults
from shared_store import SharedStore
from stack import Api, ShopControl, Stack, pages, write_catalogue

ROUNDS = int(os.environ.get('SKULINK_KILL_ROUNDS', '2'))
STOPS = max(1, ROUNDS // 3)  # each takes a lease
VARIANTS = 300
WATCHED = VARIANTS - 1  # is changed by the test alone
SHOPS = ('one', 'two')
PATIENCE = 90
TAKEN_OVER = 15  # seconds
PARENT = 'merchants/default'


class Changes:
    """Sets stocks without pause, at one server after the other, each call until it is answered."""

    def __init__(self, addresses, next_stock=lambda: random.randrange(1000)):
        self.addresses = addresses  # of servers; may change
        self.made = 0
        self._next_stock = next_stock
        self._failure, self._stop = None, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        if self._failure:
            raise self._failure

    def _run(self):
        try:
            while not self._stop.is_set():
                variants = random.sample(range(WATCHED), 10)
                set_stock({n: self._next_stock() for n in variants}, lambda: random.choice(list(self.addresses)),
                          self._stop)
                self.made += 1
        except Exception as failure:  # told by whoever waits for the end
            self._failure = failure


def set_stock(quantities, address, stop=threading.Event()):
    """Asks again, as a caller does whose server is gone, until there is an answer or a stop."""
    import grpc
    from skulink.v1 import inventory_service_pb2 as v1
    from skulink.v1 import inventory_service_pb2_grpc
    request = v1.SetStockRequest(parent=PARENT, request_id=str(uuid.uuid4()), settings=[
        v1.StockSetting(variant=v1.VariantSelector(sku=f'K-{n}'), quantity=quantity) for n, quantity in quantities.items()])
    while True:
        with grpc.insecure_channel(address()) as connection:
            try:
                inventory_service_pb2_grpc.InventoryServiceStub(connection).SetStock(request, timeout=10)
                return
            except grpc.RpcError as error:
                if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                    raise
        if stop.wait(0.05):
            return


class PushKill(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix='skulink-push-')))
        write_catalogue(self.folder, VARIANTS, stock=5, stock_at_shop=1)
        self.stack = self.enterContext(Stack())
        endpoints = self.stack.start_simulator({name: self.folder / 'shop.jsonl' for name in SHOPS}, '--stock-max=20',
                                               '--write-latency-ms=3')
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
                    endpoint=endpoint, stock_sync=v1.StockSync(enabled=True))))
        for name in SHOPS:
            self.run_cli('scan', name)

    def run_cli(self, *arguments):
        done = self.stack.cli(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def pos(self, address):
        """Stock by listing id, as the POS has it."""
        from skulink.v1 import catalog_service_pb2 as v1
        with Api(address) as api:
            return {'L' + product.product_id[1:]: product.variants[0].stock
                    for page in pages(api.catalog.ListProducts, v1.ListProductsRequest(parent=PARENT, page_size=1000))
                    for product in page.products}

    def await_in_step(self, address):
        expected = self.pos(address)
        self.assertEqual(len(expected), VARIANTS)
        give_up = time.monotonic() + PATIENCE
        while True:
            differing = {f'{name}/{listing_id}': (expected[listing_id], [update.quantity for update in books.stock_updates][-4:])
                         for name, shop in self.shops.items() for listing_id, books in shop.listings().items()
                         if books.listing.stock != expected[listing_id]}
            if not differing:
                break
            self.assertLess(time.monotonic(), give_up, f'{len(differing)} differ: {list(differing.items())[:5]}')
            time.sleep(0.1)
        for shop in self.shops.values():
            books = shop.books()
            self.assertEqual(list(books.violations), [])
            self.assertLessEqual(books.most_in_flight, 1)

    def spoil(self):
        """Each shop does something wrong soon: most of it passes, and to an expired token it is asked again later."""
        for shop in self.shops.values():
            shop.change(faults=shop_faults.some(random, ('stock',), *shop_faults.PASSING, *shop_faults.AFTER_WRITE,
                                                shop_faults.EXPIRED_TOKEN))

    def test_server_killed_again_and_again(self):
        self.fill(self.stack.address)
        addresses = [self.stack.address]
        with Changes(addresses) as changes:
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
        with Changes([self.stack.address]) as changes:
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
            with Changes(addresses) as changes:
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
        """What it was about to send is old by then. Stocks only rise, so that an old one is seen for what it is."""
        store = self.enterContext(SharedStore(self.folder))
        owner, address = store.start_server('first')
        self.fill(address)
        rising = itertools.count(1)
        slowest = 0.0
        for stop in range(STOPS):
            addresses = [address]
            with Changes(addresses, lambda: next(rising)) as changes:
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
        set_stock({WATCHED: quantity}, lambda: address)
        self.wait_for(lambda: all(shop.listings(f'L{WATCHED}')[f'L{WATCHED}'].listing.stock == quantity
                                  for shop in self.shops.values()))
        return time.monotonic() - start

    def check_only_rose(self):
        for name, shop in self.shops.items():
            for listing_id, books in shop.listings().items():
                # Before them comes the one of the catalogue.
                sent = [update.quantity for update in books.stock_updates][1:]
                self.assertEqual(sent, sorted(sent), f'{name}/{listing_id}')

    def wait_for(self, condition):
        give_up = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), give_up)
            time.sleep(0.02)


if __name__ == '__main__':
    unittest.main()
