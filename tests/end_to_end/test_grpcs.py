"""A Seller Center behind TLS, with an adapter in another language; and a server behind TLS, for the `skulink` command."""
import concurrent.futures
import functools
import os
import pathlib
import subprocess
import tempfile
import unittest
import unittest.mock

from errors import refusal
from stack import Api, Stack

IDS = ['L1', 'L2', 'L3']


def setUpModule():
    global certificates, stack, api
    certificates = pathlib.Path(unittest.enterModuleContext(tempfile.TemporaryDirectory(prefix='skulink-')))
    make_certificate('ca', 'basicConstraints=critical,CA:TRUE', '-x509')
    for host, issuer in (('localhost', 'ca'), ('shop.example', 'ca'), ('self-signed', None)):
        name = 'subjectAltName=DNS:' + ('localhost' if issuer is None else host)
        make_certificate(host, name, '-x509', *(['-CA', certificates / 'ca.pem', '-CAkey', certificates / 'ca.key']
                                                if issuer else []))
    # What gRPC takes as the system's roots.
    unittest.enterModuleContext(unittest.mock.patch.dict(
        os.environ, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=str(certificates / 'ca.pem')))
    stack = unittest.enterModuleContext(Stack())
    api = unittest.enterModuleContext(Api(stack.address))


def make_certificate(name, extension, *options):
    subprocess.run(['openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
                    '-subj', '/CN=' + name, '-addext', extension, '-keyout', certificates / f'{name}.key',
                    '-out', certificates / f'{name}.pem', *options], check=True, capture_output=True)


def serve_shop(test, certificate):
    """A Seller Center's adapter with that certificate, or without TLS; returns its port."""
    import grpc
    from skulink.sellercenter.v1 import seller_center_service_pb2 as shop
    from skulink.sellercenter.v1 import seller_center_service_pb2_grpc as shop_grpc

    class Adapter(shop_grpc.SellerCenterServiceServicer):
        def DescribeShop(self, request, context):
            return shop.DescribeShopResponse(shop_id='python', listing_count=len(IDS), max_page_size=2, max_items_per_get=10)

        def ListListings(self, request, context):
            for position in range(IDS.index(request.resume_token) + 1 if request.resume_token else 0, len(IDS)):
                last = position == len(IDS) - 1
                yield shop.ListListingsResponse(
                    listings=[shop.Listing(listing_id=IDS[position], seller_sku='SKU-' + IDS[position],
                                           state=shop.LISTING_STATE_LIVE)],
                    resume_token='' if last else IDS[position])

        def GetItems(self, request, context):
            return shop.GetItemsResponse()

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    shop_grpc.add_SellerCenterServiceServicer_to_server(Adapter(), server)
    if certificate is None:
        port = server.add_insecure_port('127.0.0.1:0')
    else:
        pair = [(certificates / f'{certificate}{ending}').read_bytes() for ending in ('.key', '.pem')]
        port = server.add_secure_port('127.0.0.1:0', grpc.ssl_server_credentials([pair]))
    server.start()
    test.addCleanup(lambda: server.stop(None).wait())
    return port


class GrpcsTest(unittest.TestCase):
    def add_channel(self, port):
        from skulink.v1 import channel_service_pb2 as channels
        return api.channels.CreateChannel(channels.CreateChannelRequest(
            parent='merchants/default', channel_id=f'shop-{port}',
            channel=channels.Channel(endpoint=f'grpcs://localhost:{port}'))).channel.name

    def check(self, name):
        from skulink.v1 import channel_service_pb2 as channels
        return api.channels.CheckChannel(channels.CheckChannelRequest(name=name))

    def test_a_shop_with_a_certificate_that_the_roots_vouch_for_is_scanned(self):
        from skulink.v1 import sync_service_pb2 as sync
        name = self.add_channel(serve_shop(self, 'localhost'))
        self.assertEqual(self.check(name).shop_id, 'python')
        *_, last = api.sync.ScanChannel(sync.ScanChannelRequest(channel=name))
        self.assertEqual(last.job.state, sync.JOB_STATE_SUCCEEDED)
        self.assertEqual(last.job.progress.live, len(IDS))

    def test_a_shop_that_cannot_show_who_it_is_is_not_talked_to(self):
        for certificate in ('shop.example', 'self-signed', None):
            with self.subTest(certificate=certificate):
                name = self.add_channel(serve_shop(self, certificate))
                error = refusal(functools.partial(self.check, name))
                self.assertEqual((error.code, error.reason), ('UNAVAILABLE', 'SELLER_CENTER_UNREACHABLE'))


class CommandTest(unittest.TestCase):
    """skulinkd has no TLS of its own; what stands before it is told by its certificate."""

    def serve_merchants(self, certificate):
        import grpc
        from skulink.v1 import merchant_service_pb2 as merchants
        from skulink.v1 import merchant_service_pb2_grpc as merchants_grpc

        class Merchants(merchants_grpc.MerchantServiceServicer):
            def GetMerchant(self, request, context):
                return merchants.GetMerchantResponse(merchant=merchants.Merchant(name=request.name))

        server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
        merchants_grpc.add_MerchantServiceServicer_to_server(Merchants(), server)
        pair = [(certificates / f'{certificate}{ending}').read_bytes() for ending in ('.key', '.pem')]
        port = server.add_secure_port('127.0.0.1:0', grpc.ssl_server_credentials([pair]))
        server.start()
        self.addCleanup(lambda: server.stop(None).wait())
        return f'grpcs://localhost:{port}'

    def get_merchant(self, certificate, *options):
        # Without what this module says of the system's roots.
        environment = {k: v for k, v in os.environ.items() if k != 'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH'}
        return subprocess.run([stack.build / 'bin' / 'skulink', '--server', self.serve_merchants(certificate), *map(str, options),
                               '--timeout', '5', 'merchant', 'get', 'toko'], capture_output=True, text=True, check=False,
                              env=environment)

    def test_a_server_that_the_certificates_given_vouch_for(self):
        done = self.get_merchant('localhost', '--ca', certificates / 'ca.pem')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('toko', done.stdout)

    def test_a_server_that_nobody_vouches_for(self):
        for certificate, options in (('localhost', []), ('self-signed', ['--ca', certificates / 'ca.pem']),
                                     ('shop.example', ['--ca', certificates / 'ca.pem'])):
            with self.subTest(certificate):
                self.assertEqual(self.get_merchant(certificate, *options).returncode, 4)


if __name__ == '__main__':
    unittest.main()
