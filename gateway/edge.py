"""Everything a request handler needs, built once by the composition root."""

from dataclasses import dataclass

from gateway.access import Access
from gateway.bridge import Bridge
from gateway.connection import Connection
from gateway.delivery import DeliveryTimes
from gateway.hub import Hub
from gateway.outbox import Outbox
from gateway.turns import Turns
from sluice.kafka_producer import KafkaProducer
from sluice.logs import Logger
from sluice.metrics import Metrics
from sluice.settings import Settings
from sluice.tokens import Person


@dataclass(frozen=True, slots=True)
class Edge:
    """One gateway process."""

    settings: Settings
    access: Access
    turns: Turns
    hub: Hub
    bridge: Bridge
    producer: KafkaProducer
    metrics: Metrics
    log: Logger

    def connect(self, person: Person) -> Connection:
        """State for a new reader."""
        outbox = Outbox(self.settings.socket_buffer_bytes)
        times = DeliveryTimes(person.user_id, self.turns.clock, self.metrics)
        return Connection(person, self.access, self.turns, self.hub, self.bridge, self.metrics, outbox, times)
