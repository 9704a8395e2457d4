"""Turns of a person that are being answered, found in the log and ended."""

import contextlib
from dataclasses import dataclass, field
from datetime import datetime

from connectors.batching import Place
from connectors.log_scan import LogScan, Span
from sluice.acknowledged import AcknowledgedWriter, Record
from sluice.catalogue_file import TopicName
from sluice.codec import Codec
from sluice.errors import Rejected, Unavailable
from sluice.events import ChatRequested, StopRequested, TurnFinished
from sluice.ids import new_id
from sluice.partitioning import partition_for
from sluice.topics import catalogue, topic_of
from sluice.tracing import new_traceparent

_TOPICS: tuple[TopicName, ...] = ("chat-requests", "chat-turns")


@dataclass(slots=True)
class OpenTurns:
    """What the log says of a person's turns since a time. `look` goes on where it left."""

    scan: LogScan
    codec: Codec
    user_id: str
    since: datetime
    sessions: dict[str, str] = field(default_factory=dict)
    """Of each turn that was asked for."""
    _ended: set[str] = field(default_factory=set)
    _next: dict[Place, int] = field(default_factory=dict)

    def look(self) -> dict[str, str]:
        """Turns without an end so far, with their sessions. Raises Unavailable."""
        places = [Place(topic, number) for topic in _TOPICS for number in range(catalogue()[topic].partitions)]
        starts = self._next or self.scan.starts(places, self.since)
        window = {place: Span(starts[place], span.end) for place, span in self.scan.window(places).items()}
        name = self.user_id.encode()
        for record in self.scan.records(window):
            if name in (record.value or b""):
                with contextlib.suppress(Rejected):
                    self._take(self.codec.decode(record.value))
        self._next = {place: max(span.low, span.end) for place, span in window.items()}
        return {turn: session for turn, session in self.sessions.items() if turn not in self._ended}

    def _take(self, event: object) -> None:
        match event:
            case ChatRequested(user_id=self.user_id):
                self.sessions[event.turn_id] = event.session_id
            case TurnFinished(user_id=self.user_id):
                self._ended.add(event.turn_id)


def stop(turns: dict[str, str], user_id: str, writer: AcknowledgedWriter, codec: Codec, now: datetime) -> None:
    """Ask the respond stage to end them. Raises Unavailable."""
    topic = topic_of("StopRequested")
    records = []
    for turn_id, session_id in turns.items():
        event = StopRequested(
            event_id=new_id(),
            occurred_at=now,
            traceparent=new_traceparent(),
            turn_id=turn_id,
            session_id=session_id,
            user_id=user_id,
        )
        partition = partition_for(session_id, catalogue()[topic].partitions)
        records.append(Record(turn_id, topic, partition, session_id.encode(), codec.encode(event), []))
    if len(writer.write(records)) < len(records):
        raise Unavailable("Kafka did not acknowledge that running turns shall end.")
