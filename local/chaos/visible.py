"""What counts of a turn's replies: the checker's own statement of the rule, apart from the platform's.

1. The newest counting `AttemptStarted` holds the turn. One does not count where it repeats an attempt, comes after the
   end, or was written under an older epoch than the holder's.
2. Of the holder, deltas count while their numbers run 0, 1, 2 ...; what anybody else says does not count.
3. A reset by the holder empties what was said; numbers begin at 0 again.
4. The end is the first terminal by the holder, or by an attempt that never began whose epoch is not older.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from local.chaos.evidence import LogRecord

TERMINALS = {"TurnCompleted": "completed", "TurnFailed": "failed", "TurnCancelled": "cancelled"}


def attempt_of(record: LogRecord) -> str:
    """Records of the first release have a number only."""
    return record.fields.get("attempt_id") or f"#{record.fields['attempt']}"


def epoch_of(record: LogRecord) -> int:
    """0 where the record's writer knew none."""
    return int(record.fields.get("epoch") or 0)


@dataclass(slots=True)
class Visible:
    """The outcome of the rule."""

    holder: LogRecord | None = None
    end: LogRecord | None = None
    text: list[str] = field(default_factory=list)

    @property
    def state(self) -> str:
        """Empty while the turn has no end."""
        return TERMINALS[self.end.event] if self.end else ""


def visible(replies: Sequence[LogRecord]) -> Visible:
    """Of one turn, in the order of the log."""
    found = Visible()
    begun: set[str] = set()
    for record in replies:
        if found.end is not None:
            break
        name = attempt_of(record)
        epoch = epoch_of(found.holder) if found.holder else 0
        holds = found.holder is not None and attempt_of(found.holder) == name
        if record.event == "AttemptStarted":
            if name not in begun and epoch_of(record) >= epoch:
                found.holder, found.text = record, []
            begun.add(name)
        elif record.event == "DeltaProduced" and holds:
            if record.fields["seq"] == len(found.text):
                found.text.append(record.fields["text"])
        elif record.event == "AttemptReset" and holds:
            found.text = []
        elif record.event in TERMINALS and (holds or (name not in begun and epoch_of(record) >= epoch)):
            found.end = record
    return found
