"""Faust's producer over the worker's own: changelogs of tables go the same way as events, in one order.

A changelog record that cannot be delivered ends the process: Faust's own producer logs a warning and goes on with a
table that a successor would not find.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from faust.transport.producer import Producer
from faust.types import TP
from faust.types.tuples import FutureMessage, RecordMetadata

from sluice.kafka_config import Headers
from sluice.kafka_producer import KafkaProducer
from sluice.partitioning import partition_for

Sent = asyncio.Future[RecordMetadata]
FaustHeaders = Sequence[tuple[str, bytes]] | Mapping[str, bytes] | None


class LogProducer(Producer):  # type: ignore[misc]
    """Transactions are off. `options` of the transport holds the producer, which its worker stops."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._producer: KafkaProducer = self.transport.options.producer
        self._on_fatal = self.transport.options.on_fatal
        self._unacknowledged: set[asyncio.Future[Any]] = set()

    async def on_start(self) -> None:
        """Begin."""
        self._producer.start()
        await super().on_start()

    def send_soon(self, fut: FutureMessage) -> None:
        """What a table has written: Faust's buffer hands it over, in order. `flush` waits for it from now on."""
        self._unacknowledged.add(fut)
        fut.add_done_callback(self._unacknowledged.discard)
        super().send_soon(fut)

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: FaustHeaders,
        *,
        transactional_id: str | None = None,
    ) -> Awaitable[RecordMetadata]:
        """Hand over; the future gives the record's place once the log has acknowledged it."""
        del timestamp, transactional_id
        place = TP(topic, partition) if partition is not None else self.key_partition(topic, key or b"")
        pairs: Headers = list(headers.items() if isinstance(headers, Mapping) else headers or ())
        report = await self._producer.put_at(place.topic, place.partition, key, value, pairs)
        sent: Sent = asyncio.get_running_loop().create_future()
        self._unacknowledged.add(sent)

        def reported(found: asyncio.Future[int]) -> None:
            self._unacknowledged.discard(sent)
            error = found.exception()
            if error is not None:
                self._on_fatal(f"changelog: {error}")
            elif not sent.done():
                sent.set_result(RecordMetadata(place.topic, place.partition, place, found.result()))

        report.add_done_callback(reported)
        return sent

    async def send_and_wait(self, *args: Any, **kwargs: Any) -> RecordMetadata:
        """See `send`."""
        return await (await self.send(*args, **kwargs))

    async def flush(self) -> None:
        """Returns once the log has acknowledged all that was sent."""
        while self._unacknowledged:
            await asyncio.wait(set(self._unacknowledged))

    async def create_topic(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is created by a worker: `sluice topics apply` does."""

    def key_partition(self, topic: str, key: bytes) -> TP:
        """As Java's clients and ours place it."""
        return TP(topic, partition_for(key.decode(), self.app.consumer.topic_partitions(topic) or 1))

    def supports_headers(self) -> bool:
        """They do."""
        return True
