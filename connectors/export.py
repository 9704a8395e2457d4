"""All that is kept of one person, for that person: what they said and were told, with the values in their places.

The log has it whole; of turns that have left it, the landing zone has the redacted text.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from connectors.landed_files import damage, look
from connectors.landing_zone import LandingZone
from connectors.left_out import LeftOut
from connectors.log_scan import LogScan, whole
from connectors.turn_search import session_topics
from sluice.codec import Codec
from sluice.errors import Rejected
from sluice.events import AttemptMetered, ChatRequested, FeedbackGiven, TurnEvent, TurnFinished
from sluice.own_context import SEALED_AS as CONTEXT
from sluice.placeholders import SEALED_AS as MAP
from sluice.placeholders import Values, decode_values, restore
from sluice.safe_text import Sealed
from sluice.sealing import CannotOpen, Sealer
from sluice.topics import catalogue

TURNS = "chat-turns"
Document = dict[str, Any]


@dataclass(slots=True)
class Export:
    """Gathers. `show` gives the document, which JSON can hold."""

    user_id: str
    sealer: Sealer
    erased_until: datetime | None = None
    """What they were erased with is nobody's any more, though redacted text of it may still be on the log."""
    _turns: dict[str, Document] = field(default_factory=dict)
    _usage: dict[str, Document] = field(default_factory=dict)
    _feedback: dict[str, Document] = field(default_factory=dict)
    unreadable: int = 0
    """Sealed fields that cannot be opened: their key is gone."""

    def take(self, event: TurnEvent) -> None:
        """One event of the person; others are none of theirs."""
        if self.erased_until is not None and event.occurred_at <= self.erased_until:
            return
        match event:
            case ChatRequested():
                self._requested(event)
            case TurnFinished():
                self._finished(event)
            case AttemptMetered():
                row = msgspec.to_builtins(event)
                self._usage[event.event_id] = {name: row[name] for name in _USAGE}
            case FeedbackGiven():
                given = {"turn_id": event.turn_id, "at": event.occurred_at.isoformat(), "rating": event.rating}
                comment = event.comment and self._open(event.comment, "FeedbackGiven.comment")
                self._feedback[event.event_id] = given | {"comment": comment}

    def take_landed(self, row: Document) -> None:
        """A turn that the log may have no more: what was said is redacted."""
        self._turns.setdefault(row["turn_id"], {name: row[name] for name in _LANDED})

    def show(self) -> Document:
        """Conversations by time, with what was said as it was said."""
        conversations: dict[str, list[Document]] = {}
        for turn in sorted(self._turns.values(), key=lambda turn: str(turn["accepted_at"])):
            shown = {name: value for name, value in turn.items() if name != "session_id"}
            conversations.setdefault(turn["session_id"], []).append(shown)
        return {
            "person": self.user_id,
            "conversations": [{"session_id": name, "turns": turns} for name, turns in conversations.items()],
            "feedback": [*self._feedback.values()],
            "usage": [*self._usage.values()],
            "unreadable": self.unreadable,
            "erased_until": self.erased_until and self.erased_until.isoformat(),
        }

    def _requested(self, event: ChatRequested) -> None:
        turn = self._turn(event, event.occurred_at.isoformat())
        turn["question"] = self._open(event.text, "ChatRequested.text")
        if event.context is not None:
            turn["context"] = self._open(event.context, CONTEXT)

    def _finished(self, event: TurnFinished) -> None:
        values = self._values(event.placeholders)
        turn = self._turn(event, event.accepted_at.isoformat())
        turn |= {"state": event.state, "model": event.model, "answer": restore(event.answer, values)}
        turn["question"] = turn.get("question") or restore(event.question, values)

    def _turn(self, event: ChatRequested | TurnFinished, accepted_at: str) -> Document:
        known = {"turn_id": event.turn_id, "session_id": event.session_id, "bot": event.bot, "accepted_at": accepted_at}
        return self._turns.setdefault(event.turn_id, known)

    def _values(self, sealed: Sealed | None) -> Values:
        text = None if sealed is None else self._open(sealed, MAP)
        return decode_values(text) if text is not None else {}

    def _open(self, sealed: Sealed, sealed_as: str) -> str | None:
        try:
            return self.sealer.open(sealed, subject=self.user_id, field=sealed_as)
        except CannotOpen:
            self.unreadable += 1
            return None


_USAGE = ("turn_id", "occurred_at", "model", "usage", "cost_usd", "outcome")
_LANDED = ("turn_id", "session_id", "bot", "accepted_at", "state", "model", "question", "answer")


def export(
    user_id: str,
    scan: LogScan,
    codec: Codec,
    zone: LandingZone,
    sealer: Sealer,
    progress: Callable[[int], None],
    tell: LeftOut,
) -> Document:
    """Raises Unavailable where the log or the keys do not answer."""
    with zone.erased.while_landing() as erased:
        until = erased.until.get(user_id)
    found, name = Export(user_id, sealer, until), user_id.encode()
    for seen, record in enumerate(scan.records(whole(scan, session_topics()))):
        progress(seen)
        if name in (record.value or b""):
            with contextlib.suppress(Rejected):
                event = codec.decode(record.value)
                if isinstance(event, TurnEvent) and event.user_id == user_id:
                    found.take(event)
    with zone.rewriting():  # else files that become a larger one are missing
        for row in _landed(user_id, zone, tell):
            found.take_landed(row | {"accepted_at": row["accepted_at"].isoformat()})
    return found.show()


def _landed(user_id: str, zone: LandingZone, tell: LeftOut) -> Iterator[Document]:
    for file in look(zone, [catalogue()[TURNS]], {}):
        if file.problem is not None:
            tell(file.path, file.problem)
            continue
        try:
            with pq.ParquetFile(zone.root / file.path) as landed:
                rows = landed.read(columns=["user_id", *_LANDED]).to_pylist()
        except (pa.ArrowException, OSError) as error:
            tell(file.path, damage(error))
            continue
        for row in rows:
            if row.get("user_id") == user_id:
                yield {name: row.get(name) for name in _LANDED}
