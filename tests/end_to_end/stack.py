"""Starts the real programs for a test, and gives it Python clients generated from the protos.

A Stack is a skulinkd on a fresh embedded store in a temporary folder, with as many simulated Seller Centers as are asked
for. It is a context manager; when it is left, all are stopped and the folder is removed.
"""
import ctypes
import importlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

# Before grpc is imported. Its handlers of fork() now and then wait for ever for one of its threads; what is forked here
# does nothing but start a program.
os.environ['GRPC_ENABLE_FORK_SUPPORT'] = '0'

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
# The first start makes a database, on a machine that may be busy.
START_SECONDS = 120
STOP_SECONDS = 60
# How a program ends of which the thread sanitizer has reported something.
REPORTED_STATUS = 66


def build_dir():
    """The build to use: $SKULINK_BUILD, or the newest release or dev build."""
    named = os.environ.get('SKULINK_BUILD')
    found = [pathlib.Path(named).resolve()] if named else [REPOSITORY / 'build' / preset for preset in ('release', 'dev')]
    servers = [b / 'bin' / 'skulinkd' for b in found if (b / 'bin' / 'skulinkd').exists()]
    if not servers:
        raise FileNotFoundError(f'no bin/skulinkd in {" or ".join(map(str, found))}: build first')
    return max(servers, key=lambda server: server.stat().st_mtime).parents[1]


def generate_stubs(folder):
    """Python clients of both packages and of google.rpc, made by protoc in `folder`, which becomes importable."""
    google = build_dir() / 'google_protos'
    ours = [str(p.relative_to(REPOSITORY / 'proto')) for p in (REPOSITORY / 'proto').rglob('*.proto')]
    messages = ['google/api/field_behavior.proto', 'google/rpc/status.proto', 'google/rpc/error_details.proto',
                'google/type/money.proto', 'skulink/error_info.proto',
                'seller_center_simulator/simulator_control.proto']
    os.makedirs(folder, exist_ok=True)
    subprocess.run(
        ['protoc', f'-I{REPOSITORY / "proto"}', f'-I{REPOSITORY / "common"}', f'-I{REPOSITORY / "tests"}', f'-I{google}',
         f'--python_out={folder}', f'--grpc_python_out={folder}',
         f'--plugin=protoc-gen-grpc_python={shutil.which("grpc_python_plugin")}', *ours, *messages], check=True)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class Program:
    """A program that prints `ready_line` or what begins with it when it is ready. To be started by the main thread."""

    def __init__(self, arguments, log_path, ready_line):
        self.arguments = [str(a) for a in arguments]
        self.log_path = log_path
        with open(log_path, 'ab') as log:
            self.process = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                            text=True, preexec_fn=_die_with_parent)
        self.output = []  # up to ready_line
        self._ready_line, self._ready = ready_line, threading.Event()
        threading.Thread(target=self._read_output, daemon=True).start()
        if not self._ready.wait(START_SECONDS) or not self.output or not self.output[-1].startswith(ready_line):
            self.stop()
            raise RuntimeError(f'{" ".join(self.arguments)} did not start:\n{self.log()}')

    def _read_output(self):
        with self.process.stdout as output:
            for text in output:
                if not self._ready.is_set():
                    self.output.append(text.strip())
                if text.startswith(self._ready_line):
                    self._ready.set()
        self._ready.set()

    def log(self):
        return pathlib.Path(self.log_path).read_text(errors='replace')[-4000:]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks it to end; returns its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode


class Stack:
    def __init__(self):
        self.build = build_dir()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='skulink-'))
        self.data_dir = self.folder / 'data'
        self.simulators = []
        self.server, self.address = None, ''

    def __enter__(self):
        try:
            generate_stubs(self.folder / 'stubs')
            self.server = self.start_server()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def start_server(self, *options):
        server = Program(
            [self.build / 'bin' / 'skulinkd', 'serve', '--listen', '127.0.0.1:0', '--data-dir', self.data_dir, *options],
            self.folder / 'skulinkd.log', 'listening on ')
        self.address = server.output[-1].split()[2]
        return server

    def start_simulator(self, shops, *options):
        """Shops by name, each with the listings of a file; returns their endpoints."""
        simulator = Program([self.build / 'bin' / 'seller_center_simulator', *options,
                             *(f'--shop={name}={path}' for name, path in shops.items())],
                            self.folder / f'simulator-{len(self.simulators)}.log', 'ready')
        self.simulators.append(simulator)
        return dict(line.split() for line in simulator.output[:-1])

    def cli(self, *arguments, merchant='default', server=None, **options):
        """Runs `skulink` to its end; options are those of subprocess.run."""
        return subprocess.run(self.cli_command(*arguments, merchant=merchant, server=server),
                              **{'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'text': True, 'check': False, **options})

    def cli_command(self, *arguments, merchant='default', server=None):
        return [self.build / 'bin' / 'skulink', '--server', self.address if server is None else server, '--merchant', merchant,
                *map(str, arguments)]

    def verify(self):
        """Runs `skulinkd verify`, with the server stopped."""
        return subprocess.run([self.build / 'bin' / 'skulinkd', 'verify', '--data-dir', self.data_dir],
                              capture_output=True, text=True, check=False)

    def mariadb(self):
        """The process id of the server's MariaDB."""
        server = str(self.server.process.pid)
        for stat in pathlib.Path('/proc').glob('[0-9]*/stat'):
            try:
                name, fields = stat.read_text().rsplit(')', 1)
            except OSError:  # ended meanwhile
                continue
            if name.partition('(')[2] in ('mariadbd', 'mysqld') and fields.split()[1] == server:
                return int(stat.parent.name)
        raise LookupError('the server has no MariaDB')

    def stop_server(self):
        status = self.server.stop()
        if status != 0:
            raise RuntimeError(f'skulinkd ended with status {status}:\n{self.server.log()}')

    def close(self):
        programs = [*self.simulators, *([self.server] if self.server else [])]
        reports = [program.log() for program in programs if program.stop() == REPORTED_STATUS]
        shutil.rmtree(self.folder, ignore_errors=True)
        if reports:
            raise RuntimeError('the thread sanitizer reports:\n' + '\n'.join(reports))


def write_lines(path, rows):
    """JSON Lines."""
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows), encoding='utf-8')
    return path


def write_catalogue(folder, variants, stock, stock_at_shop):
    """pos.jsonl, variants with the SKUs K-0, K-1 and so on, and shop.jsonl, a listing L0, L1 and so on of each."""
    with open(folder / 'pos.jsonl', 'w', encoding='utf-8') as pos, open(folder / 'shop.jsonl', 'w', encoding='utf-8') as shop:
        for n in range(variants):
            pos.write(json.dumps({'product_id': f'p{n}', 'name': f'Kemeja {n}', 'variants': [
                {'variant_id': 'v', 'sku': f'K-{n}', 'price': 1000, 'currency': 'IDR', 'stock': stock}]}) + '\n')
            shop.write(json.dumps({'listing_id': f'L{n}', 'item_id': f'I{n}', 'name': f'Kemeja {n}', 'seller_sku': f'K-{n}',
                                   'price': 1000, 'stock': stock_at_shop, 'status': 'active'}) + '\n')


class Api:
    """The services of a server. The stubs must have been generated."""

    def __init__(self, address):
        import grpc
        from skulink.v1 import (catalog_service_pb2_grpc, channel_service_pb2_grpc, merchant_service_pb2_grpc,
                                products_menu_service_pb2_grpc, sync_service_pb2_grpc)
        self.connection = grpc.insecure_channel(address)
        self.merchants = merchant_service_pb2_grpc.MerchantServiceStub(self.connection)
        self.catalog = catalog_service_pb2_grpc.CatalogServiceStub(self.connection)
        self.channels = channel_service_pb2_grpc.ChannelServiceStub(self.connection)
        self.sync = sync_service_pb2_grpc.SyncServiceStub(self.connection)
        self.menu = products_menu_service_pb2_grpc.ProductsMenuServiceStub(self.connection)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


class ShopControl:
    """The books of a simulated shop, and changes of it. The stubs must have been generated."""

    def __init__(self, endpoint):
        import grpc
        from seller_center_simulator import simulator_control_pb2, simulator_control_pb2_grpc
        self.messages = simulator_control_pb2
        self.connection = grpc.insecure_channel(endpoint.removeprefix('grpc://'))
        self._stub = simulator_control_pb2_grpc.SimulatorControlStub(self.connection)

    def books(self):
        return self._stub.GetBooks(self.messages.GetBooksRequest())

    def listings(self, *listing_ids):
        """ListingBooks by listing id: of these, or of all."""
        request = self.messages.ListListingBooksRequest(listing_ids=listing_ids)
        return {books.listing.listing_id: books for books in self._stub.ListListingBooks(request)}

    def change(self, **changes):
        """The fields of a ChangeShopRequest."""
        self._stub.ChangeShop(self.messages.ChangeShopRequest(**changes))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


def pages(call, request):
    """All pages of a list method."""
    while True:
        response = call(request)
        yield response
        if not response.next_page_token:
            return
        request.page_token = response.next_page_token


class Timer:
    """Prints how long a step took."""

    def __init__(self, what):
        self.what = what

    def __enter__(self):
        self.start = time.monotonic()
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            print(f'{self.what}: {time.monotonic() - self.start:.2f} s', flush=True)
