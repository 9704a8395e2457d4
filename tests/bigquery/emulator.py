"""A BigQuery for tests: its environment, made from pinned hashes, and one running emulator."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from sluice.file_lock import locked
from sluice.paths import checkout

PROJECT, DATASET = "sluice-test", "landing"
_PINS = checkout() / "constraints" / "bigquery-emulator.txt"
_VENV = checkout() / ".venv" / "bigquery-emulator"
_EXTENSIONS = ("spatial", "avro")


def installed() -> Path:
    """The environment's Python. Made where it is missing, or of other pins."""
    stamp, wanted = _VENV / "made-from", hashlib.sha256(_PINS.read_bytes()).hexdigest()
    python = _VENV / "bin" / "python"
    with locked(_VENV.with_suffix(".lock")):
        if stamp.exists() and stamp.read_text() == wanted:
            return python
        uv = shutil.which("uv", path=str(Path(sys.executable).parent))
        assert uv is not None
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(_VENV)], check=True)
        install = [uv, "pip", "install", "--python", str(python), "--quiet", "--require-hashes", "-r", str(_PINS)]
        subprocess.run(install, check=True)
        _lay_out_extensions()
        stamp.write_text(wanted)
    return python


def _lay_out_extensions() -> None:
    """Where DuckDB looks for what it would fetch from the network: below the emulator's HOME."""
    system = {"x86_64": "linux_amd64", "aarch64": "linux_arm64"}[platform.machine()]
    for name in _EXTENSIONS:
        file = next(_VENV.glob(f"lib/python*/site-packages/duckdb_extension_{name}/**/{name}.duckdb_extension"))
        at = _VENV / "home" / ".duckdb" / "extensions" / file.parent.name / system
        at.mkdir(parents=True, exist_ok=True)
        (at / file.name).unlink(missing_ok=True)
        (at / file.name).symlink_to(file)


@dataclass
class Emulator:
    """One process on loopback; `kill` and `start` again keep what is on the disk, and lose all streams."""

    folder: Path
    rest_port: int
    grpc_port: int
    client: bigquery.Client = field(init=False)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.client = bigquery.Client(
            PROJECT,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": f"http://127.0.0.1:{self.rest_port}"},
        )

    @property
    def variables(self) -> dict[str, str]:
        """Settings of a sink that writes here."""
        return {
            "SLUICE_BIGQUERY_PROJECT": PROJECT,
            "SLUICE_BIGQUERY_LANDING": DATASET,
            "SLUICE_BIGQUERY_EMULATOR": f"127.0.0.1:{self.rest_port}",
            "SLUICE_BIGQUERY_EMULATOR_GRPC": f"127.0.0.1:{self.grpc_port}",
        }

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [str(installed()), str(Path(__file__).with_name("mended.py")), "start", "--persistent"]
        command += ["--rest-port", str(self.rest_port), "--grpc-port", str(self.grpc_port)]
        command += ["--data-dir", str(self.folder / "data"), "--log-level", "warning"]
        home = {"HOME": str(_VENV / "home"), "PATH": os.environ["PATH"]}
        with (self.folder / "emulator.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=home)
        deadline = time.monotonic() + 60
        while not self._answers():
            log_text = (self.folder / "emulator.log").read_text()[-3000:]
            assert self._process.poll() is None, log_text
            assert time.monotonic() < deadline, log_text
            time.sleep(0.05)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def make_dataset(self) -> None:
        self.client.create_dataset(DATASET, exists_ok=True, retry=None, timeout=20)

    def query(self, sql: str) -> list[dict[str, Any]]:
        job = self.client.query(sql, retry=None, job_retry=None, timeout=20)
        return [dict(row) for row in job.result(retry=None, timeout=20)]

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.rest_port}/healthz", timeout=2).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


@contextmanager
def running(folder: Path, rest_port: int, grpc_port: int) -> Iterator[Emulator]:
    """With its dataset, for this block."""
    emulator = Emulator(folder, rest_port, grpc_port)
    emulator.start()
    try:
        emulator.make_dataset()
        yield emulator
    finally:
        emulator.kill()
