"""The `skulink` command: what it prints, and the status it ends with."""
import gzip
import json
import re
import signal
import socket
import subprocess
import unittest

import cli_case
from cli_case import (DONE, FAILED, INTERRUPTED, NEEDS_CONFIRMATION, ROWS_REFUSED, UNREACHABLE, USAGE, CliCase, on_terminal,
                      product)
from stack import ShopControl


def setUpModule():
    cli_case.start_stack()


class Import(CliCase):
    def test_the_file_that_is_imported_is_not_where_refused_rows_go(self):
        path = self.file('self.jsonl', product('p1', sku='A'))
        (self.folder / 'link.jsonl').symlink_to(path)
        for other in (path, self.folder / 'link.jsonl', self.folder / '.' / 'self.jsonl'):
            done = self.run_cli('import', path, '--refused', other, status=USAGE)
            self.assertIn('--refused', done.stderr)
        self.assertEqual(path.read_text(), product('p1', sku='A'))

    def test_refused_rows_go_to_their_file_once_all_is_imported(self):
        refused = self.file('refused.jsonl', 'of an earlier import\n')
        self.run_cli('import', self.file('missing.jsonl', '').with_name('nothing.jsonl'), '--refused', refused, status=FAILED)
        self.run_cli('import', self.file('a.jsonl', product('p1')), '--refused', refused, merchant='nobody', status=FAILED)
        self.assertEqual(refused.read_text(), 'of an earlier import\n')
        bad = self.file('bad.jsonl', product('p1', sku='A') + product('p2', sku='A') + product('p3', name='') +
                        product('p4', price=-1) + product('p5', price=1, currency='XXY'))
        done = self.run_cli('import', bad, '--refused', refused, status=ROWS_REFUSED)
        self.assertEqual(done.stderr, '')
        rows = [json.loads(line) for line in refused.read_text().splitlines()]
        self.assertCountEqual([(r['line'], r['field'], r['reason'], r['product_id'], r['variant_id']) for r in rows], [
            (2, 'sku', 'SKU_TAKEN', 'p2', 'v'), (3, 'name', 'FIELD_REQUIRED', 'p3', None),
            (4, 'price', 'VALUE_OUT_OF_RANGE', 'p4', 'v'), (5, 'currency', 'CURRENCY_UNKNOWN', 'p5', 'v')])
        self.run_cli('import', self.file('good.jsonl', product('p1', sku='A')), '--refused', refused)
        self.assertEqual(refused.read_text(), '')
        self.assertEqual(sorted(p.name for p in self.folder.iterdir() if 'part' in p.name), [])

    def test_what_a_file_does_not_say_stays_and_what_it_empties_goes(self):
        self.run_cli('import', self.file('all.jsonl', product(
            'p', sku='A', barcode='899', price=5, currency='USD', stock=7, option='Merah')))
        known = self.rows('in-pos')
        self.run_cli('import', self.file('few.csv', 'product_id,name,variant_id,sku\np,Kemeja,v,A\n'))
        self.run_cli('import', self.file('few.jsonl', product('p')))
        self.assertEqual(self.rows('in-pos'), known)
        self.run_cli('import', self.file('empty.csv', 'product_id,name,variant_id,sku,price,stock\np,Kemeja,v,B,,\n'))
        (now,) = self.rows('in-pos')
        self.assertEqual(now, {**known[0], 'sku': 'B', 'price': None, 'currency': None, 'stock': None})
        self.run_cli('import', self.file('null.jsonl', product('p', sku=None, barcode=None)))
        (now,) = self.rows('in-pos')
        self.assertEqual((now['sku'], now['barcode'], now['option']), (None, None, 'Merah'))

    def test_csv_rows_are_refused_by_column(self):
        path = self.file('pos.csv', 'product_id,name,variant_id,sku,stock\np1,Baju,v1,A,1\np1,Baju,v2,A,1\np2,,v1,C,1\np3,Topi,,D,1\n'
                                    'p4,Kaos,v1,E,-1\n')
        done = self.run_cli('import', path, status=ROWS_REFUSED)
        self.assertEqual([re.match(r'.*:(\d+): (\S+) .*\((\w+)\)', line).groups() for line in done.stderr.splitlines()], [
            ('3', 'sku', 'SKU_TAKEN'), ('4', 'name', 'FIELD_REQUIRED'), ('5', 'variant_id', 'FIELD_REQUIRED'),
            ('6', 'stock', 'VALUE_OUT_OF_RANGE')])

    def test_a_product_that_comes_twice_with_two_names(self):
        path = self.file('pos.csv', 'product_id,name,variant_id,sku\np1,Baju,v1,A\np2,Topi,v1,B\np1,Kaos,v2,C\n'
                                    'p2,Topi,v2,E\np1,Baju,v3,D\n')
        for _ in range(2):
            done = self.run_cli('import', path, status=ROWS_REFUSED)
            self.assertIn(':4: name is another one than the product has in line 2 (ALREADY_EXISTS)', done.stderr)
        self.assertEqual([(v['name'], v['sku']) for v in self.rows('in-pos')],
                         [('Baju', 'A'), ('Baju', 'D'), ('Topi', 'B'), ('Topi', 'E')])

    def test_standard_input(self):
        (counts,) = self.rows('import', '-', '--format', 'jsonl', input=product('p', sku='A'))
        self.assertEqual(counts['products_created'], 1)
        self.run_cli('import', '-', input='', status=USAGE)

    def test_a_file_that_is_no_text_is_one_error(self):
        for content in (gzip.compress(product('p').encode()), product('p').encode('utf-16'), b'\x7fELF\2\1\1\0\0\0' * 100):
            done = self.run_cli('import', self.file('pos.jsonl', content), status=FAILED)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn('UTF-8', done.stderr)

    def test_a_header_is_refused_by_file_and_line(self):
        path = self.file('pos.csv', '\nproduct_id,name,variant_id,sku,colour\n')
        self.assertIn(f'{path}:2: colour ', self.run_cli('import', path, status=FAILED).stderr)


class Use(CliCase):
    def test_wrong_use(self):
        for arguments, said in (
                (['frobnicate'], 'frobnicate'), (['channel', 'frobnicate'], 'frobnicate'), ([], 'subcommand'),
                (['--output', 'xml', 'in-pos'], 'must be one of jsonl, table; it is xml'),
                (['channel', 'add', 'a', '--endpoint', 'grpc://h:1', '--platform', 'ebay'], 'must be one of lazada,'),
                (['in-pos', '--limit', '-1'], '--limit'), (['import', 'pos.xlsx'], '.jsonl'),
                (['--ca', self.folder / 'missing.pem', 'merchant', 'list'], '--ca'),
                (['in-pos', '--sku-prefix', 'a', '--name-prefix', 'b'], '--name-prefix')):
            with self.subTest(arguments):
                self.assertIn(said, self.run_cli(*arguments, status=USAGE).stderr)

    def test_a_server_without_a_port(self):
        for server in ('127.0.0.1', '127.0.0.1:', 'localhost:port', '127.0.0.1:0', '::1', 'http://127.0.0.1:1', ''):
            with self.subTest(server):
                self.assertIn('server must be host:port', self.run_cli('in-pos', server=server, status=USAGE).stderr)

    def test_a_server_that_does_not_answer(self):
        with socket.create_server(('127.0.0.1', 0)) as silent:
            address = '127.0.0.1:%d' % silent.getsockname()[1]
            done = self.run_cli('--timeout', '1', 'in-pos', server=address, status=UNREACHABLE)
        self.assertIn(f'no answer in time from {address}', done.stderr)
        done = self.run_cli('--timeout', '1', 'in-pos', server=address, status=UNREACHABLE)
        self.assertIn(f'no answer from {address}', done.stderr)

    def test_output_that_cannot_be_written(self):
        self.run_cli('import', self.file('pos.jsonl', product('p', sku='A')))
        for arguments in (['in-pos'], ['--output', 'jsonl', 'in-pos'], ['--help'], ['--version']):
            with self.subTest(arguments), open('/dev/full', 'w', encoding='utf-8') as full:
                self.assertIn('cannot write', self.run_cli(*arguments, stdout=full, status=FAILED).stderr)

    def test_merchants(self):
        self.assertEqual(self.rows('merchant', 'get')[0]['currency'], 'IDR')
        self.run_cli('merchant', 'update', '--name', 'Toko Budi', '--sku-case', 'ignore_case')
        (merchant,) = self.rows('merchant', 'get', self.merchant)
        self.assertEqual((merchant['name'], merchant['sku_case'], merchant['currency']), ('Toko Budi', 'ignore_case', 'IDR'))
        self.assertIn(self.merchant, [m['merchant'] for m in self.rows('merchant', 'list')])
        self.assertEqual(len(self.rows('merchant', 'list', '--limit', '1')), 1)
        self.run_cli('merchant', 'create', self.merchant, status=FAILED)
        self.assertIn('NOT_FOUND', self.run_cli('in-pos', merchant='nobody', status=FAILED).stderr)

    def test_channels(self):
        endpoint = self.add_shop(3)
        self.run_cli('channel', 'add', 'lazada', '--endpoint', 'grpc://127.0.0.1:1')
        (check,) = self.rows('channel', 'check', 'shopee')
        self.assertEqual(check['listing_count'], 3)
        (changed,) = self.rows('channel', 'set', 'lazada', '--name', 'Lazada', '--platform', 'LAZADA')
        self.assertEqual((changed['name'], changed['platform'], changed['endpoint']), ('Lazada', 'lazada', 'grpc://127.0.0.1:1'))
        self.assertEqual(self.rows('channel', 'set', 'lazada', '--endpoint', endpoint)[0]['endpoint'], endpoint)
        self.assertEqual([c['channel'] for c in self.rows('channel', 'list')], ['lazada', 'shopee'])
        self.assertEqual([c['channel'] for c in self.rows('channel', 'list', '--limit', '1')], ['lazada'])
        self.run_cli('channel', 'remove', 'lazada')
        self.run_cli('channel', 'check', 'lazada', status=FAILED)

    def test_the_check_of_a_silent_seller_center_blames_it(self):
        with socket.create_server(('127.0.0.1', 0)) as silent:
            self.run_cli('channel', 'add', 'silent', '--endpoint', 'grpc://127.0.0.1:%d' % silent.getsockname()[1])
            done = self.run_cli('--timeout', '4', 'channel', 'check', 'silent', status=FAILED)
        self.assertIn('the Seller Center did not answer in time', done.stderr)

    def test_tables(self):
        self.run_cli('import', self.file('pos.jsonl', product('p1', sku='A\u200b1') + product('p2', sku='A\x1b[2J') + product(
            'p3', name='Kemeja batik lengan panjang dari Solo', sku='B-1')), status=ROWS_REFUSED)
        table = self.run_cli('in-pos').stdout
        self.assertEqual(table.split('\n')[0].split(), ['PRODUCT', 'VARIANT', 'NAME', 'OPTION', 'SKU', 'PRICE', 'STOCK', 'CHANNELS'])
        self.assertIn('A\\u200b1', table)
        self.assertEqual([v['sku'] for v in self.rows('in-pos')], ['A\u200b1', 'B-1'])
        narrow, status = on_terminal(self.command('in-pos'), 74, stdout=True)
        self.assertEqual(status, DONE)
        self.assertIn('CHANNELS', narrow)
        self.assertRegex(narrow, r'p3\s+v\s+Kemeja ba.*…\s+B-1')


class Scan(CliCase):
    def test_a_scan_and_the_views(self):
        self.run_cli('import', self.file('pos.jsonl', product('p1', sku='SKU-1') + product('p2', sku='SKU-2')))
        self.add_shop(4)
        self.add_shop(2, channel='lazada', seller_sku='SKU-1')
        done = self.run_cli('--output', 'jsonl', 'scan', 'shopee', f'merchants/{self.merchant}/channels/shopee', 'shopee', 'lazada')
        jobs = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(j['channel'], j['state'], j['live']) for j in jobs],
                         [('shopee', 'succeeded', 4), ('lazada', 'succeeded', 2)])
        self.assertNotIn('unspecified', done.stderr)
        self.assertEqual([(v['sku'], v['channels']) for v in self.rows('sold-in-channel', '--channel', 'lazada')],
                         [('SKU-1', ['lazada', 'shopee'])])
        self.assertEqual(sorted(x['sku'] for x in self.rows('not-in-pos')), ['SKU-0', 'SKU-3'])
        self.assertEqual(len(self.rows('not-in-pos', '--limit', '1')), 1)
        self.assertEqual(self.rows('not-in-pos', '--state', 'inactive'), [])
        self.assertEqual([(v['sku'], v['missing_channels']) for v in self.rows('not-in-channel')], [('SKU-2', ['lazada'])])
        self.assertEqual([(g['sku_key'], g['listing_count'], g['product_id']) for g in self.rows('multiple-listing')],
                         [('SKU-1', 2, 'p1')])
        self.assertEqual([(s['channel'], s['live_product_skus'], s['complete']) for s in self.rows('statistic')],
                         [('lazada', 2, True), ('shopee', 4, True)])
        self.assertEqual({j['job'] for j in self.rows('jobs')}, {j['job'] for j in jobs})
        self.assertEqual(len(self.rows('jobs', 'list', '--channel', 'lazada', '--limit', '1')), 1)
        self.assertEqual(self.rows('jobs', 'show', jobs[0]['job'])[0]['state'], 'succeeded')
        self.assertEqual(self.rows('jobs', 'watch', jobs[0]['job'])[0]['state'], 'succeeded')
        refused = self.run_cli('jobs', 'cancel', jobs[0]['job'], status=FAILED).stderr
        self.assertIn('is succeeded; it must be', refused)

    def test_scans_of_what_changed_and_of_some_items(self):
        endpoint = self.add_shop(4)
        self.add_shop(1, channel='lazada')
        self.assertEqual(self.rows('scan', 'shopee', '--updated', status=FAILED), [])
        (full,) = self.rows('scan', 'shopee')
        with ShopControl(endpoint) as shop:
            def change_all(stock):
                known = shop.listings()
                for books in known.values():
                    books.listing.stock = stock
                shop.change(put=[books.listing for books in known.values()])

            change_all(7)
            (updated,) = self.rows('scan', 'shopee', '--updated')
            change_all(8)
            (item,) = self.rows('scan', 'shopee', '--item', 'I2')
            calls = shop.books()
        jobs = {job['job']: (job['scan_mode'], job['updated'], job['state']) for job in self.rows('jobs')}
        self.assertEqual([jobs[job['job']] for job in (full, updated, item)],
                         [('full', 0, 'succeeded'), ('updated', 4, 'succeeded'), ('item', 1, 'succeeded')])
        self.assertEqual(calls.get_items_calls, 1)
        both = self.run_cli('scan', 'shopee', 'lazada', '--item', 'I2', status=USAGE)
        self.assertIn('--item', both.stderr)
        self.assertEqual(self.run_cli('scan', 'shopee', '--updated', '--item', 'I2', status=USAGE).stdout, '')
        self.assertEqual(len(self.rows('jobs')), 3)

    def test_refused_listings_are_told_with_the_command_that_shows_them(self):
        self.add_shop(3, '--fault', 'shop=sku-too-long:1:1')
        done = self.run_cli('scan', 'shopee')
        (job,) = self.rows('jobs', 'list')
        self.assertIn(f'1 listings refused: {self.program()} jobs items {job["job"]}\n',
                      done.stderr)
        self.assertEqual([(i['outcome'], i['field']) for i in self.rows('jobs', 'items', job['job'])], [('refused', 'seller_sku')])
        self.assertFalse(self.rows('statistic')[0]['complete'])

    def test_a_scan_that_fails(self):
        self.add_shop(3, '--fault', 'shop=expired-token')
        self.assertIn('SELLER_CENTER_UNAUTHENTICATED', self.run_cli('scan', 'shopee', status=FAILED).stderr)
        self.assertIn('NOT_FOUND', self.run_cli('scan', 'nowhere', status=FAILED).stderr)

    def test_a_scan_that_needs_confirmation(self):
        self.add_shop(3)
        self.run_cli('scan', 'shopee')
        endpoint = self.add_shop(0, channel='empty')
        self.run_cli('channel', 'set', 'shopee', '--endpoint', endpoint)
        done = self.run_cli('--output', 'jsonl', 'scan', 'shopee', status=NEEDS_CONFIRMATION)
        job = json.loads(done.stdout)['job']
        begin = f'  {self.program()} jobs '
        self.assertIn(f'{begin}confirm {job}  removes up to 3 listings', done.stderr)
        self.assertIn(f'{begin}cancel {job} ', done.stderr)
        self.run_cli('jobs', 'cancel', job)
        self.run_cli('scan', 'shopee', status=NEEDS_CONFIRMATION)
        self.run_cli('jobs', 'confirm', self.rows('jobs', 'list')[0]['job'])
        self.assertEqual(self.rows('statistic', '--channel', 'shopee')[0]['live_product_skus'], 0)

    def test_an_early_end_is_to_be_scanned_again(self):
        self.add_shop(40, '--page-size-max=10', '--fault', 'shop=early-complete:2:1')
        done = self.run_cli('scan', 'shopee', status=NEEDS_CONFIRMATION)
        self.assertIn('the Seller Center sent 20 of 40 listings', done.stderr)
        self.assertIn(' scan shopee  scans again', done.stderr)
        self.assertNotIn('jobs confirm', done.stderr)

    def test_confirm_in_one_go(self):
        self.add_shop(3)
        self.run_cli('scan', 'shopee')
        self.run_cli('channel', 'set', 'shopee', '--endpoint', self.add_shop(0, channel='empty'))
        (job,) = self.rows('scan', 'shopee', '--confirm')
        self.assertEqual((job['state'], job['removed']), ('succeeded', 3))

    def test_an_interrupt_ends_the_watching_and_not_the_scan(self):
        self.add_shop(30, '--page-size-max=10', '--latency-ms=1500')
        process = subprocess.Popen(self.command('scan', 'shopee'), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn('shopee', process.stderr.readline())
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, INTERRUPTED)
        job = re.search(rf'{self.program()} jobs watch (\S+)', said)[1]
        self.assertEqual(self.rows('jobs', 'watch', job)[0]['state'], 'succeeded')

    def test_progress_on_a_terminal(self):
        self.add_shop(6000, '--page-size-max=100', '--latency-ms=25')
        screen, status = on_terminal(self.command('scan', 'shopee'), 80, stderr=True)
        self.assertEqual(status, DONE)
        lines = [line for line in re.split(r'\x1b\[\d*[A-Z]|\r|\n', screen) if line.strip()]
        self.assertLess(max(map(len, lines)), 80)
        self.assertTrue(any(re.match(r'shopee \[[#.]+\] reading \d+/6000, \d+ a second, \d+ s left', line) for line in lines), lines)


if __name__ == '__main__':
    unittest.main()
