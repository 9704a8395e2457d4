"""A log that exists only in a landing zone: events of whole turns, and files as the sink writes them."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from connectors.batching import Place, Portion, Row
from connectors.columns import columns_of
from connectors.landing_zone import LandingZone
from connectors.tables import table_of
from sluice.events import Event, TurnEvent
from sluice.partitioning import partition_for
from sluice.topics import catalogue, topic_of
from tests.samples import SAMPLES, USAGE
from tests.unit.connectors.rows import row_of

STAGES = ("accept", "enrich", "redact", "respond")
MILLISECOND = timedelta(milliseconds=1)


class LandedLog:
    """Gives each record its place in the log, and lands it. Fields can be spoilt on their way."""

    def __init__(self, root: Path) -> None:
        self.zone = LandingZone(root)
        self._next: dict[Place, int] = defaultdict(int)

    def land(self, events: Iterable[Event], logged_at: datetime, **spoilt: Any) -> list[Path]:
        """A file for each partition and day."""
        rows: dict[tuple[Place, date], list[Row]] = defaultdict(list)
        for event in events:
            row = self._row(event, logged_at, spoilt)
            rows[row.place, row.day].append(row)
        paths = []
        for (place, day), own in rows.items():
            portion = Portion(place, day, tuple(own))
            table = table_of(portion, columns_of(catalogue()[place.topic]), logged_at)
            paths.append(self.zone.write(portion, table))
        return paths

    def _row(self, event: Event, logged_at: datetime, spoilt: dict[str, Any]) -> Row:
        name = type(event).__name__
        topic = "chat-requests-dlq" if name == "DeadLetter" else topic_of(name)
        key = event.session_id if isinstance(event, TurnEvent) else event.event_id
        place = Place(topic, partition_for(key, catalogue()[topic].partitions))
        offset = self._next[place]
        self._next[place] += 1
        row = row_of(event, place, offset)
        return row._replace(logged_ms=int(logged_at.timestamp() * 1000), fields=row.fields | spoilt)


def damaged(content: bytes) -> bytes:
    """A Parquet file with a good end and a bad middle."""
    end = 8 + int.from_bytes(content[-8:-4], "little")
    return content[:4] + b"\x7f" * (len(content) - 4 - end) + content[-end:]


def made(name: str, turn: str, label: str, at: datetime, **changes: Any) -> Event:
    """One event of a turn, or of none."""
    own: dict[str, Any] = {"event_id": f"{turn}-{label}", "occurred_at": at}
    if isinstance(SAMPLES[name], TurnEvent):
        own["turn_id"] = turn
    return msgspec.structs.replace(SAMPLES[name], **(own | changes))


def random_turn(chance: random.Random, number: int, at: datetime) -> Iterator[Event]:
    """All that can happen to a turn: attempts, take-overs, stops, judgements, other templates, no end."""
    turn = f"turn-{number}"
    who = {"session_id": f"session-{number % 9}", "user_id": f"usr_{chance.randrange(5)}"}
    bot = chance.choice(["assistant", "assistant", "support"])
    template = {"template_id": f"{bot}@{chance.choice([1, 1, 2])}", "template_hash": chance.choice(["aa", "bb"]) * 32}
    entered = at
    for stage in STAGES[: chance.choice([2, 4, 4, 4, 4])]:
        left = entered + chance.randrange(1, 900) * MILLISECOND
        yield made(
            "StageTimed", turn, stage, left, **who, bot=bot, stage=stage, entered_at=entered, left_at=left
        )  # fmt: skip
        entered = left + chance.randrange(5) * MILLISECOND
    if stage != "respond":
        return
    attempts = chance.choice([0, 1, 1, 1, 2])
    for attempt in range(1, attempts + 1):
        yield from _attempt(chance, turn, attempt, left, {**who, **template, "bot": bot, "started_at": entered})
    for epoch in range(chance.choice([1, 1, 1, 2, 3])):
        yield made(
            "TurnFinished", turn, f"end-{epoch}", left + epoch * MILLISECOND, **who, **template, bot=bot, epoch=epoch,
            attempts=attempts, accepted_at=at, state=chance.choice(["completed", "failed", "cancelled"]),
        )  # fmt: skip
    yield from _around(chance, turn, left, who, bot)


def _attempt(chance: random.Random, turn: str, attempt: int, end: datetime, about: dict[str, Any]) -> Iterator[Event]:
    for outcome in chance.choice([["completed"], ["failed"], ["abandoned"], ["abandoned", "completed"]]):
        yield made(
            "AttemptMetered", turn, f"attempt-{attempt}-{outcome}", end + attempt * MILLISECOND, **about,
            attempt=attempt, attempt_id=f"a-{attempt}", outcome=outcome,
            model=chance.choice(["openai/small", "other/large"]), cost_usd=Decimal(chance.randrange(999)) / 10**10,
            usage=msgspec.structs.replace(USAGE, prompt_tokens=chance.randrange(99)),
        )  # fmt: skip


def _around(chance: random.Random, turn: str, end: datetime, who: dict[str, Any], bot: str) -> Iterator[Event]:
    if chance.random() < 0.8:
        yield made("TurnTimed", turn, "timed", end + 3 * MILLISECOND, **who, bot=bot)
    if chance.random() < 0.2:
        yield made("StopRequested", turn, "stop", end, **who)
    for opinion in range(chance.choice([0, 0, 1, 2])):
        later = end + timedelta(hours=chance.randrange(20))
        yield made("FeedbackGiven", turn, f"opinion-{opinion}", later, **who, rating=chance.choice(["up", "down"]))
    if chance.random() < 0.3:
        yield made("AuditRecorded", turn, "mark", end, place=int(turn[5:]))
    if chance.random() < 0.3:
        yield made("DeadLetter", turn, "letter", end, origin_offset=int(turn[5:]), origin_timestamp=end)
