"""Kafka Connect's REST interface, as far as we need it."""

from dataclasses import dataclass
from typing import Any

import httpx

from connectors.connect.sinks import Config
from sluice.errors import ConfigurationError, Unavailable

_TIMEOUT_SECONDS = 30.0
FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class ConnectorState:
    """`states` are those of the connector and of its tasks, as Connect names them. `reason` is of one that failed."""

    name: str
    states: tuple[str, ...]
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether any part of it stands still until it is restarted."""
        return FAILED in self.states


class ConnectRest:
    """One worker answers for all. Raises Unavailable where none does, or while they share out their work."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url
        self._client = httpx.Client(base_url=url, timeout=_TIMEOUT_SECONDS, transport=transport)

    def close(self) -> None:
        """Its connections."""
        self._client.close()

    def put(self, name: str, config: Config) -> None:
        """Make a connector, or change one. Raises ConfigurationError where Connect refuses it."""
        self._ask("PUT", f"/connectors/{name}/config", json=config)

    def restart(self, name: str) -> None:
        """What of it has failed."""
        self._ask("POST", f"/connectors/{name}/restart?includeTasks=true&onlyFailed=true")

    def states(self) -> list[ConnectorState]:
        """Of all connectors, by name."""
        found = self._ask("GET", "/connectors?expand=status")
        return [_state(name, entry["status"]) for name, entry in sorted(found.items())]

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"Kafka Connect does not answer at {self._url} ({type(error).__name__}). Start it with `make connect`, "
                "or set SLUICE_CONNECT_URL."
            ) from None
        if answer.status_code == httpx.codes.BAD_REQUEST:
            raise ConfigurationError(f"Kafka Connect refuses {path}: {answer.json().get('message', '')}")
        if answer.is_error:
            raise Unavailable(f"Kafka Connect: status {answer.status_code} for {path}")
        return answer.json() if answer.content else None


def _state(name: str, status: dict[str, Any]) -> ConnectorState:
    parts = [status["connector"], *status["tasks"]]
    traces = [part["trace"] for part in parts if part["state"] == FAILED and part.get("trace")]
    return ConnectorState(name, tuple(part["state"] for part in parts), _cause(traces[0]) if traces else "")


def _cause(trace: str) -> str:
    """The innermost exception's class: its message may hold content of a record."""
    causes = [line for line in trace.splitlines() if line and not line.startswith(("\t", " "))]
    return causes[-1].removeprefix("Caused by: ").partition(":")[0]
