"""The simulated Seller Center as a program: its options for writes, its books, and changes of it while it runs."""
import json
import unittest

from stack import ShopControl, Stack


class Simulator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext(Stack())
        import grpc
        from skulink.sellercenter.v1 import seller_center_service_pb2, seller_center_service_pb2_grpc
        globals().update(grpc=grpc, v1=seller_center_service_pb2, services=seller_center_service_pb2_grpc)
        path = cls.stack.folder / 'listings.jsonl'
        path.write_text(''.join(json.dumps({'listing_id': f'L{n}', 'item_id': 'I1', 'name': f'Baju {n}', 'seller_sku': f'S-{n}',
                                            'price': 50000, 'stock': n}) + '\n' for n in (1, 2)))
        endpoint = cls.stack.start_simulator({'shop': path}, '--created-state=pending', '--stock-max=2', '--no-clock',
                                             '--max-requests-per-second=1000', '--fault=shop=answer-lost:create:1')['shop']
        connection = cls.enterClassContext(grpc.insecure_channel(endpoint.removeprefix('grpc://')))
        cls.shop = services.SellerCenterServiceStub(connection)
        cls.control = cls.enterClassContext(ShopControl(endpoint))

    def test_says_what_its_options_say(self):
        shop = self.shop.DescribeShop(v1.DescribeShopRequest())
        self.assertEqual((shop.max_stock_updates, shop.max_requests_per_second), (2, 1000))
        self.assertFalse(shop.HasField('current_time'))

    def test_keeps_books_and_is_changed_from_outside(self):
        self.control.change(change=[v1.Listing(listing_id='L1', stock=0, seller_sku='RENAMED')], remove=['L2'],
                            put=[v1.Listing(listing_id='L3', item_id='I3', state=v1.LISTING_STATE_LIVE)])
        outcomes = self.shop.UpdateStock(v1.UpdateStockRequest(updates=[
            v1.StockUpdate(listing_id='L3', item_id='I3', quantity=7),
            v1.StockUpdate(listing_id='L2', item_id='I1', quantity=8)])).outcomes
        self.assertEqual([o.result for o in outcomes], [v1.WRITE_RESULT_OK, v1.WRITE_RESULT_GONE])
        listings = self.control.listings('L1', 'L2', 'L3')
        self.assertEqual((listings['L1'].listing.stock, listings['L1'].listing.seller_sku), (0, 'RENAMED'))
        self.assertEqual(listings['L2'].listing.state, v1.LISTING_STATE_DELETED)
        self.assertEqual([u.quantity for u in listings['L3'].stock_updates], [7])
        self.assertEqual(listings['L3'].listing.stock, 7)
        self.assertEqual(listings['L3'].most_in_flight, 1)
        self.assertLessEqual({'L1', 'L2', 'L3'}, set(self.control.listings()))

    def test_remembers_a_creation_whose_answer_was_lost(self):
        request = v1.CreateItemsRequest(creations=[v1.ItemCreation(
            idempotency_key='k-1', title='Kemeja',
            listings=[v1.ListingCreation(seller_sku='K-1', price={'currency_code': 'IDR', 'units': 5}, stock=1)])])
        with self.assertRaises(grpc.RpcError) as lost:
            self.shop.CreateItems(request)
        self.assertEqual(lost.exception.code(), grpc.StatusCode.UNAVAILABLE)
        created = self.shop.CreateItems(request).results[0].listings[0]
        self.assertEqual(created.state, v1.LISTING_STATE_PENDING)
        self.assertEqual([(c.idempotency_key, c.received, [listing.listing_id for listing in c.listings])
                          for c in self.control.books().creations], [('k-1', 2, [created.listing_id])])

    def test_refuses_what_it_is_told_to_refuse(self):
        update = v1.UpdatePriceRequest(updates=[v1.PriceUpdate(listing_id='L1', item_id='I1',
                                                               price={'currency_code': 'IDR', 'units': 9})])
        self.control.change(refuse=[{'call': 'price', 'result': v1.WRITE_RESULT_REFUSED_CAMPAIGN, 'times': 1}],
                            faults=['internal:price:1'])
        with self.assertRaises(grpc.RpcError) as failed:
            self.shop.UpdatePrice(update)
        self.assertEqual(failed.exception.code(), grpc.StatusCode.INTERNAL)
        results = [self.shop.UpdatePrice(update).outcomes[0].result for _ in range(2)]
        self.assertEqual(results, [v1.WRITE_RESULT_REFUSED_CAMPAIGN, v1.WRITE_RESULT_OK])
        self.assertEqual(list(self.control.books().violations), [])


if __name__ == '__main__':
    unittest.main()
