"""An external database with several servers on it."""
import getpass
import shutil
import subprocess
import time

from stack import START_SECONDS, Program, build_dir


class Mariadb:
    """A MariaDB of its own, with an empty database. A context manager."""

    def __init__(self, folder):
        self.folder, self.socket, data = folder, folder / 'db.sock', folder / 'db'
        user = getpass.getuser()
        # A mariadbd that starts deletes the temporary tables of all that share its folder for them.
        options = ('--no-defaults', f'--datadir={data}', f'--user={user}', f'--tmpdir={data}')
        made = subprocess.run(['mariadb-install-db', *options, '--skip-test-db', '--auth-root-authentication-method=socket',
                               f'--auth-root-socket-user={user}'], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise RuntimeError(made.stdout + made.stderr)
        program = shutil.which('mariadbd') or '/usr/sbin/mariadbd'
        self._process = subprocess.Popen(
            [program, *options, f'--socket={self.socket}', f'--pid-file={folder / "db.pid"}', '--skip-networking',
             '--local-infile=1', '--max-connections=300', f'--log-error={folder / "db.log"}'],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.url = f'mysql://{user}@/skulink?socket={self.socket}'
        try:
            self._create_database()
        except BaseException:
            self.stop()
            raise

    def _create_database(self):
        give_up = time.monotonic() + START_SECONDS
        create = ['mariadb', '--no-defaults', f'--socket={self.socket}', '-e', 'CREATE DATABASE skulink CHARACTER SET utf8mb4']
        while subprocess.run(create, check=False, capture_output=True).returncode != 0:
            if time.monotonic() > give_up:
                raise TimeoutError((self.folder / 'db.log').read_text(errors='replace')[-4000:])
            time.sleep(0.1)

    def stop(self):
        self._process.terminate()
        self._process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class SharedStore(Mariadb):
    """One that is brought up to date, and servers on it."""

    def __init__(self, folder):
        self._servers = []
        super().__init__(folder)

    def _create_database(self):
        super()._create_database()
        subprocess.run([build_dir() / 'bin' / 'skulinkd', 'migrate', '--mysql', self.url], check=True, capture_output=True)

    def start_server(self, name, *options):
        """Returns the program and its address."""
        program = Program([build_dir() / 'bin' / 'skulinkd', 'serve', '--listen', '127.0.0.1:0', '--mysql', self.url, *options],
                          self.folder / f'{name}.log', 'listening on ')
        self._servers.append(program)
        return program, program.output[-1].split()[2]

    def verify(self):
        """Runs `skulinkd verify`."""
        return subprocess.run([build_dir() / 'bin' / 'skulinkd', 'verify', '--mysql', self.url],
                              capture_output=True, text=True, check=False)

    def stop(self):
        for server in self._servers:
            server.stop()
        super().stop()
