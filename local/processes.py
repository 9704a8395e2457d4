"""The platform's processes under supervisord: started again when they crash, one log file each, a clean stop.

supervisor was chosen because it is pure Python, restarts with back-off, rotates logs and is driven over a socket.
"""

import contextlib
import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
import time
import xmlrpc.client  # of our own supervisord only, on a socket of ours  # nosec B411
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from local.broker import Broker
from local.broker_security import BrokerSecurity
from local.registry import Registry
from local.security import own_keys
from sluice.certificates import AUTHORITY_FILE, certificate_file
from sluice.errors import ConfigurationError
from sluice.kafka_access import BROKER, user_of
from sluice.key_files import password_file
from sluice.process import ProcessExit
from sluice.settings import Settings

_STOP_SECONDS = 60.0
RUNNING = "RUNNING"


@dataclass(frozen=True, slots=True)
class Program:
    """One process. `order` is the place in the start; stopping goes the other way round."""

    name: str
    command: list[str]
    order: int
    stop_seconds: int = 15


@dataclass(frozen=True, slots=True)
class ProcessState:
    """What the process manager knows of one process."""

    name: str
    state: str
    pid: int
    uptime_seconds: int
    description: str
    exit_code: int = 0

    @property
    def refused(self) -> bool:
        """It ended because a person must put something right, and is not started again."""
        return self.state == "EXITED" and self.exit_code == ProcessExit.CONFIG


def broker_of(settings: Settings) -> Broker:
    """The built-in Kafka of one platform."""
    security = broker_security_of(settings) if settings.secure else None
    return Broker(settings.home / "kafka", settings.broker_port, settings.controller_port, security=security)


def registry_of(settings: Settings) -> Registry:
    """The schema registry of one platform."""
    return Registry(settings.home / "registry", settings.registry_port)


def broker_security_of(settings: Settings) -> BrokerSecurity:
    """Its files, which `make up` makes."""
    return BrokerSecurity(
        keystore=certificate_file(settings.certs_dir, BROKER),
        truststore=settings.certs_dir / AUTHORITY_FILE,
        user=user_of(BROKER),
        password_file=settings.keys_dir / password_file(BROKER),
    )


def programs(settings: Settings) -> list[Program]:
    """All processes of one platform."""
    python = [sys.executable, "-m"]
    found = [
        Program("gateway", [*python, "gateway"], 30),
        Program("enrich", [*python, "streams.enrich"], 20),
        Program("redact", [*python, "streams.redact"], 20),
        Program("respond", [*python, "streams.respond"], 20),
        Program("landing", [*python, "connectors.landing"], 20),
        Program("steward", [*python, "connectors.steward"], 25),
    ]
    if settings.warehouse_seconds:
        found.append(Program("warehouse", [*python, "connectors.warehouse.schedule"], 40))
    if settings.landing_mirror:
        found.append(Program("mirror", [*python, "connectors.mirror"], 40))
    if settings.bigquery_project:
        found.append(Program("bigquery", [*python, "connectors.bigquery"], 20))
    if settings.llm == "dev":
        found.append(Program("provider", [*python, "local.provider"], 10))
    if settings.llm == "local":
        found.append(Program("small-model", [*python, "local.small_model"], 10))
    if settings.registry == "local":
        found.append(Program("registry", registry_of(settings).command, 1))
    if settings.broker == "local":
        found.append(Program("broker", broker_of(settings).command, 1, stop_seconds=30))
    return sorted(found, key=lambda program: (program.order, program.name))


class ProcessManager:
    """Talks to the supervisord of one platform over its socket."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        digest = hashlib.sha256(str(settings.home.resolve()).encode()).hexdigest()[:16]
        self._socket = Path(tempfile.gettempdir()) / f"sluice-{os.getuid()}-{digest}.sock"
        self._pid_file = settings.home / "supervisord.pid"

    def running(self) -> bool:
        """Whether supervisord answers."""
        if not self._socket.exists():
            return False
        with contextlib.suppress(OSError, xmlrpc.client.Error):
            return bool(self._call("getState")["statename"] == RUNNING)
        return False

    def launch(self) -> None:
        """Start supervisord. No program runs yet.

        Raises ConfigurationError where it does not come up.
        """
        self._settings.logs_dir.mkdir(parents=True, exist_ok=True)
        file = self._settings.home / "supervisord.conf"
        file.write_text(self.configuration())
        done = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(file)],
            capture_output=True,
            text=True,
            check=False,
            cwd=self._settings.home,
        )
        if done.returncode:
            raise ConfigurationError(f"The process manager did not start: {done.stderr or done.stdout}")
        deadline = time.monotonic() + 10
        while not self.running():
            if time.monotonic() > deadline:
                raise ConfigurationError(f"The process manager does not answer; see {self._settings.logs_dir}.")
            time.sleep(0.05)

    def start(self, name: str) -> None:
        """Start one program; a running one is left alone."""
        with contextlib.suppress(xmlrpc.client.Fault):
            self._call("startProcess", name, False)

    def states(self) -> list[ProcessState]:
        """All programs."""
        return [
            ProcessState(
                info["name"],
                info["statename"],
                info["pid"],
                max(0, info["now"] - info["start"]) if info["pid"] else 0,
                info["description"],
                info["exitstatus"],
            )
            for info in self._call("getAllProcessInfo")
        ]

    def shut_down(self) -> None:
        """Stop all programs in order, then supervisord. Returns when its process has gone."""
        pid = int(self._pid_file.read_text())
        with contextlib.suppress(OSError, xmlrpc.client.Error):
            self._call("shutdown")
        deadline = time.monotonic() + _STOP_SECONDS
        while _alive(pid):
            if time.monotonic() > deadline:
                raise ConfigurationError(f"supervisord ({pid}) does not stop. End it with: kill {pid}")
            time.sleep(0.05)
        self._socket.unlink(missing_ok=True)

    def configuration(self) -> str:
        """`supervisord.conf`."""
        home, logs = self._settings.home, self._settings.logs_dir
        lines = [
            "[unix_http_server]",
            f"file={self._socket}",
            "chmod=0700",
            "[supervisord]",
            f"logfile={_quoted(logs / 'supervisord.log')}",
            f"pidfile={_quoted(self._pid_file)}",
            f"childlogdir={_quoted(logs)}",
            f"directory={_quoted(home)}",
            "silent=true",
            "minfds=1024",
            "[rpcinterface:supervisor]",
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        ]
        for program in programs(self._settings):
            lines += [
                f"[program:{program.name}]",
                f"command={_quoted(shlex.join(program.command))}",
                f"priority={program.order}",
                "autostart=false",
                "autorestart=unexpected",
                f"exitcodes={ProcessExit.CONFIG:d}",
                "startsecs=1",
                "startretries=1000000",
                f"stopwaitsecs={program.stop_seconds}",
                f'environment=SLUICE_KEYS_DIR="{_quoted(own_keys(self._settings, program.name))}"',
                "redirect_stderr=true",
                f"stdout_logfile={_quoted(_quoted(logs / (program.name + '.log')))}",  # expanded twice
                "stdout_logfile_maxbytes=20MB",
                "stdout_logfile_backups=3",
            ]
        return "\n".join(lines) + "\n"

    def _call(self, name: str, *arguments: str | bool) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        try:
            return transport.request(
                "127.0.0.1", "/RPC2", xmlrpc.client.dumps(arguments, f"supervisor.{name}").encode()
            )[0]
        finally:
            transport.close()


def _quoted(text: object) -> str:
    """Supervisord expands % in values."""
    return str(text).replace("%", "%%")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
