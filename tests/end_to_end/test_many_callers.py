"""A thousand adjustments of one SKU by many callers at once, through two servers: every listing ends with the sum."""
import pathlib
import random
import tempfile
import threading
import time
import unittest
import uuid

from shared_store import SharedStore
from stack import Api, ShopControl, Stack, write_lines

CALLERS, CALLS = 20, 50
LISTINGS = {'one': 3, 'two': 2, 'three': 1}  # of the SKU, by shop
STOCK = 1_000_000
PATIENCE = 90
PARENT = 'merchants/default'


class Caller(threading.Thread):
    """Adjusts the stock again and again, each time at another server."""

    def __init__(self, addresses, deltas):
        super().__init__(daemon=True)
        self._addresses, self.deltas = addresses, deltas
        self.stocks, self.failure = [], None

    def run(self):
        import grpc
        from skulink.v1 import inventory_service_pb2 as v1
        from skulink.v1 import inventory_service_pb2_grpc
        connections = [grpc.insecure_channel(address) for address in self._addresses]
        try:
            servers = [inventory_service_pb2_grpc.InventoryServiceStub(connection) for connection in connections]
            for call, delta in enumerate(self.deltas):
                adjusted = servers[call % len(servers)].AdjustStock(v1.AdjustStockRequest(
                    parent=PARENT, request_id=str(uuid.uuid4()), adjustments=[
                        v1.StockAdjustment(variant=v1.VariantSelector(sku='K-1'), delta=delta)]), timeout=PATIENCE)
                self.stocks.append(adjusted.stocks[0].stock)
        except grpc.RpcError as failure:
            self.failure = failure
        finally:
            for connection in connections:
                connection.close()


class ManyCallers(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix='skulink-callers-')))
        self.stack = self.enterContext(Stack())
        self.endpoints = {}
        for name, count in LISTINGS.items():
            listings = [{'listing_id': f'L{n}', 'item_id': f'I{n}', 'name': 'Kemeja', 'seller_sku': 'K-1', 'price': 1000,
                         'stock': 1, 'status': 'active'} for n in range(count)]
            path = write_lines(self.folder / f'{name}.jsonl', listings)
            self.endpoints |= self.stack.start_simulator({name: path}, '--write-latency-ms=2')
        self.shops = [self.enterContext(ShopControl(endpoint)) for endpoint in self.endpoints.values()]
        self.store = self.enterContext(SharedStore(self.folder))
        self.addresses = [self.store.start_server(name)[1] for name in ('first', 'second')]

    def fill(self):
        from skulink.v1 import channel_service_pb2 as v1
        self.stack.address = self.addresses[0]
        self.run_cli('import', write_lines(self.folder / 'pos.jsonl', [{'product_id': 'p', 'name': 'Kemeja', 'variants': [
            {'variant_id': 'v', 'sku': 'K-1', 'price': 1000, 'stock': STOCK}]}]))
        with Api(self.addresses[0]) as api:
            for name, endpoint in self.endpoints.items():
                api.channels.CreateChannel(v1.CreateChannelRequest(parent=PARENT, channel_id=name, channel=v1.Channel(
                    endpoint=endpoint, stock_sync=v1.StockSync(enabled=True))))
        for name in self.endpoints:
            self.run_cli('scan', name)

    def run_cli(self, *arguments):
        done = self.stack.cli(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def pushes(self):
        """Outcome and quantity of each."""
        import grpc
        from skulink.v1 import inventory_service_pb2 as v1
        from skulink.v1 import inventory_service_pb2_grpc
        with grpc.insecure_channel(self.addresses[1]) as connection:
            pushes = inventory_service_pb2_grpc.InventoryServiceStub(connection).ListPushes(
                v1.ListPushesRequest(parent=PARENT, variant=v1.VariantSelector(sku='K-1'), page_size=100)).pushes
        return [(v1.PushOutcome.Name(push.outcome), push.quantity) for push in pushes]

    def test_thousand_adjustments_at_once(self):
        self.fill()
        callers = [Caller(self.addresses, [random.randrange(-50, 100) for _ in range(CALLS)]) for _ in range(CALLERS)]
        start = time.monotonic()

        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        called = time.monotonic()

        self.assertEqual([caller.failure for caller in callers], [None] * CALLERS)
        total = STOCK + sum(sum(caller.deltas) for caller in callers)
        at_rest = [('PUSH_OUTCOME_APPLIED', total)] * sum(LISTINGS.values())
        while (pushes := self.pushes()) != at_rest:
            self.assertLess(time.monotonic(), called + PATIENCE, pushes)
            time.sleep(0.05)
        print(f'{CALLERS * CALLS} adjustments in {called - start:.1f} s, everywhere {time.monotonic() - called:.1f} s later',
              flush=True)
        for shop, count in zip(self.shops, LISTINGS.values()):
            books = shop.listings()
            self.assertEqual({id: one.listing.stock for id, one in books.items()}, {f'L{n}': total for n in range(count)})
            self.assertEqual(list(shop.books().violations), [])
            self.assertLessEqual(shop.books().most_in_flight, 1)
        # Each answer was true once, and nothing else was sent.
        answered = {STOCK, *(stock for caller in callers for stock in caller.stocks)}
        self.assertIn(total, answered)
        sent = {update.quantity for shop in self.shops for books in shop.listings().values() for update in books.stock_updates}
        self.assertLessEqual(sent, answered)
        calls = [shop.books().update_stock_calls for shop in self.shops]
        verified = self.store.verify()
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        self.assertEqual([shop.books().update_stock_calls for shop in self.shops], calls, 'it does not rest')


if __name__ == '__main__':
    unittest.main()
