"""Real databases for tests: a SQLite file, and a PostgreSQL cluster of our own, made once per session."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

TOO_OLD = 12
INSTALL = "PostgreSQL's server programs were not found; install them (Debian: apt-get install postgresql)"


def server_programs() -> Path:
    """Return the folder of the newest initdb and postgres on this machine, or fail with what to install."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    for folder in reversed(folders):
        if (folder / "initdb").exists() and float(folder.parent.name) > TOO_OLD:
            return folder
    found = shutil.which("initdb")
    if found is None:
        raise AssertionError(INSTALL)
    return Path(found).resolve().parent


class Cluster:
    """A running PostgreSQL that listens on a unix socket in its own folder, with fsync on."""

    def __init__(self, folder: Path) -> None:
        self._programs = server_programs()
        self.folder = folder
        # PostgreSQL refuses to run as root
        self._as_postgres = (
            ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        )
        self._numbers = count(1)

    def create(self) -> None:
        if self._as_postgres:
            shutil.chown(self.folder, "postgres", "postgres")
        self._run("initdb", "-D", self._data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync")
        self.start()

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=on -c max_connections=50"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", self._data, "-w", "-m", mode, "stop")

    def let_in_by_password(self, user: str) -> None:
        """Let this user in by password alone, and everybody else as before."""
        rules = Path(self._data, "pg_hba.conf")
        rules.write_text(f"local all {user} scram-sha-256\n{rules.read_text()}")
        self._run("pg_ctl", "-D", self._data, "reload")

    def new_database(self) -> str:
        """Make an empty database; return its address."""
        name = f"test{next(self._numbers)}"
        self._run("createdb", "-h", str(self.folder), "-U", "postgres", "-T", "template0", name)
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def dump(self, url: str) -> str:
        name = url.split("/")[3].split("?")[0]
        return self._run("pg_dump", "-h", str(self.folder), "-U", "postgres", name)

    def files(self, url: str) -> bytes:
        """Return every byte of the database's files as the disk has them; the server's log is not among these."""
        name = url.split("/")[3].split("?")[0]
        ask = ("psql", "-h", str(self.folder), "-U", "postgres", "-At", "-c")
        self._run(*ask, "CHECKPOINT", "postgres")
        number = self._run(*ask, f"SELECT oid FROM pg_database WHERE datname = '{name}'", "postgres").strip()
        folder = Path(self._data, "base", number)
        return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [*self._as_postgres, str(self._programs / program), *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program in ("pg_dump", "psql") else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout or ""


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Yield a cluster that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="ece-widget-postgresql-") as folder:
        Path(folder).chmod(0o755)
        cluster = Cluster(Path(folder))
        cluster.create()
        try:
            yield cluster
        finally:
            cluster.stop()
