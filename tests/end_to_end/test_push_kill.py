"""Stocks change while servers and databases are killed: in the end every shop has what the POS has, and none was ever
asked to take two values of a listing at once. $SKULINK_KILL_ROUNDS says how often the server is killed."""
import getpass
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import uuid

from stack import Api, Program, ShopControl, Stack, pages, write_catalogue

ROUNDS = int(os.environ.get('SKULINK_KILL_ROUNDS', '3'))
VARIANTS = 300
SHOPS = ('one', 'two')
PATIENCE = 90
TAKEN_OVER = 15  # seconds
PARENT = 'merchants/default'


class Changes:
    """Sets stocks without pause, at one server after the other, each call until it is answered."""

    def __init__(self, addresses):
        self.addresses = addresses  # of servers; may change
        self.made = 0
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
                variants = random.sample(range(VARIANTS), 10)
                set_stock({n: random.randrange(1000) for n in variants}, lambda: random.choice(list(self.addresses)),
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


class Mariadb:
    """An external database server, with an empty database `skulink`."""

    def __init__(self, folder):
        self.socket, data = folder / 'db.sock', folder / 'db'
        user = getpass.getuser()
        subprocess.run(['mariadb-install-db', '--no-defaults', f'--datadir={data}', f'--user={user}', '--skip-test-db',
                        '--auth-root-authentication-method=socket', f'--auth-root-socket-user={user}'],
                       check=True, capture_output=True)
        program = shutil.which('mariadbd') or '/usr/sbin/mariadbd'
        self.process = subprocess.Popen(
            [program, '--no-defaults', f'--datadir={data}', f'--user={user}', f'--socket={self.socket}', '--skip-networking',
             '--local-infile=1', '--max-connections=300', f'--log-error={folder / "db.log"}'], stdin=subprocess.DEVNULL)
        self.url = f'mysql://{user}@/skulink?socket={self.socket}'
        give_up = time.monotonic() + PATIENCE
        create = ['mariadb', '--no-defaults', f'--socket={self.socket}', '-e', 'CREATE DATABASE skulink CHARACTER SET utf8mb4']
        while subprocess.run(create, check=False, capture_output=True).returncode != 0:
            if time.monotonic() > give_up:
                raise TimeoutError((folder / 'db.log').read_text(errors='replace')[-4000:])
            time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        self.process.wait()


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
            differing = {f'{name}/{listing_id}': (books.listing.stock, expected[listing_id])
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

    def test_server_killed_again_and_again(self):
        self.fill(self.stack.address)
        addresses = [self.stack.address]
        with Changes(addresses) as changes:
            for _ in range(ROUNDS):
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
        mariadb = Mariadb(self.folder)
        self.addCleanup(mariadb.stop)
        migrated = subprocess.run([self.stack.build / 'bin' / 'skulinkd', 'migrate', '--mysql', mariadb.url],
                                  capture_output=True, text=True, check=False)
        self.assertEqual(migrated.returncode, 0, migrated.stderr)
        servers = [self.start_on(mariadb, name) for name in ('first', 'second')]
        self.fill(servers[0][1])
        addresses = [address for _, address in servers]
        slowest = 0.0
        for killed in range(2):
            with Changes(addresses) as changes:
                self.wait_for(lambda: changes.made > 10)
                program, address = servers[killed]
                addresses.remove(address)
                program.kill()
            start = time.monotonic()
            set_stock({7: 70 + killed}, lambda: addresses[0])
            self.wait_for(lambda killed=killed: all(
                shop.listings('L7')['L7'].listing.stock == 70 + killed for shop in self.shops.values()))
            slowest = max(slowest, time.monotonic() - start)
            self.await_in_step(addresses[0])
            servers[killed] = self.start_on(mariadb, f'again-{killed}')
            addresses.append(servers[killed][1])
        print(f'taken over within {slowest:.1f} s', flush=True)
        self.assertLess(slowest, TAKEN_OVER)

    def start_on(self, mariadb, name):
        program = Program([self.stack.build / 'bin' / 'skulinkd', 'serve', '--listen', '127.0.0.1:0', '--mysql', mariadb.url],
                          self.folder / f'{name}.log', 'listening on ')
        self.addCleanup(program.stop)
        return program, program.output[-1].split()[2]

    def wait_for(self, condition):
        give_up = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), give_up)
            time.sleep(0.02)


if __name__ == '__main__':
    unittest.main()
