"""The chain of the audit log: every record is sealed over its content and the seal of the record before it.

Whoever changes, removes or moves a record breaks the chain for all to see who have the audit key, and nobody without
the key can mend it. Pure: see `sluice.audit_log` for the topic.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from sluice.events import AuditRecorded
from sluice.ids import new_id
from sluice.tracing import new_traceparent

Action = Literal[
    "token.issue",
    "token.refuse",
    "api_keys.create",
    "api_keys.revoke",
    "api_keys.refuse",
    "dead_letters.redrive",
    "keys.rotate",
    "keys.use",
    "keys.verify",
    "data.erase",
    "data.export",
    "data.backup",
    "data.restore",
    "policy.change",
    "access.change",
    "audit.remember",
]
"""What leaves a mark, as noun.verb."""
Outcome = Literal["allowed", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Mark:
    """Who did what to whom, how it ended, why. Pseudonyms and codes only."""

    actor_id: str
    action: Action
    outcome: Outcome
    reason: str | None = None
    subject_id: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """The end of a chain."""

    place: int = -1
    seal: str = ""


def end_of(record: AuditRecorded) -> Link:
    """What the next one goes on from."""
    return Link(record.place, record.seal)


def chained(marks: Iterable[Mark], after: Link, key: bytes, now: datetime) -> list[AuditRecorded]:
    """Records in the order of the marks; equal ones become one with their number."""
    records: list[AuditRecorded] = []
    for mark, times in Counter(marks).items():
        record = AuditRecorded(
            event_id=new_id(),
            occurred_at=now,
            traceparent=new_traceparent(),
            actor_id=mark.actor_id,
            action=mark.action,
            subject_id=mark.subject_id,
            outcome=mark.outcome,
            reason=mark.reason,
            times=times,
            place=after.place + 1,
            previous=after.seal,
        )
        records.append(replace(record, seal=seal_of(record, key)))
        after = end_of(records[-1])
    return records


def seal_of(record: AuditRecorded, key: bytes) -> str:
    """Over every field but the seal itself."""
    content = msgspec.json.encode(replace(record, seal=""), order="sorted")
    return hmac.new(key, content, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Broken:
    """Where the chain does not hold. Without an offset (-1): what should be there, and is not."""

    offset: int
    place: int
    what: Literal["changed", "removed", "moved", "not chained"]


def breaks(records: Iterable[tuple[int, AuditRecorded | None]], key: bytes) -> Iterator[Broken]:
    """Everything wrong with the records of one partition, with their offsets, in their order; None: no such record.

    The first one is taken for the beginning of what is kept, whatever its place: older ones may have gone by retention.
    """
    before: AuditRecorded | None = None
    for offset, record in records:
        if record is None or not record.seal:
            yield Broken(offset, -1 if record is None else record.place, "not chained")
            continue
        if not hmac.compare_digest(record.seal, seal_of(record, key)):
            yield Broken(offset, record.place, "changed")
        elif before is not None and record.previous != before.seal:
            gone = record.place > before.place + 1
            yield Broken(offset, record.place, "removed" if gone else "moved")
        before = record
