"""Events to their topics, in order, with key and trace."""

import asyncio
from collections.abc import Callable

from sluice.codec import Codec
from sluice.events import DeltaProduced, Event, TurnEvent
from sluice.kafka_config import Headers
from sluice.kafka_producer import Producing
from sluice.topics import topic_of
from sluice.tracing import HEADER


class Publisher:
    """One for each event being handled: `settled` waits for all it has put on the log."""

    def __init__(self, codec: Codec, producer: Producing, moved: Callable[[], None] = lambda: None) -> None:
        self._moved = moved
        self._codec = codec
        self._producer = producer
        self._reports: list[asyncio.Future[int]] = []

    async def emit(self, event: Event) -> None:
        """Hand an event to the producer. Deltas are many and followed by a terminal, so they need no report."""
        self._moved()
        key = event.session_id if isinstance(event, TurnEvent) else event.event_id
        headers: Headers = [(HEADER, event.traceparent.encode())]
        value = self._codec.encode(event)
        topic = topic_of(type(event).__name__)
        if isinstance(event, DeltaProduced):
            await self._producer.post(topic, key, value, headers)
        else:
            self._reports.append(await self._producer.put(topic, key, value, headers))

    async def put(self, topic: str, key: str, value: bytes, headers: Headers) -> None:
        """A record that is already bytes."""
        self._reports.append(await self._producer.put(topic, key, value, headers))

    async def settled(self) -> None:
        """Returns once the log has acknowledged everything. Raises Unavailable."""
        reports, self._reports = self._reports, []
        await asyncio.gather(*reports)
