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
        pos = write_lines(folder / 'pos.jsonl', [{'product_id': 'p', 'name': 'Kemeja', 'variants': [
            {'variant_id': 'v', 'sku': 'KMJ-1', 'stock': 7}]}])
        cls.stack = cls.enterClassContext(Stack())
        cls.endpoints = cls.stack.start_simulator({'shopee': shop, 'lazada': shop})
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

    def check_watch(self):
        """What is printed first is all of it, then what changes; Ctrl-C ends it."""
        watch = subprocess.Popen([self.stack.build / 'bin' / 'skulink', '--server', self.stack.address, '--output', 'jsonl',
                                  'stock', 'status', 'KMJ-1', '--watch'], stdout=subprocess.PIPE, text=True)
        with watch:
            first = [json.loads(watch.stdout.readline()) for _ in range(4)]
            self.assertEqual({(row['channel'], row['listing_id']) for row in first},
                             {(channel, id) for channel in self.endpoints for id in ('l1', 'l2')})
            self.run_cli('stock', 'set', 'KMJ-1', 9)
            while True:
                row = json.loads(watch.stdout.readline())
                if (row['channel'], row['quantity'], row['outcome']) == ('shopee', 9, 'applied'):
                    break
            watch.send_signal(signal.SIGINT)
            self.assertEqual(watch.wait(PATIENCE), 130)


if __name__ == '__main__':
    unittest.main()
