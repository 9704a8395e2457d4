"""A PostgreSQL of our own on loopback, from the programs of the machine (Debian's package `postgresql`).

PostgreSQL does not run as root: started by root, it runs as the user `postgres` that the package makes.
"""

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sluice.durable_files import create_secret_file
from sluice.errors import ConfigurationError
from sluice.key_files import POSTGRES_PASSWORD

USER = DATABASE = "sluice"
_SERVICE_USER = "postgres"
_DEBIAN = Path("/usr/lib/postgresql")
_START_SECONDS = 30.0


def find_programs() -> Path | None:
    """The folder of `initdb` and `postgres`, the newest there is."""
    on_path = shutil.which("initdb")
    found = [path.parent for path in _DEBIAN.glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: float(path.parent.name))
    return Path(on_path).resolve().parent if on_path else None


@dataclass(frozen=True, slots=True)
class LocalPostgres:
    """One process. `folder` holds its database, `secrets` the password of its user."""

    folder: Path
    port: int
    secrets: Path

    def prepare(self) -> None:
        """Make the database, once. Raises ConfigurationError."""
        create_secret_file(self.secrets / POSTGRES_PASSWORD, secrets.token_urlsafe(32).encode())
        if (self.folder / "PG_VERSION").exists():
            return
        _programs()  # or else there is no use in going on
        self._check_reach()
        self.folder.mkdir(parents=True, exist_ok=True)
        password = self.folder.with_name(f"{self.folder.name}.new-password")
        password.write_bytes((self.secrets / POSTGRES_PASSWORD).read_bytes())
        password.chmod(0o600)
        for path in (self.folder, password) if _as_root() else ():
            shutil.chown(path, _SERVICE_USER, _SERVICE_USER)
        options = ["-U", USER, "-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--locale=C.UTF-8"]
        try:
            self._run("initdb", "-D", str(self.folder), "--no-instructions", *options)
            self._run("postgres", "--single", "-D", str(self.folder), "postgres", told=f"create database {DATABASE}\n")
        finally:
            password.unlink()

    @property
    def command(self) -> list[str]:
        """Runs until SIGTERM."""
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "100"}
        told = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return [str(_programs() / "postgres"), "-D", str(self.folder), "-p", str(self.port), *told]

    @contextmanager
    def running(self) -> Iterator[None]:
        """For this block; it answers. Its log is beside its folder."""
        self.prepare()
        with self.folder.with_name(f"{self.folder.name}.log").open("ab") as log:
            process = subprocess.Popen(self.command, stdout=log, stderr=log, cwd="/", user=_user())
        try:
            self._wait(process)
            yield
        finally:
            process.send_signal(signal.SIGINT)  # fast: it ends sessions and writes what it has
            process.wait()

    def _check_reach(self) -> None:
        closed = [path for path in self.folder.absolute().parents if path.exists() and not path.stat().st_mode & 0o001]
        if _as_root() and closed:
            raise ConfigurationError(
                f"PostgreSQL does not run as root, and the user {_SERVICE_USER} cannot go through {closed[0]}. Set "
                "SLUICE_HOME to another folder, or SLUICE_CONNECT_POSTGRES."
            )

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        ready, deadline = self.folder / "postmaster.pid", time.monotonic() + _START_SECONDS
        while not (ready.exists() and ready.read_text().rstrip().endswith("ready")):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ConfigurationError(f"PostgreSQL did not start; see {self.folder}.log.")
            time.sleep(0.05)

    def _run(self, program: str, *arguments: str, told: str = "") -> None:
        done = subprocess.run(
            [str(_programs() / program), *arguments],
            input=told,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            user=_user(),
        )
        if done.returncode:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise ConfigurationError(f"PostgreSQL's database at {self.folder} could not be made: {done.stderr.strip()}")


def _programs() -> Path:
    found = find_programs()
    if found is None:
        raise ConfigurationError(
            "PostgreSQL is missing. Install it (Debian: apt-get install postgresql), or set SLUICE_CONNECT_POSTGRES."
        )
    return found


def _as_root() -> bool:
    return os.geteuid() == 0


def _user() -> str | None:
    return _SERVICE_USER if _as_root() else None
