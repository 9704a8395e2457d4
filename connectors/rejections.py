"""Where the sink puts records that it cannot land."""

from typing import Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from sluice.dead_letters import DeadLetters, Origin
from sluice.errors import Rejected, Unavailable
from sluice.kafka_config import Servers, producer_config

_FLUSH_SECONDS = 15.0


class DeadLetterOffice(Protocol):
    """The sink's port to the dead-letter topics."""

    def put(self, origin: Origin, rejected: Rejected) -> None:
        """Take a record. A repeat of the same record counts once for readers."""
        ...

    def settle(self) -> None:
        """Return once the log has acknowledged all that was put. Raises Unavailable; then settle again."""
        ...


class KafkaDeadLetters:
    """Writes to `<topic>-dlq`."""

    def __init__(self, bootstrap_servers: Servers, letters: DeadLetters, client: str = "landing") -> None:
        self._letters = letters
        self._producer = Producer(producer_config(bootstrap_servers, client))
        self._unsettled: dict[str, tuple[str, bytes]] = {}
        self._failed: set[str] = set()

    def put(self, origin: Origin, rejected: Rejected) -> None:
        """See DeadLetterOffice."""
        name = f"{origin.topic}-{origin.partition}-{origin.offset}"
        self._unsettled[name] = self._letters.letter(origin, rejected.reason, rejected.detail)
        try:
            self._send(name)
        except KafkaException as error:
            raise Unavailable(f"kafka: {error.args[0].name()}") from error

    def settle(self) -> None:
        """See DeadLetterOffice."""
        for name in [*self._failed]:
            self._failed.discard(name)
            self._send(name)
        self._producer.flush(_FLUSH_SECONDS)
        if self._unsettled:
            raise Unavailable(f"{len(self._unsettled)} dead letters are not acknowledged")

    def _send(self, name: str) -> None:
        def report(error: KafkaError | None, _message: Message) -> None:
            if error is None:
                self._unsettled.pop(name, None)
            else:
                self._failed.add(name)

        topic, value = self._unsettled[name]
        while True:
            try:
                self._producer.produce(topic, value, on_delivery=report)
                return
            except BufferError:
                self._producer.poll(0.1)
