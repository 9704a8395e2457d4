"""The one loop around every step: decode, run, settle, finish; and the one place where errors are caught."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from faust.types import EventT

from sluice.codec import Codec
from sluice.dead_letters import DeadLetters, Origin
from sluice.errors import Rejected, RejectReason, Unavailable
from sluice.events import Event
from sluice.kafka_producer import Producing
from sluice.logs import Logger, fact
from sluice.metrics import Metrics
from streams.delivery import Delivery
from streams.fuse import Fuse
from streams.intake import Claimed
from streams.publisher import Publisher

E = TypeVar("E", bound=Event)
Step = Callable[[E, Delivery], Awaitable[None]]
Crash = Callable[[str], None]
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 5.0


@dataclass(frozen=True, slots=True)
class Runner(Generic[E]):
    """Every event that enters ends in one way: handled, dead-lettered, or the process ends and it comes again."""

    expected: tuple[type[E], ...]
    step: Step[E]
    codec: Codec
    producer: Producing
    dead_letters: DeadLetters
    metrics: Metrics
    log: Logger
    crash: Crash
    fuse: Fuse
    moved: Callable[[], None]
    before: Callable[[], None]
    after: Callable[[], None]

    async def __call__(self, faust_event: EventT, claim: Claimed) -> None:
        """Handle one record and finish its claim. A claim whose partition has gone is somebody else's work."""
        if not claim.alive:
            return
        origin = origin_of(faust_event)
        try:
            await self._until_available(origin, claim)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.log.error(
                "step failed",
                error=fact(type(error).__name__),
                where=[fact(place) for place in traceback.format_tb(error.__traceback__)[-3:]],
                topic=fact(origin.topic),
                partition=origin.partition,
                offset=origin.offset,
            )
            self.crash(f"step failed: {type(error).__name__}")
            return
        self.after()
        claim.finish()
        self.moved()

    async def _until_available(self, origin: Origin, claim: Claimed) -> None:
        pause = _FIRST_PAUSE_SECONDS
        repeated = claim.repeated
        while True:
            delivery = Delivery(origin, Publisher(self.codec, self.producer, self.moved), repeated)
            repeated = True
            try:
                await self._once(delivery)
            except Unavailable as error:
                self.log.warning(
                    "waiting for what is away", reason=fact(error), topic=fact(origin.topic), offset=origin.offset
                )
                self.moved()
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                return

    async def _once(self, delivery: Delivery) -> None:
        origin = delivery.origin
        try:
            event = self.codec.decode(origin.value)
            if not isinstance(event, self.expected):
                raise Rejected(RejectReason.UNEXPECTED_EVENT, type(event).__name__)
            self.before()
            await self.step(event, delivery)
        except Rejected as rejected:
            await self._put_away(origin, rejected, delivery.publisher)
            await delivery.settled()
            self._burn(self.fuse.rejected())
            return
        await delivery.settled()
        self.fuse.handled()

    def _burn(self, reason: str | None) -> None:
        if reason is not None:
            self.log.error("fuse burnt", reason=fact(reason))
            self.crash(f"fuse burnt: {reason}")

    async def _put_away(self, origin: Origin, rejected: Rejected, publisher: Publisher) -> None:
        topic, value = self.dead_letters.letter(origin, rejected.reason, rejected.detail)
        await publisher.put(topic, f"{origin.partition}-{origin.offset}", value, origin.trace_headers)
        self.metrics.count("sluice_dead_letters_total", topic=origin.topic, reason=rejected.reason.value)
        self.log.warning(
            "record put away",
            reason=fact(rejected.reason.value),
            detail=fact(rejected.detail),
            topic=fact(origin.topic),
            partition=origin.partition,
            offset=origin.offset,
        )


def origin_of(faust_event: EventT) -> Origin:
    """Faust's message as the log has it. Key and value are raw bytes."""
    message = faust_event.message
    return Origin(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=datetime.fromtimestamp(message.timestamp, UTC),
        key=message.key,
        value=message.value,
        headers=list((message.headers or {}).items() if isinstance(message.headers, dict) else message.headers or []),
    )
