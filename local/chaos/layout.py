"""Where the campaign's platform lives: its folders, its ports, the environment of its processes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.broker import Broker, Cluster
from local.ports import is_taken
from sluice.errors import ConfigurationError
from sluice.settings import Settings

NODES = (1, 2, 3)
GATEWAYS = (1, 2)
SESSION_SECONDS = 6.0
"""How long a silent worker keeps its partitions: `group.consumer.session.timeout.ms` of local/broker.py."""
_BROKER, _GATEWAY, _PROVIDER = 9092, 8080, 9100


@dataclass(frozen=True, slots=True)
class Layout:
    """Every client port has a proxy's port beside it; programs of the campaign itself go past the proxies."""

    home: Path
    offset: int
    transport: str

    @property
    def settings(self) -> Settings:
        """Of the first instance, past the proxies."""
        return Settings(
            home=self.home, port_offset=self.offset, broker=self.direct_servers, bots_dir=self.bots, secure=False
        )

    def broker(self, node: int, cluster: Cluster) -> Broker:
        """One of three nodes, whose clients are sent through its proxy."""
        return Broker(
            self.home / f"kafka-{node}",
            self._broker_port(node, 0),
            cluster.controller_ports[node - 1],
            node,
            cluster,
            self.proxy_port("broker", node),
            self._broker_port(node, 2),
        )

    @property
    def controller_ports(self) -> list[int]:
        """One a node."""
        return [self._broker_port(node, 1) for node in NODES]

    @property
    def direct_servers(self) -> str:
        """The cluster past the proxies."""
        return ",".join(f"127.0.0.1:{self._broker_port(node, 2)}" for node in NODES)

    def target_port(self, kind: str, number: int) -> int:
        """Where the real thing listens."""
        if kind == "broker":
            return self._broker_port(number, 0)
        if kind == "gateway":
            return _GATEWAY + self.offset + (number - 1) * 100
        return _PROVIDER + self.offset

    def proxy_port(self, kind: str, number: int) -> int:
        """Where its proxy listens."""
        return self._broker_port(number, 3) if kind == "broker" else self.target_port(kind, number) + 50

    @property
    def links(self) -> list[tuple[str, int]]:
        """Everything that has a proxy."""
        return [*(("broker", n) for n in NODES), *(("gateway", n) for n in GATEWAYS), ("provider", 1)]

    @property
    def failpoints(self) -> Path:
        """Armed points: see sluice/failpoints.py."""
        return self.home / "failpoints"

    @property
    def bots(self) -> Path:
        """Bots of the run."""
        return self.home / "bots"

    def environment(self, inherited: Mapping[str, str], instance: int) -> dict[str, str]:
        """Of one process of the platform. No SLUICE_ variable of the caller reaches it."""
        own = {name: value for name, value in inherited.items() if not name.startswith("SLUICE_")}
        proxied = ",".join(f"127.0.0.1:{self.proxy_port('broker', node)}" for node in NODES)
        return own | {
            "SLUICE_HOME": str(self.home),
            "SLUICE_PORT_OFFSET": str(self.offset),
            "SLUICE_BROKER": proxied,
            "SLUICE_REPLICATION_FACTOR": str(len(NODES)),
            "SLUICE_INSTANCE": str(instance),
            "SLUICE_FAILPOINTS_DIR": str(self.failpoints),
            "SLUICE_BOTS_DIR": str(self.bots),
            "SLUICE_BROKER_SESSION_SECONDS": str(SESSION_SECONDS),
            "SLUICE_LANDING_FLUSH_SECONDS": "1",
            "SLUICE_LANDING_COMPACT_SECONDS": "1",
            "SLUICE_TRANSPORT": self.transport,
        }

    @property
    def taken_ports(self) -> list[int]:
        """Ports of this layout on which somebody listens."""
        wanted = [self._broker_port(node, place) for node in NODES for place in range(4)]
        wanted += [self.target_port(*link) for link in self.links] + [self.proxy_port(*link) for link in self.links]
        return sorted({port for port in wanted if is_taken(port)})

    def check_ports(self) -> None:
        """Raises ConfigurationError naming a taken port."""
        if self.taken_ports:
            raise ConfigurationError(f"Ports are taken: {self.taken_ports}. Choose another --port-offset.")

    def write_choices(self, folder: Path, **choices: object) -> None:
        """What somebody who reads the evidence later must know of the run."""
        (folder / "run.json").write_text(json.dumps(choices, indent=1))

    def _broker_port(self, node: int, place: int) -> int:
        return _BROKER + self.offset + (node - 1) * 10 + place
