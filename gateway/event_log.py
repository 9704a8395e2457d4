"""The gateway's events to the log: with acknowledgement for what was promised to a client, without for telemetry."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from functools import partial

from gateway.posting import Posting, Record
from sluice.codec import Codec
from sluice.errors import ErrorCode, Refused, Unavailable
from sluice.events import ErasureRequested, TurnEvent
from sluice.kafka_config import Headers
from sluice.kafka_producer import Producing
from sluice.topics import topic_of
from sluice.tracing import HEADER

_ACKNOWLEDGE_SECONDS = 5.0
_MOST_PENDING = 1000


@dataclass(slots=True)
class EventLog:
    """`pending` are the records that the log has not acknowledged."""

    codec: Codec
    producer: Producing
    posting: Posting
    pending: dict[str, asyncio.Future[int]] = field(default_factory=dict)

    async def append(self, event: TurnEvent | ErasureRequested, ref: str, once: str | None = None) -> None:
        """Raises Refused where the log does not acknowledge in time. `once`: with a name, a record that still waits
        for the log is not written a second time, unless the log gives it up.
        """
        try:
            async with asyncio.timeout(_ACKNOWLEDGE_SECONDS):
                while once and (waiting := self._waiting(once)) is not None:
                    with contextlib.suppress(Unavailable):
                        await asyncio.shield(waiting)
                        return
                if len(self.pending) >= _MOST_PENDING:
                    raise Unavailable("too many wait for the log already")
                report = await self.producer.put(*self._record(event))
                name = once or event.event_id
                self.pending[name] = report
                report.add_done_callback(partial(self._settled, name))
                await asyncio.shield(report)
        except (Unavailable, TimeoutError):
            raise Refused(ErrorCode.LOG_UNAVAILABLE, ref=ref) from None

    def _waiting(self, name: str) -> asyncio.Future[int] | None:
        """What need not be written again: it has not been given up."""
        report = self.pending.get(name)
        return None if report is not None and report.done() and report.exception() is not None else report

    def _settled(self, name: str, report: asyncio.Future[int]) -> None:
        if self.pending.get(name) is report:
            del self.pending[name]
        if not report.cancelled():
            report.exception()  # whoever waited knows; nobody may be left

    async def post(self, event: TurnEvent) -> None:
        """Put telemetry on the log without waiting for it. That it cannot be written takes nothing back."""
        await self.posting.post(self._record(event))

    def _record(self, event: TurnEvent | ErasureRequested) -> Record:
        headers: Headers = [(HEADER, event.traceparent.encode())]
        key = event.user_id if isinstance(event, ErasureRequested) else event.session_id
        return topic_of(type(event).__name__), key, self.codec.encode(event), headers
