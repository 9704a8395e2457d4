"""One idempotent librdkafka producer for a process on an event loop."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from sluice.errors import Rejected, RejectReason, Unavailable
from sluice.kafka_config import Headers, Servers, producer_config

OnFatal = Callable[[str], None]
PARTITION_UA = -1
"""Chosen by the key."""
Report = tuple[asyncio.Future[int], KafkaError | None, int]


class Producing(Protocol):
    """The port: what behaviour and gateway need of a log to write to."""

    async def put(self, topic: str, key: str, value: bytes, headers: Headers) -> asyncio.Future[int]:
        """Hand over in order; the future gives the offset once the log has acknowledged, or fails with Unavailable.

        Raises Rejected where the record is too large for the log.
        """
        ...

    async def post(self, topic: str, key: str, value: bytes, headers: Headers) -> None:
        """Hand over in order and return; waits while the local queue is full. Raises Unavailable."""
        ...


class KafkaProducer:
    """`put` gives the delivery report, `post` does not. Both keep the order of calls within a key."""

    def __init__(
        self,
        bootstrap_servers: Servers,
        client_id: str,
        on_fatal: OnFatal,
        extra: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._on_fatal = on_fatal
        self._producer = Producer(
            producer_config(bootstrap_servers, client_id) | dict(extra) | {"error_cb": self._on_error}
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reports: list[Report] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._poll, name=f"{client_id}-producer", daemon=True)

    def start(self) -> None:
        """Call on the event loop that will await the reports. A second call changes nothing."""
        if self._loop is not None:
            return
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self, timeout_seconds: float = 10.0) -> int:
        """Flush. Gives the number of records that could not be delivered in time."""
        left = await asyncio.to_thread(self._producer.flush, timeout_seconds)
        self._pass_on()
        self._stopping.set()
        await asyncio.to_thread(self._thread.join, 2.0)
        return int(left)

    async def put(self, topic: str, key: str, value: bytes, headers: Headers) -> asyncio.Future[int]:
        """See Producing."""
        return await self.put_at(topic, PARTITION_UA, key.encode(), value, headers)

    async def put_at(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Headers
    ) -> asyncio.Future[int]:
        """As `put`, to a partition that the caller chooses; without a value it is a tombstone."""
        if self._loop is None:
            raise RuntimeError("start() comes first")
        done: asyncio.Future[int] = self._loop.create_future()

        def report(error: KafkaError | None, message: Message) -> None:
            self._reports.append((done, error, -1 if error else message.offset() or 0))

        await self._produce(topic, partition, key, value, headers, report)
        return done

    async def post(self, topic: str, key: str, value: bytes, headers: Headers) -> None:
        """See Producing. A delivery that fails later ends the process by `on_fatal`."""
        await self._produce(topic, PARTITION_UA, key.encode(), value, headers, self._posted)

    async def _produce(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Headers, report: Any
    ) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, partition, on_delivery=report, headers=list(headers))
            except BufferError:
                await asyncio.sleep(0.005)
                continue
            except KafkaException as error:
                if error.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
                    raise Rejected(RejectReason.RECORD_TOO_LARGE, f"{len(value or b'')} bytes for {topic}") from error
                raise Unavailable(f"kafka: {error.args[0].name()}") from error
            return

    def _posted(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None and not self._stopping.is_set():
            self._on_fatal(f"a record was not delivered: {error.name()}")

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._on_fatal(error.name())

    def _poll(self) -> None:
        """One wake-up of the loop for all reports that came together. A fatal error is raised here, whatever
        `error_cb` there is.
        """
        while not self._stopping.is_set():
            try:
                self._producer.poll(0.1)
            except KafkaException as error:
                self._on_fatal(error.args[0].name())
            self._pass_on()

    def _pass_on(self) -> None:
        if self._reports and self._loop is not None and not self._loop.is_closed():
            reports, self._reports = self._reports, []
            self._loop.call_soon_threadsafe(_settle_all, reports)


def _settle_all(reports: list[Report]) -> None:
    for report in reports:
        _settle(*report)


def _settle(done: asyncio.Future[int], error: KafkaError | None, offset: int) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(offset)
    else:
        done.set_exception(Unavailable(f"kafka: {error.name()}"))
