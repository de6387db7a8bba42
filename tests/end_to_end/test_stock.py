"""Stock from the command line to the books of simulated shops, and back as what became of it."""
import json
import signal
import subprocess
import tempfile
import pathlib
import time
import unittest

from stack import ShopControl, Stack, write_lines

PATIENCE = 60


class Stock(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix='skulink-')))
        listings = [{'listing_id': id, 'item_id': 'i', 'name': id, 'seller_sku': 'KMJ-1', 'status': 'active', 'stock': 1}
                    for id in ('l1', 'l2')]
        shop = write_lines(folder / 'shop.jsonl', listings)
        other = write_lines(folder / 'other.jsonl', [{**listings[0], 'seller_sku': 'KMJ-2'}])
        pos = write_lines(folder / 'pos.jsonl', [{'product_id': product, 'name': 'Kemeja', 'variants': [
            {'variant_id': 'v', 'sku': sku, 'stock': 7}]} for product, sku in (('p', 'KMJ-1'), ('q', 'KMJ-2'))])
        cls.stack = cls.enterClassContext(Stack())
        cls.endpoints = cls.stack.start_simulator({'shopee': shop, 'lazada': shop, 'tokopedia': other})
        cls.run_cli('import', pos)
        for channel, endpoint in cls.endpoints.items():
            cls.run_cli('channel', 'add', channel, '--endpoint', endpoint)
            cls.run_cli('scan', channel)

    @classmethod
    def run_cli(cls, *arguments, status=0):
        """The rows that it printed."""
        done = cls.stack.cli('--output', 'jsonl', *arguments)
        if done.returncode != status:
            raise AssertionError(f'{arguments}: {done.returncode}\n{done.stdout}{done.stderr}')
        return [json.loads(line) for line in done.stdout.splitlines()] if status == 0 else done.stderr

    def await_stock(self, channel, quantity):
        with ShopControl(self.endpoints[channel]) as shop:
            deadline = time.monotonic() + PATIENCE
            while True:
                stocks = {id: books.listing.stock for id, books in shop.listings().items()}
                if stocks == {'l1': quantity, 'l2': quantity}:
                    return
                self.assertLess(time.monotonic(), deadline, stocks)
                time.sleep(0.05)

    def test_from_the_command_line_to_every_listing(self):
        row, = self.run_cli('channel', 'set', 'shopee', '--stock-sync', 'on')
        self.assertEqual((row['stock_sync'], row['percentage'], row['maximum']), (True, 100, None))
        self.await_stock('shopee', 7)  # switching on sends what the shop does not have
        self.run_cli('channel', 'set', 'lazada', '--stock-sync', 'on', '--percentage', 50, '--buffer', 1, '--maximum', 4)
        self.await_stock('lazada', 2)

        self.assertEqual(self.run_cli('stock', 'set', 'KMJ-1', 20),
                         [{'variant': 'merchants/default/products/p/variants/v', 'sku': 'KMJ-1', 'stock': 20}])
        self.await_stock('shopee', 20)
        self.await_stock('lazada', 4)
        self.assertEqual(self.run_cli('stock', 'adjust', 'merchants/default/products/p/variants/v', -15)[0]['stock'], 5)
        self.await_stock('shopee', 5)
        self.await_stock('lazada', 1)

        deadline = time.monotonic() + PATIENCE
        while True:  # the shop has it a moment before Skulink knows
            rows = self.run_cli('stock', 'status', 'KMJ-1')
            if {row['outcome'] for row in rows} == {'applied'}:
                break
            self.assertLess(time.monotonic(), deadline, rows)
        self.assertEqual([(row['channel'], row['listing_id'], row['quantity']) for row in rows],
                         [('shopee', 'l1', 5), ('shopee', 'l2', 5), ('lazada', 'l1', 1), ('lazada', 'l2', 1)])
        self.assertEqual(len(self.run_cli('stock', 'status', '--channel', 'lazada', '--outcome', 'applied')), 2)
        self.assertEqual(self.run_cli('stock', 'status', '--channel', 'lazada', '--outcome', 'gone'), [])

        refused = self.run_cli('stock', 'adjust', 'KMJ-1', -6, status=1)
        self.assertIn('STOCK_BELOW_ZERO', refused)
        self.run_cli('merchant', 'update', '--negative-stock', 'on')
        self.assertEqual(self.run_cli('stock', 'adjust', 'KMJ-1', -6)[0]['stock'], -1)
        self.await_stock('shopee', 0)
        self.check_watch()

        self.stack.stop_server()
        verified = self.stack.verify()
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        self.stack.server = self.stack.start_server()

    def test_age(self):
        """Of a value that the shop does not take yet: for how long it waits. Then: how long it waited."""
        def wait_for(condition):
            deadline = time.monotonic() + PATIENCE
            while True:
                rows = self.run_cli('stock', 'status', 'KMJ-2')
                if rows and condition(rows[0]):
                    return rows[0]
                self.assertLess(time.monotonic(), deadline, rows)

        self.run_cli('channel', 'set', 'tokopedia', '--stock-sync', 'on')
        wait_for(lambda row: row['outcome'] == 'applied')
        with ShopControl(self.endpoints['tokopedia']) as shop:
            shop.change(faults=['unavailable:stock'])
            before = time.monotonic()
            self.run_cli('stock', 'set', 'KMJ-2', 20)
            since = time.monotonic()
            while (waited := time.monotonic() - since) < 3:
                row, = self.run_cli('stock', 'status', 'KMJ-2')
                self.assertIn(row['outcome'], ('pending', 'retrying'))
                self.assertGreaterEqual(row['age_seconds'], int(waited))
                self.assertLessEqual(row['age_seconds'], time.monotonic() - before)
            shop.change(clear_faults=True)
        applied = wait_for(lambda row: row['outcome'] == 'applied')
        self.assertGreaterEqual(applied['age_seconds'], 3)
        self.assertLessEqual(applied['age_seconds'], time.monotonic() - before)
        until = time.monotonic() + 1.2
        while time.monotonic() < until:
            self.assertEqual(self.run_cli('stock', 'status', 'KMJ-2'), [applied])

    def check_watch(self):
        """What is printed first is all of it, then what changes; Ctrl-C ends it."""
        watch = subprocess.Popen([self.stack.build / 'bin' / 'skulink', '--server', self.stack.address, '--output', 'jsonl',
                                  'stock', 'status', 'KMJ-1', '--watch'], stdout=subprocess.PIPE, text=True)
        with watch:
            first = [json.loads(watch.stdout.readline()) for _ in range(4)]
            self.assertEqual({(row['channel'], row['listing_id']) for row in first},
                             {(channel, id) for channel in ('shopee', 'lazada') for id in ('l1', 'l2')})
            self.run_cli('stock', 'set', 'KMJ-1', 9)
            while True:
                row = json.loads(watch.stdout.readline())
                if (row['channel'], row['quantity'], row['outcome']) == ('shopee', 9, 'applied'):
                    break
            watch.send_signal(signal.SIGINT)
            self.assertEqual(watch.wait(PATIENCE), 130)


if __name__ == '__main__':
    unittest.main()
