#!/usr/bin/python3
"""Measures how fast stock changes leave, and what that takes of the processor; part of tests/bench/run.

    tests/bench/stock.py [--changes N] [--build DIR]

Each of N variants gets another stock, and is listed by four shops: with limits as large marketplaces have them, and without.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / 'tests/end_to_end'))
import stack  # noqa: E402

SHOPS = ('one', 'two', 'three', 'four')
BATCH = 50  # updates that a shop takes in a call
CALLS_PER_SECOND = 10
CHANGED_AT_ONCE = 1000
PARENT = 'merchants/default'
PATIENCE = 3600


def cpu_seconds(pid):
    """Of a process and its threads."""
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class Measured:
    """A server with a catalogue, all shops in step. In a context its programs run."""

    def __init__(self, build, folder, variants, limit):
        self.build, self.folder, self.variants, self.programs = build, folder, variants, []
        self.limit = limit
        stack.write_catalogue(folder, variants, stock=1, stock_at_shop=1)

    def __enter__(self):
        try:
            self._fill()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for program in reversed(self.programs):
            program.stop()

    def _start(self, name, ready, *arguments):
        self.programs.append(stack.Program(arguments, self.folder / f'{name}.log', ready))
        return self.programs[-1]

    def _fill(self):
        from skulink.v1 import channel_service_pb2 as v1
        limits = [f'--stock-max={BATCH}'] + ([f'--max-requests-per-second={CALLS_PER_SECOND}'] if self.limit else [])
        simulator = self._start('simulator', 'ready', self.build / 'bin/seller_center_simulator', *limits,
                                *(f'--shop={name}={self.folder / "shop.jsonl"}' for name in SHOPS))
        endpoints = dict(line.split() for line in simulator.output[:-1])
        self.shops = [stack.ShopControl(endpoint) for endpoint in endpoints.values()]
        self.server = self._start('skulinkd', 'listening on ', self.build / 'bin/skulinkd', 'serve', '--listen',
                                  '127.0.0.1:0', '--data-dir', self.folder / 'data')
        self.address = self.server.output[-1].split()[2]
        self._cli('import', self.folder / 'pos.jsonl')
        with stack.Api(self.address) as api:
            for name, endpoint in endpoints.items():
                api.channels.CreateChannel(v1.CreateChannelRequest(parent=PARENT, channel_id=name, channel=v1.Channel(
                    endpoint=endpoint, stock_sync=v1.StockSync(enabled=True))))
        for name in SHOPS:
            self._cli('scan', name)

    def _cli(self, *arguments):
        subprocess.run([self.build / 'bin/skulink', '--server', self.address, *map(str, arguments)], check=True,
                       stdout=subprocess.DEVNULL)

    def _mariadb(self):
        for stat in pathlib.Path('/proc').glob('[0-9]*/stat'):
            try:
                fields = stat.read_text().rsplit(')', 1)[1].split()
            except OSError:  # ended meanwhile
                continue
            if fields[1] == str(self.server.process.pid):
                return int(stat.parent.name)
        raise LookupError('the server has no MariaDB')

    def _calls(self):
        return [shop.books().update_stock_calls for shop in self.shops]

    def change_all(self):
        """Returns seconds, and the processor's seconds of the server and of its MariaDB."""
        import grpc
        from skulink.v1 import inventory_service_pb2 as v1
        from skulink.v1 import inventory_service_pb2_grpc
        processes = self.server.process.pid, self._mariadb()
        before = [cpu_seconds(pid) for pid in processes]
        start = time.monotonic()
        with grpc.insecure_channel(self.address) as connection:
            inventory = inventory_service_pb2_grpc.InventoryServiceStub(connection)
            for first in range(0, self.variants, CHANGED_AT_ONCE):
                inventory.SetStock(v1.SetStockRequest(parent=PARENT, settings=[
                    v1.StockSetting(variant=v1.VariantSelector(sku=f'K-{n}'), quantity=7)
                    for n in range(first, min(self.variants, first + CHANGED_AT_ONCE))]))
        self._await_all()
        seconds = time.monotonic() - start
        server, mariadb = (cpu_seconds(pid) - was for pid, was in zip(processes, before))
        return seconds, server, mariadb

    def _await_all(self):
        """The shops' books are read only when the calls are as many as they must be: reading them takes a while."""
        least = -(-self.variants // BATCH)
        give_up = time.monotonic() + PATIENCE
        while min(self._calls()) < least or any(
                books.listing.stock != 7 for shop in self.shops for books in shop.listings().values()):
            if time.monotonic() > give_up:
                raise TimeoutError(f'calls: {self._calls()}')
            time.sleep(0.2)


def measure(build, folder, changes):
    """Lines for a table: what was measured, and the figures beside the budgets."""
    rate = BATCH * CALLS_PER_SECOND
    for limit in (True, False):
        shops = f'{CALLS_PER_SECOND} calls of {BATCH} a second' if limit else 'no limit'
        place = folder / ('limited' if limit else 'unlimited')
        place.mkdir()
        with Measured(build, place, changes, limit) as measured:
            seconds, server, mariadb = measured.change_all()
        per_shop = changes / seconds
        yield f'{changes} changes x {len(SHOPS)} channels, {shops}: pushes a second and channel', f'{per_shop:.0f}' + (
            f' of {rate} ({per_shop / rate:.0%})' if limit else '')
        share = server / seconds
        budget = f' (<= 20%){"" if share <= 0.2 else " MISSED"}' if limit else ''
        yield '    of a core: skulinkd', f'{share:.0%}{budget}; its MariaDB {mariadb / seconds:.0%}'
        pushes = changes * len(SHOPS)
        yield '    for each push', f'{server / pushes * 1e6:.0f} us; its MariaDB {mariadb / pushes * 1e6:.0f} us'


def main():
    parser = argparse.ArgumentParser(description='Measures how fast stock changes leave.')
    parser.add_argument('--changes', type=int, default=100_000)
    parser.add_argument('--build', type=pathlib.Path, default=REPOSITORY / 'build/release')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='skulink-bench-') as folder:
        os.environ['SKULINK_BUILD'] = str(options.build.resolve())
        stack.generate_stubs(pathlib.Path(folder) / 'stubs')
        for what, figures in measure(options.build.resolve(), pathlib.Path(folder), options.changes):
            print(f'{what}: {figures}', flush=True)


if __name__ == '__main__':
    main()
