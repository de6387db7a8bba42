"""The program `skulinkd`: its options, its commands, and an external database."""
import os
import pathlib
import socket
import subprocess
import tempfile
import unittest
import unittest.mock

from shared_store import Mariadb
from stack import START_SECONDS, Program, build_dir


class ProgramCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix='skulinkd-')))

    def skulinkd(self, *arguments, status, **environment):
        done = subprocess.run([build_dir() / 'bin' / 'skulinkd', *map(str, arguments)], capture_output=True, text=True,
                              check=False, env={**os.environ, **environment}, timeout=START_SECONDS)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def serve(self, *arguments, **environment):
        """Starts a server; returns it and its address."""
        for name, value in environment.items():
            self.enterContext(unittest.mock.patch.dict(os.environ, {name: value}))
        server = Program([build_dir() / 'bin' / 'skulinkd', *arguments, '--listen', '127.0.0.1:0'],
                         self.folder / 'skulinkd.log', 'listening on ')
        self.addCleanup(server.stop)
        return server, server.output[-1].split()[2]

    def skulink(self, address, *arguments):
        done = subprocess.run([build_dir() / 'bin' / 'skulink', '--server', address, *arguments], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout


class Options(ProgramCase):
    def test_verify_makes_no_store(self):
        data = self.folder / 'typo'
        self.assertIn('has no store', self.skulinkd('verify', '--data-dir', data, status=1).stderr)
        self.assertFalse(data.exists())

    def test_options_before_the_command(self):
        for options in (['--log-level', 'debug'], ['--log-level=debug']):
            with self.subTest(options):
                self.assertIn('there is none in', self.skulinkd(*options, 'verify', '--data-dir', self.folder, status=1).stderr)
        server, _ = self.serve('--log-level', 'warn', '--data-dir', self.folder / 'data')
        self.assertEqual(server.stop(), 0)
        done = self.skulinkd('--log-level', 'debug', 'verify', '--data-dir', self.folder / 'data', status=0)
        self.assertIn('0 differences', done.stdout)

    def test_where_to_listen_is_checked_before_a_database_is_started(self):
        data = self.folder / 'data'
        with socket.create_server(('127.0.0.1', 0)) as taken:
            for listen in ('nonsense', '127.0.0.1', '127.0.0.1:99999', ':', '192.0.2.1:0', 'no-such-host.invalid:0',
                           '127.0.0.1:%d' % taken.getsockname()[1]):
                with self.subTest(listen):
                    done = self.skulinkd('serve', '--data-dir', data, '--listen', listen, status=1)
                    self.assertIn(listen, done.stderr)
        self.assertFalse(data.exists())


class ExternalDatabase(ProgramCase):
    """On a MariaDB that is not skulinkd's own, over a socket."""

    def setUp(self):
        super().setUp()
        self.url = self.enterContext(Mariadb(self.folder)).url

    def test_migrate_serve_and_verify(self):
        for command in ('serve', 'verify'):
            self.assertIn('skulinkd migrate', self.skulinkd(command, '--mysql', self.url, status=1).stderr)
        for _ in range(2):
            self.assertIn('up to date', self.skulinkd('migrate', '--mysql', self.url, status=0).stdout)

        pos = self.folder / 'pos.csv'
        pos.write_text('product_id,name,variant_id,sku\np,Baju,v,A\n')
        server, address = self.serve('serve', '--mysql', self.url)
        self.skulink(address, 'import', str(pos))
        # A second server on the same database, which is named by the environment.
        other, other_address = self.serve('serve', SKULINK_MYSQL=self.url)
        self.assertIn('"sku":"A"', self.skulink(other_address, '--output', 'jsonl', 'in-pos'))
        self.assertIn('1 variants, 0 listings: 0 differences', self.skulinkd('verify', '--mysql', self.url, status=0).stdout)
        self.assertIn('0 differences', self.skulinkd('verify', status=0, SKULINK_MYSQL=self.url).stdout)
        self.assertEqual((server.stop(), other.stop()), (0, 0))

    def test_migrate_wants_a_database(self):
        self.assertIn('--mysql', self.skulinkd('migrate', status=1, SKULINK_MYSQL='').stderr)
        self.assertIn('--mysql', self.skulinkd('migrate', '--mysql', 'postgres://x', status=1).stderr)


if __name__ == '__main__':
    unittest.main()
