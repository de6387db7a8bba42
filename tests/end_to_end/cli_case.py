"""What tests of the `skulink` command share: programs that run, what the command ends with, a terminal for it."""
import fcntl
import itertools
import json
import os
import pathlib
import pty
import struct
import subprocess
import tempfile
import termios
import threading
import unittest

from stack import Stack

DONE, FAILED, USAGE, ROWS_REFUSED, UNREACHABLE, NEEDS_CONFIRMATION, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
NUMBERS = itertools.count(1)


def start_stack():
    """To be called by setUpModule of a module with CliCases."""
    CliCase.stack = unittest.enterModuleContext(Stack())


def product(product_id, name='Kemeja', **variant):
    return json.dumps({'product_id': product_id, 'name': name, 'variants': [{'variant_id': 'v', **variant}]}) + '\n'


def on_terminal(command, columns, **streams):
    """Runs a command some of whose streams ('stdout', 'stderr') are a terminal; returns what it wrote to it, and its status."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    written = []

    def read():
        try:
            while data := os.read(ours, 65536):
                written.append(data)
        except OSError:  # the last of the other side is closed
            pass

    process = subprocess.Popen(command, **{'stdin': subprocess.DEVNULL, 'stdout': subprocess.DEVNULL,
                                           'stderr': subprocess.DEVNULL, **dict.fromkeys(streams, theirs)})
    os.close(theirs)
    reader = threading.Thread(target=read)
    reader.start()
    status = process.wait(120)
    reader.join()
    os.close(ours)
    return b''.join(written).decode(), status


class CliCase(unittest.TestCase):
    """Each test has a merchant and a folder of its own."""

    stack = None

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix='skulink-cli-')))
        self.merchant = f'cli-{next(NUMBERS)}'
        self.run_cli('merchant', 'create', self.merchant, '--currency', 'IDR')

    def command(self, *arguments):
        return self.stack.cli_command(*arguments, merchant=self.merchant)

    def program(self):
        """What such a command begins with where it is told what can be done next."""
        return f'skulink --server {self.stack.address} --merchant {self.merchant}'

    def run_cli(self, *arguments, status=DONE, **options):
        done = self.stack.cli(*arguments, **{'merchant': self.merchant, **options})
        self.assertEqual(done.returncode, status, f'{arguments}\n{done.stdout}{done.stderr}')
        return done

    def rows(self, *arguments, **options):
        done = self.run_cli('--output', 'jsonl', *arguments, **options)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def add_shop(self, count, *options, channel='shopee', **fields):
        return self.add_shop_with([{'seller_sku': f'SKU-{i}', **fields} for i in range(count)], *options, channel=channel)

    def add_shop_with(self, listings, *options, channel='shopee'):
        """Listings L00000 of item I0, L00001 of item I1 and so on, unless they say otherwise; returns the shop's endpoint."""
        path = self.file(f'{channel}.jsonl', ''.join(
            json.dumps({'listing_id': f'L{i:05}', 'item_id': f'I{i}', 'name': f'Barang {i}', 'price': 1000, 'stock': 1,
                        'status': 'active', **fields}) + '\n' for i, fields in enumerate(listings)))
        endpoint = self.stack.start_simulator({'shop': path}, *options)['shop']
        self.run_cli('channel', 'add', channel, '--platform', 'shopee', '--endpoint', endpoint)
        return endpoint
