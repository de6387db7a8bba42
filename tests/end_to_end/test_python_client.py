"""A client generated from the protos in another language does the main job against real servers."""
import itertools
import json
import unittest
import uuid

from errors import details, refusal
from stack import Api, Stack, pages


def setUpModule():
    global stack, api
    stack = unittest.enterModuleContext(Stack())
    api = unittest.enterModuleContext(Api(stack.address))
    # Usable from here on: the stubs are there now.
    from google.protobuf import field_mask_pb2
    from google.type import money_pb2
    from skulink.v1 import (catalog_service_pb2, channel_service_pb2, error_reason_pb2, merchant_service_pb2,
                            products_menu_service_pb2, sync_service_pb2)
    globals().update(catalog=catalog_service_pb2, channels=channel_service_pb2, reasons=error_reason_pb2,
                     merchants=merchant_service_pb2, menu=products_menu_service_pb2, sync=sync_service_pb2,
                     Money=money_pb2.Money, FieldMask=field_mask_pb2.FieldMask)


NUMBERS = itertools.count(1)

# A shop in which each view has something to show.
POS = [('p1', 'Kemeja Batik', [('v1', 'A-1'), ('v2', 'A-2'), ('v3', 'A-3')]), ('p2', 'Jasa Jahit', [('v1', '')])]
# Listings whose SKU is like A-1's, and why they are not in the POS.
ALIKE = [('', 'SKU_EMPTY'), ('a-1', 'CASE'), ('A- 1', 'INNER_SPACE'), ('A\u200b-1', 'INVISIBLE_CHARACTER'),
         ('A_1', 'DASH_OR_UNDERSCORE'), ('A-01', 'LEADING_ZERO'), ('\u0410-1', 'LOOKALIKE'), ('Z', 'SAME_GTIN'),
         ('Y', 'NO_CANDIDATE')]
SHOPEE = [('S1', 'I1', 'A-1', 'active'), ('S2', 'I1', ' A-2\u00a0', 'active'), ('S3', 'I2', 'A-2', 'active'),
          ('S4', 'I3', 'a-3', 'active'), ('S5', 'I3', None, 'active'), ('S6', 'I1', 'A-3', 'inactive')]
TOKOPEDIA = [('T1', 'J1', 'A-1', 'active'), ('T2', 'J2', 'X-9', 'active'), ('T3', 'J3', 'X-9', 'active'),
             ('T4', 'J1', 'A-2', 'deleted')]


def start_shop(listings, *options):
    """A simulated Seller Center with these listings; returns its endpoint."""
    path = stack.folder / f'listings-{next(NUMBERS)}.jsonl'
    with open(path, 'w', encoding='utf-8') as f:
        for listing_id, item_id, seller_sku, status, *gtin in listings:
            f.write(json.dumps({'listing_id': listing_id, 'item_id': item_id, 'name': 'Barang ' + listing_id, 'price': 50000,
                                'seller_sku': seller_sku, 'stock': 3, 'status': status, 'gtin': ''.join(gtin)}) + '\n')
    return stack.start_simulator({'shop': path}, *options)['shop']


def product(product_id='p1', name='Kemeja', **variant):
    return catalog.Product(product_id=product_id, display_name=name,
                           variants=[catalog.Variant(variant_id='v1', **{'sku': 'K-1', **variant})])


class MerchantCase(unittest.TestCase):
    """Each test has a merchant of its own."""

    def setUp(self):
        response = api.merchants.CreateMerchant(merchants.CreateMerchantRequest(
            merchant_id=f'test-{next(NUMBERS)}', merchant=merchants.Merchant(display_name=self.id())))
        self.parent = response.merchant.name

    def channel_name(self, channel):
        return f'{self.parent}/channels/{channel}'

    def import_products(self, *products):
        request = catalog.ImportProductsRequest(parent=self.parent, rows=[
            catalog.ImportRow(line=line, product=p) for line, p in enumerate(products, 1)])
        (response,) = api.catalog.ImportProducts(iter([request]))
        return response

    def import_pos(self):
        return self.import_products(*(
            catalog.Product(product_id=product_id, display_name=name, variants=[
                catalog.Variant(variant_id=v, sku=sku, price=Money(units=75000), stock=5) for v, sku in variants])
            for product_id, name, variants in POS))

    def add_channel(self, channel, endpoint):
        api.channels.CreateChannel(channels.CreateChannelRequest(
            parent=self.parent, channel_id=channel, channel=channels.Channel(endpoint=endpoint)))

    def scan(self, channel):
        """All messages of a scan."""
        return list(api.sync.ScanChannel(sync.ScanChannelRequest(channel=self.channel_name(channel))))

    def set_up_shop(self):
        self.import_pos()
        for channel, listings in (('shopee', SHOPEE), ('tokopedia', TOKOPEDIA)):
            self.add_channel(channel, start_shop(listings))
            self.assertEqual(self.scan(channel)[-1].job.state, sync.JOB_STATE_SUCCEEDED)

    def skus_in_pos(self):
        response = api.menu.ListInPos(menu.ListInPosRequest(parent=self.parent, page_size=1000))
        return [v.sku for v in response.variants]

    def assert_refused(self, call, code, reason, field=''):
        found = refusal(call)
        self.assertEqual((found.code, found.reason), (code, reason), found.message)
        self.assertTrue(found.message)
        if field:
            self.assertEqual(found.fields, [field])
            self.assertEqual(found.metadata.get('field'), field)
        return found


class MainJob(MerchantCase):
    def test_import_reports_what_it_did_and_changes_nothing_the_second_time(self):
        first = self.import_pos().counts
        second = self.import_pos().counts
        self.assertEqual((first.rows, first.products_created, first.variants_created, first.refused), (2, 2, 4, 0))
        self.assertEqual((second.products_unchanged, second.variants_unchanged), (2, 4))
        self.assertEqual((second.products_created, second.products_updated, second.variants_updated), (0, 0, 0))

    def test_scan_streams_snapshots_that_only_grow(self):
        self.import_pos()
        listings = [(f'L{i:04}', f'I{i // 3}', f'SKU-{i}', 'active') for i in range(2000)] + SHOPEE
        self.add_channel('shopee', start_shop(listings, '--page-size-max=100'))

        messages = self.scan('shopee')

        jobs = [m.job for m in messages]
        self.assertEqual({job.name for job in jobs}, {jobs[0].name})
        self.assertEqual([job.revision for job in jobs], sorted(job.revision for job in jobs))
        self.assertEqual([job.progress.listings_seen for job in jobs], sorted(job.progress.listings_seen for job in jobs))
        self.assertIn(jobs[0].state, (sync.JOB_STATE_QUEUED, sync.JOB_STATE_RUNNING))
        last = jobs[-1].progress
        self.assertEqual(jobs[-1].state, sync.JOB_STATE_SUCCEEDED)
        self.assertEqual(last.phase, sync.SCAN_PHASE_ENDED)
        self.assertEqual((last.pages, last.listings_seen, last.listings_expected, last.created), (21, 2006, 2006, 2006))
        self.assertEqual((last.live, last.sold_in_channel, last.not_in_pos), (2005, 2, 2002))
        self.assertTrue(jobs[-1].HasField('end_time'))

    def test_a_second_scan_finds_nothing_changed(self):
        self.set_up_shop()
        progress = self.scan('shopee')[-1].job.progress
        self.assertEqual((progress.created, progress.updated, progress.unchanged, progress.removed), (0, 0, 6, 0))

    def test_the_same_request_id_watches_the_same_job(self):
        self.set_up_shop()
        request = sync.ScanChannelRequest(channel=self.channel_name('shopee'), request_id=str(uuid.uuid4()))
        first = list(api.sync.ScanChannel(request))[-1].job
        again = list(api.sync.ScanChannel(request))
        self.assertEqual([m.job.name for m in again], [first.name])
        jobs = api.sync.ListJobs(sync.ListJobsRequest(parent=self.parent, channel=self.channel_name('shopee'))).jobs
        self.assertEqual(len(jobs), 2)  # one of set_up_shop, one of here

    def test_an_ended_job_can_be_read_and_watched_and_not_cancelled(self):
        self.set_up_shop()
        job = api.sync.ListJobs(sync.ListJobsRequest(parent=self.parent)).jobs[0]
        self.assertEqual(api.sync.GetJob(sync.GetJobRequest(name=job.name)).job, job)
        self.assertEqual([m.job for m in api.sync.WatchJob(sync.WatchJobRequest(name=job.name))], [job])
        self.assert_refused(lambda: api.sync.CancelJob(sync.CancelJobRequest(name=job.name)),
                            'FAILED_PRECONDITION', 'JOB_STATE')

    def test_the_channel_can_be_checked(self):
        self.add_channel('shopee', start_shop(SHOPEE))
        check = api.channels.CheckChannel(channels.CheckChannelRequest(name=self.channel_name('shopee')))
        self.assertEqual(check.listing_count, 6)
        self.assertGreater(check.max_page_size, 0)
        self.assertTrue(check.shop_id)


class Menu(MerchantCase):
    def setUp(self):
        super().setUp()
        self.set_up_shop()

    def rows(self, method, message, field, **request):
        request = message(parent=self.parent, page_size=1, **request)
        return [row for page in pages(method, request) for row in getattr(page, field)]

    def badges(self, variant):
        return [badge.removeprefix(self.parent + '/channels/') for badge in variant.badges]

    def test_sold_in_channel(self):
        rows = self.rows(api.menu.ListSoldInChannel, menu.ListSoldInChannelRequest, 'variants')
        self.assertCountEqual([(v.sku, self.badges(v)) for v in rows],
                              [('A-1', ['shopee', 'tokopedia']), ('A-2', ['shopee'])])

    def test_sold_in_one_channel(self):
        rows = self.rows(api.menu.ListSoldInChannel, menu.ListSoldInChannelRequest, 'variants',
                         channels=[self.channel_name('tokopedia')])
        self.assertEqual([v.sku for v in rows], ['A-1'])

    def test_not_in_pos(self):
        rows = self.rows(api.menu.ListNotInPos, menu.ListNotInPosRequest, 'listings')
        self.assertCountEqual([(x.name.rpartition('/listings/')[0], x.listing_id, x.item_id, x.seller_sku) for x in rows], [
            (self.channel_name('shopee'), 'S4', 'I3', 'a-3'), (self.channel_name('shopee'), 'S5', 'I3', ''),
            (self.channel_name('tokopedia'), 'T2', 'J2', 'X-9'), (self.channel_name('tokopedia'), 'T3', 'J3', 'X-9')])
        self.assertEqual({(x.state, x.price.currency_code, x.price.units, x.stock) for x in rows},
                         {(channels.LISTING_STATE_LIVE, 'IDR', 50000, 3)})

    def test_not_in_channel(self):
        rows = self.rows(api.menu.ListNotInChannel, menu.ListNotInChannelRequest, 'rows')
        self.assertEqual([(r.variant.sku, self.badges(r.variant), list(r.missing_channels)) for r in rows],
                         [('A-2', ['shopee'], [self.channel_name('tokopedia')])])

    def test_in_pos(self):
        rows = self.rows(api.menu.ListInPos, menu.ListInPosRequest, 'variants')
        self.assertEqual([(v.product_id, v.variant_id, v.sku, self.badges(v)) for v in rows], [
            ('p1', 'v1', 'A-1', ['shopee', 'tokopedia']), ('p1', 'v2', 'A-2', ['shopee']), ('p1', 'v3', 'A-3', []),
            ('p2', 'v1', '', [])])
        self.assertEqual({(v.price.currency_code, v.price.units, v.stock) for v in rows}, {('IDR', 75000, 5)})

    def test_multiple_listing(self):
        rows = self.rows(api.menu.ListMultipleListings, menu.ListMultipleListingsRequest, 'groups')
        self.assertEqual([(g.channel, g.sku_key, [x.listing_id for x in g.listings], g.listing_count, g.variant) for g in rows], [
            (self.channel_name('shopee'), 'A-2', ['S2', 'S3'], 2, self.parent + '/products/p1/variants/v2'),
            (self.channel_name('tokopedia'), 'X-9', ['T2', 'T3'], 2, '')])

    def test_statistics(self):
        response = api.menu.ListChannelStatistics(menu.ListChannelStatisticsRequest(parent=self.parent))
        found = [(s.channel, (s.live_product.skus, s.live_product.products),
                  (s.sold_in_channel.skus, s.sold_in_channel.products),
                  (s.product_not_in_pos.skus, s.product_not_in_pos.products), s.not_in_channel, s.multiple_listings, s.complete)
                 for s in response.statistics]
        self.assertEqual(found, [(self.channel_name('shopee'), (5, 3), (2, 1), (2, 1), 0, 1, True),
                                 (self.channel_name('tokopedia'), (3, 3), (1, 1), (2, 2), 1, 1, True)])
        states = {c.state: c.listings for c in response.statistics[0].listings_by_state}
        self.assertEqual(len(states), 6)
        self.assertEqual((states[channels.LISTING_STATE_LIVE], states[channels.LISTING_STATE_INACTIVE]), (5, 1))

    def test_search_by_prefix(self):
        by_sku = self.rows(api.menu.ListInPos, menu.ListInPosRequest, 'variants', sku_prefix=' A-')
        by_name = self.rows(api.menu.ListInPos, menu.ListInPosRequest, 'variants', name_prefix='jasa')
        by_title = self.rows(api.menu.ListNotInPos, menu.ListNotInPosRequest, 'listings', name_prefix='barang t')
        self.assertEqual([v.sku for v in by_sku], ['A-1', 'A-2', 'A-3'])
        self.assertEqual([v.product_display_name for v in by_name], ['Jasa Jahit'])
        self.assertCountEqual([x.listing_id for x in by_title], ['T2', 'T3'])

    def test_a_page_token_belongs_to_its_request(self):
        token = api.menu.ListInPos(menu.ListInPosRequest(parent=self.parent, page_size=1)).next_page_token
        self.assertTrue(token)
        for request in (menu.ListInPosRequest(parent=self.parent, page_token=token, sku_prefix='A'),
                        menu.ListInPosRequest(parent='merchants/default', page_token=token),
                        menu.ListInPosRequest(parent=self.parent, page_token=token[:-3]),
                        menu.ListInPosRequest(parent=self.parent, page_token='nonsense')):
            with self.subTest(request):
                self.assert_refused(lambda: api.menu.ListInPos(request), 'INVALID_ARGUMENT', 'PAGE_TOKEN_INVALID', 'page_token')
        self.assert_refused(
            lambda: api.menu.ListSoldInChannel(menu.ListSoldInChannelRequest(parent=self.parent, page_token=token)),
            'INVALID_ARGUMENT', 'PAGE_TOKEN_INVALID', 'page_token')


class Reasons(MerchantCase):
    def setUp(self):
        super().setUp()
        self.import_products(product('p1', 'Kemeja Batik', sku='A-1', barcode='036000291452'))
        listings = [(f'L{i}', 'I1', sku, 'active', '0036000291452' if reason == 'SAME_GTIN' else '')
                    for i, (sku, reason) in enumerate(ALIKE)]
        self.add_channel('shopee', start_shop([*listings, ('L9', 'I1', 'A-1', 'active'), ('L10', 'I1', 'a-1', 'inactive')]))
        self.assertEqual(self.scan('shopee')[-1].job.state, sync.JOB_STATE_SUCCEEDED)

    @staticmethod
    def name(reason):
        return menu.NotInPosReason.Name(reason).removeprefix('NOT_IN_POS_REASON_')

    def test_each_listing_has_its_reason_and_candidate(self):
        request = menu.ListNotInPosRequest(parent=self.parent, page_size=2, with_reasons=True)
        found = {}
        for page in pages(api.menu.ListNotInPos, request):
            self.assertEqual(len(page.listings), len(page.explanations))
            found.update((x.seller_sku, e) for x, e in zip(page.listings, page.explanations))
        self.assertEqual({sku: self.name(e.reason) for sku, e in found.items()}, dict(ALIKE))
        for sku, explanation in found.items():
            candidate = (explanation.candidate, explanation.candidate_display_name, explanation.candidate_sku)
            if self.name(explanation.reason) in ('SKU_EMPTY', 'NO_CANDIDATE'):
                self.assertEqual((candidate, list(explanation.differences)), (('', '', ''), []))
            else:
                self.assertEqual(candidate, (self.parent + '/products/p1/variants/v1', 'Kemeja Batik', 'A-1'), sku)
                self.assertEqual(list(explanation.differences), [explanation.reason])
            self.assertEqual(explanation.other_candidates, 0)

    def test_none_without_being_asked_for(self):
        self.assertFalse(api.menu.ListNotInPos(menu.ListNotInPosRequest(parent=self.parent)).explanations)

    def test_a_page_token_is_of_pages_with_reasons_or_without(self):
        token = api.menu.ListNotInPos(
            menu.ListNotInPosRequest(parent=self.parent, page_size=1, with_reasons=True)).next_page_token
        self.assert_refused(
            lambda: api.menu.ListNotInPos(menu.ListNotInPosRequest(parent=self.parent, page_token=token)),
            'INVALID_ARGUMENT', 'PAGE_TOKEN_INVALID', 'page_token')

    def test_the_summary_counts_them(self):
        self.add_channel('tokopedia', start_shop([]))
        response = api.menu.SummarizeNotInPos(menu.SummarizeNotInPosRequest(parent=self.parent))
        self.assertEqual([(s.channel, [(self.name(c.reason), c.listings) for c in s.counts]) for s in response.summaries],
                         [(self.channel_name('shopee'), [(reason, 1) for _, reason in ALIKE]),
                          (self.channel_name('tokopedia'), [])])
        one = api.menu.SummarizeNotInPos(
            menu.SummarizeNotInPosRequest(parent=self.parent, channels=[self.channel_name('tokopedia')]))
        self.assertEqual([s.channel for s in one.summaries], [self.channel_name('tokopedia')])

    def test_the_command_shows_them(self):
        merchant = self.parent.removeprefix('merchants/')
        rows = [json.loads(line) for line in
                stack.cli('--output', 'jsonl', 'not-in-pos', '--reasons', merchant=merchant).stdout.splitlines()]
        self.assertEqual({row['sku'] or '': row['reason'].upper() for row in rows}, dict(ALIKE))
        (row,) = [row for row in rows if row['sku'] == 'A_1']
        self.assertEqual((row['candidate_product_id'], row['candidate_variant_id'], row['candidate_name'], row['candidate_sku'],
                          row['differences'], row['other_candidates']),
                         ('p1', 'v1', 'Kemeja Batik', 'A-1', ['dash_or_underscore'], 0))
        table = stack.cli('not-in-pos', '--reasons', merchant=merchant).stdout
        self.assertRegex(table, r'A_1 +dash_or_underscore +A-1 +Kemeja Batik')
        summary = stack.cli('--output', 'jsonl', 'not-in-pos', '--summary', merchant=merchant).stdout
        self.assertEqual([json.loads(line) for line in summary.splitlines()],
                         [{'channel': 'shopee', 'reason': reason.lower(), 'listings': 1} for _, reason in ALIKE])
        self.assertEqual(stack.cli('not-in-pos', '--summary', '--sku-prefix', 'A', merchant=merchant).returncode, 2)


class BadInput(MerchantCase):
    def test_page_sizes(self):
        for size in (-1, 1001, 2**31 - 1):
            with self.subTest(size):
                self.assert_refused(lambda: api.menu.ListInPos(menu.ListInPosRequest(parent=self.parent, page_size=size)),
                                    'INVALID_ARGUMENT', 'VALUE_OUT_OF_RANGE', 'page_size')

    def test_names(self):
        for parent, code, reason, field in (
                ('', 'INVALID_ARGUMENT', 'FIELD_REQUIRED', 'parent'),
                ('default', 'INVALID_ARGUMENT', 'FORMAT_INVALID', 'parent'),
                ('merchants/default/channels/x', 'INVALID_ARGUMENT', 'FORMAT_INVALID', 'parent'),
                ('merchants/nobody', 'NOT_FOUND', 'NOT_FOUND', '')):
            for call in (lambda: api.menu.ListInPos(menu.ListInPosRequest(parent=parent)),
                         lambda: api.menu.ListNotInPos(menu.ListNotInPosRequest(parent=parent)),
                         lambda: api.menu.SummarizeNotInPos(menu.SummarizeNotInPosRequest(parent=parent)),
                         lambda: api.menu.ListChannelStatistics(menu.ListChannelStatisticsRequest(parent=parent)),
                         lambda: api.channels.ListChannels(channels.ListChannelsRequest(parent=parent)),
                         lambda: api.sync.ListJobs(sync.ListJobsRequest(parent=parent)),
                         lambda: list(api.catalog.ImportProducts(iter([catalog.ImportProductsRequest(parent=parent)])))):
                with self.subTest(parent=parent):
                    self.assert_refused(call, code, reason, field)

    def test_unknown_channel(self):
        name = self.channel_name('nowhere')
        for call in (lambda: api.channels.GetChannel(channels.GetChannelRequest(name=name)),
                     lambda: api.channels.CheckChannel(channels.CheckChannelRequest(name=name)),
                     lambda: api.sync.StartScan(sync.StartScanRequest(channel=name)),
                     lambda: list(api.sync.ScanChannel(sync.ScanChannelRequest(channel=name))),
                     lambda: api.menu.ListNotInPos(menu.ListNotInPosRequest(parent=self.parent, channels=[name])),
                     lambda: api.menu.SummarizeNotInPos(
                         menu.SummarizeNotInPosRequest(parent=self.parent, channels=[name]))):
            found = self.assert_refused(call, 'NOT_FOUND', 'NOT_FOUND')
            self.assertEqual(found.metadata['resource'], name)

    def test_a_search_by_two_prefixes(self):
        found = refusal(lambda: api.menu.ListInPos(menu.ListInPosRequest(parent=self.parent, sku_prefix='A', name_prefix='B')))
        self.assertEqual(found.code, 'INVALID_ARGUMENT')
        self.assertTrue(found.fields)

    def test_refused_products_write_nothing(self):
        for bad, reason, field in (
                (product(sku='x' * 256), 'FIELD_TOO_LONG', 'product.variants[0].sku'),
                (product(sku='A\0B'), 'TEXT_INVALID', 'product.variants[0].sku'),
                (product(name='Kemeja\nBatik'), 'TEXT_INVALID', 'product.display_name'),
                (product(name=''), 'FIELD_REQUIRED', 'product.display_name'),
                (product(stock=-1), 'VALUE_OUT_OF_RANGE', 'product.variants[0].stock'),
                (product(price=Money(units=-1)), 'VALUE_OUT_OF_RANGE', 'product.variants[0].price'),
                (product(price=Money(currency_code='ABC', units=1)), 'CURRENCY_UNKNOWN',
                 'product.variants[0].price.currency_code'),
                (product(product_id='x' * 129), 'FIELD_TOO_LONG', 'product.product_id')):
            with self.subTest(field=field, reason=reason):
                self.assert_refused(
                    lambda: api.catalog.CreateProduct(catalog.CreateProductRequest(parent=self.parent, product=bad)),
                    'INVALID_ARGUMENT', reason, field)
        self.assertEqual(self.skus_in_pos(), [])

    def test_refused_rows_of_an_import_leave_the_others(self):
        response = self.import_products(
            product('p1', sku='A'), product('p2', sku='x' * 256), product('p3', sku='C\0'), product('p4', name=''),
            product('p5', sku='E', price=Money(units=-1)), product('p6', sku='F', price=Money(currency_code='ABC', units=1)),
            product('p7', sku=' A '), product('p8', sku='H'))
        refused = [(r.line, r.field, reasons.ErrorReason.Name(r.reason).removeprefix('ERROR_REASON_'))
                   for r in response.refused_rows]
        self.assertEqual(sorted(refused), [
            (2, 'variants[0].sku', 'FIELD_TOO_LONG'), (3, 'variants[0].sku', 'TEXT_INVALID'),
            (4, 'display_name', 'FIELD_REQUIRED'), (5, 'variants[0].price', 'VALUE_OUT_OF_RANGE'),
            (6, 'variants[0].price.currency_code', 'CURRENCY_UNKNOWN'), (7, 'variants[0].sku', 'SKU_TAKEN')])
        self.assertTrue(all(r.description for r in response.refused_rows))
        self.assertEqual(response.counts.refused, 6)
        self.assertEqual(self.skus_in_pos(), ['A', 'H'])

    def test_a_sku_that_the_store_has(self):
        self.import_products(product('p1', sku='A'))
        (refused,) = self.import_products(product('p2', sku='\tA')).refused_rows
        self.assertEqual((refused.reason, refused.field), (reasons.ERROR_REASON_SKU_TAKEN, 'variants[0].sku'))
        found = self.assert_refused(
            lambda: api.catalog.CreateProduct(catalog.CreateProductRequest(parent=self.parent, product=product('p3', sku='A'))),
            'ALREADY_EXISTS', 'SKU_TAKEN', 'product.variants[0].sku')
        self.assertEqual(found.metadata['variant'], self.parent + '/products/p1/variants/v1')
        self.assertEqual(self.skus_in_pos(), ['A'])

    def test_ignoring_case_is_refused_when_two_skus_would_become_one(self):
        self.import_products(product('p1', sku='ab'), product('p2', sku='AB'))
        found = self.assert_refused(
            lambda: api.merchants.UpdateMerchant(merchants.UpdateMerchantRequest(
                merchant=merchants.Merchant(name=self.parent, sku_case=merchants.SKU_CASE_IGNORE_CASE),
                update_mask=FieldMask(paths=['sku_case']))),
            'FAILED_PRECONDITION', 'SKU_CASE_CLASH')
        self.assertIn('AB', found.message)
        self.assertEqual(api.merchants.GetMerchant(merchants.GetMerchantRequest(name=self.parent)).merchant.sku_case,
                         merchants.SKU_CASE_SENSITIVE)

    def test_merchants(self):
        for merchant_id, merchant, code, reason, field in (
                ('', merchants.Merchant(), 'INVALID_ARGUMENT', 'FIELD_REQUIRED', 'merchant_id'),
                ('Toko', merchants.Merchant(), 'INVALID_ARGUMENT', 'FORMAT_INVALID', 'merchant_id'),
                ('toko', merchants.Merchant(currency_code='ABC'), 'INVALID_ARGUMENT', 'CURRENCY_UNKNOWN',
                 'merchant.currency_code'),
                ('default', merchants.Merchant(), 'ALREADY_EXISTS', 'ALREADY_EXISTS', '')):
            with self.subTest(merchant_id):
                self.assert_refused(lambda: api.merchants.CreateMerchant(merchants.CreateMerchantRequest(
                    merchant_id=merchant_id, merchant=merchant)), code, reason, field)

    def test_channels(self):
        self.add_channel('shopee', 'grpc://127.0.0.1:1')
        for channel_id, endpoint, code, reason, field in (
                ('', 'grpc://127.0.0.1:1', 'INVALID_ARGUMENT', 'FIELD_REQUIRED', 'channel_id'),
                ('1-2', 'grpc://127.0.0.1:1', 'INVALID_ARGUMENT', 'FORMAT_INVALID', 'channel_id'),
                ('lazada', '', 'INVALID_ARGUMENT', 'FIELD_REQUIRED', 'channel.endpoint'),
                ('lazada', 'ftp://127.0.0.1:1', 'INVALID_ARGUMENT', 'FORMAT_INVALID', 'channel.endpoint'),
                ('shopee', 'grpc://127.0.0.1:1', 'ALREADY_EXISTS', 'ALREADY_EXISTS', '')):
            with self.subTest(channel_id=channel_id, endpoint=endpoint):
                self.assert_refused(lambda: self.add_channel(channel_id, endpoint), code, reason, field)
        found = api.channels.ListChannels(channels.ListChannelsRequest(parent=self.parent)).channels
        self.assertEqual([c.name for c in found], [self.channel_name('shopee')])

    def test_jobs(self):
        self.add_channel('shopee', 'grpc://127.0.0.1:1')
        channel = self.channel_name('shopee')
        for call, code, reason, field in (
                (lambda: api.sync.StartScan(sync.StartScanRequest(channel=channel, request_id='again')),
                 'INVALID_ARGUMENT', 'FORMAT_INVALID', 'request_id'),
                (lambda: api.sync.StartScan(sync.StartScanRequest(channel=channel, mode=77)),
                 'INVALID_ARGUMENT', 'FORMAT_INVALID', 'mode'),
                (lambda: api.sync.GetJob(sync.GetJobRequest(name='jobs/1')), 'INVALID_ARGUMENT', 'FORMAT_INVALID', 'name'),
                (lambda: api.sync.GetJob(sync.GetJobRequest(name=self.parent + '/jobs/nothing')), 'NOT_FOUND', 'NOT_FOUND', '')):
            self.assert_refused(call, code, reason, field)

    def test_a_seller_center_that_cannot_be_reached(self):
        self.add_channel('shopee', 'grpc://127.0.0.1:1')
        self.assert_refused(lambda: api.channels.CheckChannel(channels.CheckChannelRequest(name=self.channel_name('shopee'))),
                            'UNAVAILABLE', 'SELLER_CENTER_UNREACHABLE')
        job = self.scan('shopee')[-1].job
        self.assertEqual(job.state, sync.JOB_STATE_FAILED)
        self.assertEqual(details(job.error).reason, 'SELLER_CENTER_UNREACHABLE')


if __name__ == '__main__':
    unittest.main()
