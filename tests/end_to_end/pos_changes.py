"""Changes of stocks and prices by a caller that knows what became of each of them. The stubs must have been generated."""
import random
import threading
import time
import uuid

PARENT = 'merchants/default'
PATIENCE = 90


def ask(address, call):
    """The answer of `call(connection)`. Asks again, as a caller does whose server is gone; `address` says which one is next."""
    import grpc
    give_up = time.monotonic() + PATIENCE
    while True:
        with grpc.insecure_channel(address()) as connection:
            try:
                return call(connection)
            except grpc.RpcError as error:
                passes = error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
                if not passes or time.monotonic() > give_up:
                    raise
        time.sleep(0.05)


class Pos:
    """What the variants K-0, K-1 and so on of the catalogue have, as those left it who changed it here."""

    def __init__(self, variants, stock, price):
        self.stocks, self.prices = dict.fromkeys(range(variants), stock), dict.fromkeys(range(variants), price)

    def set_stock(self, quantities, address):
        from skulink.v1 import inventory_service_pb2 as v1, inventory_service_pb2_grpc
        request = v1.SetStockRequest(parent=PARENT, request_id=str(uuid.uuid4()), settings=[
            v1.StockSetting(variant=v1.VariantSelector(sku=f'K-{n}'), quantity=quantity)
            for n, quantity in quantities.items()])
        ask(address, lambda connection: inventory_service_pb2_grpc.InventoryServiceStub(connection).SetStock(
            request, timeout=10))
        self.stocks.update(quantities)

    def adjust_stock(self, number, delta, address):
        """Of a variant that nobody else changes meanwhile: the answer must be its sum."""
        from skulink.v1 import inventory_service_pb2 as v1, inventory_service_pb2_grpc
        request = v1.AdjustStockRequest(parent=PARENT, request_id=str(uuid.uuid4()), adjustments=[
            v1.StockAdjustment(variant=v1.VariantSelector(sku=f'K-{number}'), delta=delta)])
        answer = ask(address, lambda connection: inventory_service_pb2_grpc.InventoryServiceStub(connection).AdjustStock(
            request, timeout=10))
        self.stocks[number] += delta
        if answer.stocks[0].stock != self.stocks[number]:
            raise AssertionError(f'K-{number} has {answer.stocks[0].stock} after {delta}, not {self.stocks[number]}')

    def set_price(self, number, units, address):
        ask(address, lambda connection: self._update_product(connection, number, units))
        self.prices[number] = units

    @staticmethod
    def _update_product(connection, number, units):
        """Such a call has no request_id: whether one was done whose answer was lost, the product says, and its etag has one
        refused that comes late."""
        import grpc
        from google.protobuf import field_mask_pb2
        from skulink.v1 import catalog_service_pb2 as v1, catalog_service_pb2_grpc
        catalog = catalog_service_pb2_grpc.CatalogServiceStub(connection)
        while True:
            product = catalog.GetProduct(v1.GetProductRequest(name=f'{PARENT}/products/p{number}'), timeout=10).product
            if product.variants[0].price.units == units:
                return
            product.variants[0].price.units = units
            try:
                catalog.UpdateProduct(v1.UpdateProductRequest(
                    product=product, update_mask=field_mask_pb2.FieldMask(paths=['variants'])), timeout=10)
                return
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.ABORTED:  # ETAG_MISMATCH
                    raise


class Changes:
    """Changes stocks and prices without pause, at one server after the other; each variant in one way only."""

    def __init__(self, pos, addresses, ways, next_value=lambda: random.randrange(1000)):
        self.addresses = addresses  # of servers; may change
        self.made = 0
        self._pos, self._ways, self._next_value = pos, ways, next_value
        self._failure, self._stop = None, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        """The last change is answered as well."""
        self._stop.set()
        self._thread.join()
        if self._failure:
            raise self._failure

    def _address(self):
        return random.choice(list(self.addresses))

    def _run(self):
        try:
            while not self._stop.is_set():
                way, = random.choices(('set', 'adjusted', 'priced'), (3, 1, 1))
                if way == 'set':
                    quantities = {n: self._next_value() for n in random.sample(self._ways['set'], 10)}
                    self._pos.set_stock(quantities, self._address)
                elif way == 'adjusted':
                    self._pos.adjust_stock(random.choice(self._ways[way]), random.randint(1, 5), self._address)
                else:
                    self._pos.set_price(random.choice(self._ways[way]), 1000 + self._next_value(), self._address)
                self.made += 1
        except Exception as failure:  # told by whoever waits for the end
            self._failure = failure
