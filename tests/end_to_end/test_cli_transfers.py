"""The commands `skulink download` and `skulink upload`: what they print, the status they end with, and what they made, by the
books of simulated shops."""
import json
import re
import signal
import subprocess
import unittest

import cli_case
from cli_case import DONE, FAILED, INTERRUPTED, ROWS_REFUSED, USAGE, CliCase, on_terminal, product
from stack import ShopControl


def setUpModule():
    cli_case.start_stack()


def count(outcome, number, reason=None):
    """A row of the counts that come first."""
    return {'outcome': outcome, 'reason': reason, 'count': number}


class TransferCase(CliCase):
    def pos(self):
        """Product, variant, price and stock by SKU."""
        return {v['sku']: (v['product_id'], v['variant_id'], v['price'], v['stock']) for v in self.rows('in-pos')}

    def transfers(self):
        """The jobs that are no scans, the oldest first."""
        return [job for job in reversed(self.rows('jobs')) if job['kind'] != 'scan']

    def items(self, job):
        return self.rows('jobs', 'items', job['job'], '--limit', '0')

    def check_refused(self, said, *arguments, status=FAILED):
        """Nothing was started."""
        before = self.rows('jobs')
        done = self.run_cli(*arguments, status=status)
        for text in said:
            self.assertIn(text, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()) if status == FAILED else 1, 1, done.stderr)
        self.assertEqual((done.stdout, self.rows('jobs')), ('', before))


class Download(TransferCase):
    def setUp(self):
        super().setUp()
        self.run_cli('import', self.file('pos.jsonl', product('p1', sku='SKU-1', price=500, stock=9)))
        self.endpoint = self.add_shop_with([
            {'seller_sku': 'SKU-0'}, {'seller_sku': 'SKU-1'}, {'seller_sku': 'SKU-2', 'stock': 7}, {'seller_sku': ''},
            {'seller_sku': 'SKU-4', 'item_id': 'I2', 'price': 2500}, {'seller_sku': 'SKU-2', 'item_id': 'I5'},
            {'seller_sku': 'SKU-6', 'status': 'inactive'}])
        self.run_cli('scan', 'shopee')
        self.known = {'SKU-1': ('p1', 'v', '500', 9)}

    def test_all(self):
        skipped = {'listing_id': 'L00003', 'item_id': 'I3', 'variant': None, 'outcome': 'skipped', 'reason': 'SKU_EMPTY',
                   'field': None, 'description': 'it has no SKU'}
        linked = {'listing_id': 'L00005', 'item_id': 'I5', 'outcome': 'linked', 'reason': None, 'field': None,
                  'variant': f'merchants/{self.merchant}/products/shopee:I2/variants/L00002', 'description': None}
        expected = [count('created', 3), count('linked', 1), count('skipped', 1, 'SKU_EMPTY'), skipped, linked]

        self.assertEqual(self.rows('download', 'shopee', '--all', '--dry-run'), expected)
        self.assertEqual(self.pos(), self.known)
        self.assertEqual(len(self.rows('not-in-pos')), 5)

        self.assertEqual(self.rows('download', 'shopee', '--all'), expected)
        made = {**self.known, 'SKU-0': ('shopee:I0', 'L00000', '1000', None), 'SKU-2': ('shopee:I2', 'L00002', '1000', None),
                'SKU-4': ('shopee:I2', 'L00004', '2500', None)}
        self.assertEqual(self.pos(), made)
        self.assertEqual([x['listing_id'] for x in self.rows('not-in-pos')], ['L00003'])

        self.assertEqual(self.rows('download', 'shopee', '--all'), [count('skipped', 1, 'SKU_EMPTY'), skipped])
        self.assertEqual(self.pos(), made)

        dry, firm, again = self.transfers()
        self.assertEqual([(job['kind'], job['dry_run'], job['state'], job['created'], job['linked'], job['parents_created'])
                          for job in (dry, firm, again)],
                         [('download', True, 'succeeded', 3, 1, 2), ('download', False, 'succeeded', 3, 1, 2),
                          ('download', False, 'succeeded', 0, 0, 0)])
        self.assertEqual(self.items(dry), self.items(firm))
        self.assertCountEqual([(i['listing_id'], i['outcome']) for i in self.items(firm)], [
            ('L00000', 'created'), ('L00002', 'created'), ('L00003', 'skipped'), ('L00004', 'created'), ('L00005', 'linked')])

    def test_selections(self):
        with ShopControl(self.endpoint) as shop:
            before = shop.books()
            self.assertEqual(self.rows('download', 'shopee', '--item', 'I0', '--with-stock'), [count('created', 1)])
            self.assertEqual(self.pos()['SKU-0'], ('shopee:I0', 'L00000', '1000', 1))
            # Of an item only the listing that is asked for.
            name = f'merchants/{self.merchant}/channels/shopee/listings/L00004'
            self.assertEqual(self.rows('download', 'shopee', '--listing', name), [count('created', 1)])
            self.assertEqual(self.pos(), {**self.known, 'SKU-0': ('shopee:I0', 'L00000', '1000', 1),
                                          'SKU-4': ('shopee:I2', 'L00004', '2500', None)})
            # The rest of it goes to the same product.
            rows = self.rows('download', 'shopee', '--item', 'I2', 'I3', '--listing', 'L00001', 'L00006')
            self.assertEqual(rows[:4], [count('created', 1), count('skipped', 2, 'ALREADY_LINKED'),
                                        count('skipped', 1, 'LISTING_NOT_LIVE'), count('skipped', 1, 'SKU_EMPTY')])
            self.assertEqual({(r['listing_id'], r['reason']) for r in rows[4:]},
                             {('L00001', 'ALREADY_LINKED'), ('L00003', 'SKU_EMPTY'), ('L00004', 'ALREADY_LINKED'),
                              ('L00006', 'LISTING_NOT_LIVE')})
            self.assertEqual(self.pos()['SKU-2'], ('shopee:I2', 'L00002', '1000', None))
            books = shop.books()
        self.assertEqual((books.get_items_calls - before.get_items_calls, books.list_listings_calls),
                         (3, before.list_listings_calls))
        self.assertEqual(list(books.violations), [])

    def test_tables(self):
        done = self.run_cli('download', 'shopee', '--all', '--limit', '1')
        counts, rows = done.stdout.split('\n\n')
        self.assertEqual([line.split() for line in counts.splitlines()],
                         [['OUTCOME', 'REASON', 'COUNT'], ['created', '3'], ['linked', '1'], ['skipped', 'SKU_EMPTY', '1']])
        heading, row = rows.splitlines()
        self.assertEqual(heading.split(), ['OUTCOME', 'REASON', 'FIELD', 'LISTING', 'ITEM', 'VARIANT', 'DESCRIPTION'])
        self.assertEqual(row.split(), ['skipped', 'SKU_EMPTY', 'L00003', 'I3', 'it', 'has', 'no', 'SKU'])
        self.assertRegex(done.stderr, r'shopee +download succeeded: 5 of 5, 3 created, 1 linked, 1 skipped, 0 failed\n$')
        (job,) = self.transfers()
        table = self.run_cli('jobs', 'items', job['job']).stdout
        self.assertEqual([line.split()[0] for line in table.splitlines()],
                         ['OUTCOME', *(item['outcome'] for item in self.items(job))])
        for item in self.items(job):
            self.assertIn(f" {item['listing_id']} ", table)
        self.assertIn('PRODUCTS OR ITEMS CREATED', self.run_cli('jobs', 'show', job['job']).stdout)

    def test_what_there_is_not_is_refused(self):
        self.check_refused(['is no listing that the channel has', 'NOT_FOUND', 'listings[1]'],
                           'download', 'shopee', '--listing', 'L00000', 'L99')
        self.check_refused(['is no item that the channel has', 'NOT_FOUND', 'item_ids[0]'],
                           'download', 'shopee', '--item', 'I99')
        other = f'merchants/{self.merchant}/channels/lazada/listings/L00000'
        self.check_refused(['must be a listing of the channel'], 'download', 'shopee', '--listing', other)
        self.check_refused(['NOT_FOUND'], 'download', 'lazada', '--all')
        self.check_refused(['all must not be set together with'], 'download', 'shopee', '--all', '--item', 'I0')
        self.check_refused(['--all'], 'download', 'shopee', status=USAGE)
        self.check_refused(['--limit'], 'download', 'shopee', '--all', '--limit', '-1', status=USAGE)
        self.assertEqual(self.pos(), self.known)

    def test_a_shop_that_fails(self):
        with ShopControl(self.endpoint) as shop:
            shop.change(faults=['expired-token:get'])
        done = self.run_cli('download', 'shopee', '--all', status=FAILED)
        self.assertIn('shopee: the download failed: ', done.stderr)
        self.assertIn('(SELLER_CENTER_UNAUTHENTICATED)', done.stderr)
        self.assertEqual(self.pos(), self.known)


class Upload(TransferCase):
    def add_target(self, *options):
        """An empty shop `tokopedia`, scanned; returns its books."""
        endpoint = self.add_shop(0, *options, channel='tokopedia')
        self.run_cli('scan', 'tokopedia')
        return self.enterContext(ShopControl(endpoint))

    def import_pos(self, *products):
        self.run_cli('import', self.file('pos.jsonl', ''.join(products)))

    def check_creations(self, shop, *expected):
        """Each reached the shop once: title and SKUs."""
        creations = shop.books().creations
        self.assertEqual([creation.received for creation in creations], [1] * len(expected))
        self.assertCountEqual([(creation.listings[0].item_title, *(listing.seller_sku for listing in creation.listings))
                               for creation in creations], expected)
        self.assertEqual(list(shop.books().violations), [])

    def variant(self, product_id, variant_id='v'):
        return f'merchants/{self.merchant}/products/{product_id}/variants/{variant_id}'

    def test_all(self):
        self.import_pos(product('p0', name='Topi', sku='SKU-0', price=100, stock=4), product('p1', sku='SKU-1', price=200),
                        product('p2', sku='SKU-2'), product('p9', sku='SKU-9', price=900))
        self.add_shop(3)
        shop = self.add_target()
        self.run_cli('scan', 'shopee')
        failed = {'listing_id': None, 'item_id': None, 'variant': self.variant('p2'), 'outcome': 'failed',
                  'reason': 'PRICE_MISSING', 'field': 'price', 'description': 'it has no price'}
        expected = [count('created', 2), count('failed', 1, 'PRICE_MISSING'), failed]

        self.assertEqual(self.rows('upload', 'tokopedia', '--all', '--dry-run', status=ROWS_REFUSED), expected)
        self.check_creations(shop)
        self.assertEqual((shop.books().create_items_calls, shop.listings()), (1, {}))
        self.assertEqual(self.rows('sold-in-channel', '--channel', 'tokopedia'), [])

        self.assertEqual(self.rows('upload', 'tokopedia', '--all', status=ROWS_REFUSED), expected)
        self.check_creations(shop, ('Topi', 'SKU-0'), ('Kemeja', 'SKU-1'))
        self.assertCountEqual([(books.listing.seller_sku, books.listing.price.units, books.listing.stock)
                               for books in shop.listings().values()], [('SKU-0', 100, 4), ('SKU-1', 200, 0)])
        self.assertEqual([v['sku'] for v in self.rows('sold-in-channel', '--channel', 'tokopedia')], ['SKU-0', 'SKU-1'])

        self.assertEqual(self.rows('upload', 'tokopedia', '--all', status=ROWS_REFUSED),
                         [count('failed', 1, 'PRICE_MISSING'), failed])
        self.check_creations(shop, ('Topi', 'SKU-0'), ('Kemeja', 'SKU-1'))

        dry, firm, again = self.transfers()
        self.assertEqual([(job['kind'], job['dry_run'], job['state'], job['created'], job['failed'], job['parents_created'])
                          for job in (dry, firm, again)],
                         [('upload', True, 'succeeded', 2, 1, 2), ('upload', False, 'succeeded', 2, 1, 2),
                          ('upload', False, 'succeeded', 0, 1, 0)])
        self.assertEqual({i['variant']: (i['outcome'], i['listing_id'] is None) for i in self.items(dry)},
                         {self.variant('p0'): ('created', True), self.variant('p1'): ('created', True),
                          self.variant('p2'): ('failed', True)})
        listed = {books.listing.seller_sku: (id, books.listing.item_id) for id, books in shop.listings().items()}
        self.assertEqual({i['variant']: (i['listing_id'], i['item_id']) for i in self.items(firm) if i['outcome'] == 'created'},
                         {self.variant('p0'): listed['SKU-0'], self.variant('p1'): listed['SKU-1']})

    def test_products(self):
        variants = [{'variant_id': f'v{i}', 'sku': sku, 'price': 100, 'option': f'Warna {i}'}
                    for i, sku in enumerate(('A-0', 'A-1', ''))]
        self.import_pos(json.dumps({'product_id': 'p/1', 'name': 'Baju', 'variants': variants}) + '\n',
                        product('p2', sku='B', price=1), product('p3', sku='C', price=1))
        shop = self.add_target()
        rows = self.rows('upload', 'tokopedia', '--product', 'p/1', f'merchants/{self.merchant}/products/p2')
        self.assertEqual([(row['outcome'], row['reason'], row['count']) for row in rows[:2]],
                         [('created', None, 3), ('skipped', 'SKU_EMPTY', 1)])
        self.assertEqual([(row['outcome'], row['variant']) for row in rows[2:]], [('skipped', self.variant('p%2F1', 'v2'))])
        self.check_creations(shop, ('Baju', 'A-0', 'A-1'), ('Kemeja', 'B'))
        self.assertEqual({row['reason'] for row in self.rows('upload', 'tokopedia', '--product', 'p2')}, {'ALREADY_LINKED'})

    def test_skus(self):
        self.import_pos(product('p1', name='Satu', sku='AB', price=1), product('p2', name='Dua', sku='A', price=1),
                        product('p3', name='Tiga', sku='ABC', price=1))
        shop = self.add_target()
        self.check_refused(['no variant has the SKU B'], 'upload', 'tokopedia', '--sku', 'A', 'B')
        self.check_refused(['no variant has the SKU ABCD'], 'upload', 'tokopedia', '--sku', 'ABCD')
        self.check_refused(['no variant has the SKU a'], 'upload', 'tokopedia', '--sku', 'a')
        for blank in ('', ' '):
            self.check_refused(['--sku must not be empty'], 'upload', 'tokopedia', '--sku', blank)
        self.assertEqual(self.rows('upload', 'tokopedia', '--sku', 'A'), [count('created', 1)])
        self.check_creations(shop, ('Dua', 'A'))
        self.assertEqual(self.rows('upload', 'tokopedia', '--sku', 'AB', '--sku', 'A')[:2],
                         [count('created', 1), count('skipped', 1, 'ALREADY_LINKED')])
        self.check_creations(shop, ('Dua', 'A'), ('Satu', 'AB'))

    def test_skus_are_compared_by_their_keys(self):
        self.import_pos(product('p1', name='Satu', sku=' A ', price=1))
        shop = self.add_target()
        for sku in ('A', ' A', 'A ', ' A ', 'A\u3000'):
            with self.subTest(sku):
                self.assertEqual(self.rows('upload', 'tokopedia', '--sku', sku)[0]['count'], 1)
        self.check_creations(shop, ('Satu', ' A '))

    def test_skus_without_case(self):
        self.run_cli('merchant', 'update', '--sku-case', 'ignore_case')
        self.import_pos(product('p1', name='Satu', sku='STRASSE', price=1), product('p2', name='Dua', sku='ßX', price=1))
        shop = self.add_target()
        self.check_refused(['no variant has the SKU ss'], 'upload', 'tokopedia', '--sku', 'ss')
        self.assertEqual(self.rows('upload', 'tokopedia', '--sku', 'straße'), [count('created', 1)])
        self.check_creations(shop, ('Satu', 'STRASSE'))

    def test_what_there_is_not_is_refused(self):
        self.import_pos(product('p1', sku='A', price=1))
        self.add_shop(0)
        self.check_refused(['was not scanned in full yet', 'FULL_SCAN_NEEDED'], 'upload', 'shopee', '--sku', 'A')
        shop = self.add_target()
        self.check_refused(['is no product that the POS has', 'NOT_FOUND', 'products[1]'],
                           'upload', 'tokopedia', '--product', 'p1', 'p9')
        self.check_refused(["must be a product of the channel's merchant"],
                           'upload', 'tokopedia', '--product', 'merchants/default/products/p1')
        self.check_refused(['all must not be set together with'], 'upload', 'tokopedia', '--all', '--product', 'p1')
        self.check_refused(['NOT_FOUND'], 'upload', 'lazada', '--sku', 'A')
        self.check_refused(['--all'], 'upload', 'tokopedia', status=USAGE)
        self.check_creations(shop)

    def test_what_the_shop_refuses(self):
        self.import_pos(product('p1', sku='A', price=1), product('p2', sku='B', price=1, currency='USD'))
        shop = self.add_target()
        rows = self.rows('upload', 'tokopedia', '--product', 'p1', 'p2', status=ROWS_REFUSED)
        self.assertEqual(rows[:2], [count('created', 1), count('failed', 1, 'CREATION_REFUSED')])
        self.assertEqual([(row['variant'], row['reason'], row['field']) for row in rows[2:]],
                         [(self.variant('p2'), 'CREATION_REFUSED', 'listings[0].price.currency_code')])
        self.assertIn('must be IDR', rows[2]['description'])
        self.assertEqual([books.listing.seller_sku for books in shop.listings().values()], ['A'])

    def many_products(self, number):
        self.import_pos(*(product(f'p{i}', sku=f'SKU-{i}', price=1) for i in range(number)))
        return [f'p{i}' for i in range(number)]

    def test_progress_on_a_terminal(self):
        products = self.many_products(300)
        shop = self.add_target('--create-max=5', '--write-latency-ms=40')
        for columns, pattern in ((120, r'tokopedia +\[#*\.+\] upload running: [1-9]\d* of 300, [1-9]\d* created, 0 linked, '),
                                 (60, r'tokopedia \[#*\.+\] upload [1-9]\d*/300$')):
            screen, status = on_terminal(self.command('upload', 'tokopedia', '--product', *products), columns, stderr=True)
            self.assertEqual(status, DONE)
            lines = [line for line in re.split(r'\x1b\[\d*[A-Z]|\r|\n', screen) if line.strip()]
            self.assertLess(max(map(len, lines)), columns)
            self.assertTrue(any(re.match(pattern, line) for line in lines), lines)
            self.assertIn('[####', lines[-1])
            self.assertNotIn('.]', lines[-1])
            shop.change(remove=list(shop.listings()))
            self.run_cli('scan', 'tokopedia', '--confirm')

    def test_an_interrupt_ends_the_watching_and_not_the_upload(self):
        products = self.many_products(60)
        shop = self.add_target('--create-max=5', '--write-latency-ms=250')
        process = subprocess.Popen(self.command('upload', 'tokopedia', '--product', *products), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn('upload', process.stderr.readline())
        process.send_signal(signal.SIGINT)
        printed, said = process.communicate(timeout=60)
        self.assertEqual((process.returncode, printed), (INTERRUPTED, ''))
        job = re.search(rf'{self.program()} jobs watch (\S+)', said)[1]
        (ended,) = self.rows('jobs', 'watch', job)
        self.assertEqual((ended['state'], ended['created'], ended['parents_created']), ('succeeded', 60, 60))
        self.check_creations(shop, *(('Kemeja', f'SKU-{i}') for i in range(60)))


if __name__ == '__main__':
    unittest.main()
