"""Which ports a platform needs, and who holds one that is taken."""

import socket

import psutil

from sluice.errors import ConfigurationError
from sluice.settings import ProcessName, Settings

# Fetch standard, "port blocking", from 8080 up.
_REFUSED_BY_BROWSERS = {10080}


def needed(settings: Settings) -> dict[str, int]:
    """What for, and which."""
    ports = {"gateway": settings.gateway_port}
    if settings.llm == "dev":
        ports["development provider"] = settings.provider_port
    if settings.llm == "local":
        ports["small model"] = settings.small_model_port
    if settings.registry == "local":
        ports["schema registry"] = settings.registry_port
    if settings.broker == "local":
        ports |= {"broker": settings.broker_port, "broker's controller": settings.controller_port}
    processes: list[ProcessName] = ["gateway", "enrich", "redact", "respond", "landing", "steward"]
    if settings.warehouse_seconds:
        processes.append("warehouse")
    if settings.landing_mirror:
        processes.append("mirror")
    if settings.bigquery_project:
        processes.append("bigquery")
    for process in processes:
        ports[f"metrics of {process}"] = settings.metrics_port(process)
    return ports


def check(settings: Settings) -> None:
    """Raises ConfigurationError naming each taken port and, where it can be known, its holder."""
    if settings.gateway_port in _REFUSED_BY_BROWSERS:
        raise ConfigurationError(
            f"Browsers refuse port {settings.gateway_port}. Choose another SLUICE_PORT_OFFSET, 1000 for example."
        )
    taken = [
        f"{port} ({purpose}) is held by {_holder(port)}" for purpose, port in needed(settings).items() if is_taken(port)
    ]
    if taken:
        raise ConfigurationError(
            "Ports are taken:\n  "
            + "\n  ".join(taken)
            + "\nStop that process, or move this platform: make up SLUICE_PORT_OFFSET=1000"
        )


def is_taken(port: int) -> bool:
    """Whether somebody listens on it, on loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        pass
    return "another process"
