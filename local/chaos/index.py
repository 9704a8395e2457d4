"""The evidence by turn."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property

from local.chaos.conversation import Saying
from local.chaos.evidence import Evidence, JsonObject, LogRecord, Seen
from local.chaos.visible import Visible, visible

ENDS = frozenset({"completed", "failed", "cancelled"})


@dataclass(slots=True)
class TurnOnLog:
    """Records of one turn, each list in the order of its partition."""

    turn_id: str
    requests: list[LogRecord] = field(default_factory=list)
    prompts: list[LogRecord] = field(default_factory=list)
    replies: list[LogRecord] = field(default_factory=list)
    finished: list[LogRecord] = field(default_factory=list)
    shown: Visible = field(default_factory=Visible)

    @property
    def begun_ms(self) -> float:
        """When it came into the log."""
        return min((r.at_ms for r in self.requests or self.prompts or self.replies), default=0)

    @property
    def ended_ms(self) -> float:
        """When its visible end did."""
        return self.shown.end.at_ms if self.shown.end else float("inf")


_LISTS = {"chat-requests": "requests", "chat-prompts": "prompts", "chat-replies": "replies", "chat-turns": "finished"}


class Index:
    """Built once, read by all invariants."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.turns: dict[str, TurnOnLog] = {}
        for record in evidence.records:
            name, turn_id = _LISTS.get(record.topic), record.fields.get("turn_id")
            if name and turn_id:
                turn = self.turns.setdefault(turn_id, TurnOnLog(turn_id))
                getattr(turn, name).append(record)
        for turn in self.turns.values():
            turn.shown = visible(turn.replies)

    @cached_property
    def accepted(self) -> dict[str, list[Seen]]:
        """Turn to the `accepted` frames that named it."""
        found: dict[str, list[Seen]] = defaultdict(list)
        for seen in self.evidence.seen:
            if seen.way == "received" and seen.frame["type"] == "accepted":
                found[seen.frame["turn_id"]].append(seen)
        return dict(found)

    @cached_property
    def at_client(self) -> dict[str, list[Seen]]:
        """Turn to what its client received or fetched of it, in order of time."""
        found: dict[str, list[Seen]] = defaultdict(list)
        for seen in self.evidence.seen:
            if seen.way != "sent" and seen.frame.get("turn_id"):
                found[seen.frame["turn_id"]].append(seen)
        return dict(found)

    @cached_property
    def cursors(self) -> dict[str, set[str]]:
        """Turn to the cursors at which its client wanted to go on."""
        found: dict[str, set[str]] = defaultdict(set)
        for seen in self.evidence.seen:
            cursor = seen.frame.get("cursor")
            if seen.way == "sent" and cursor:
                found[cursor.split(":", 1)[0]].add(cursor)
        return dict(found)

    @cached_property
    def asked_by_message(self) -> dict[tuple[str, str], Saying]:
        """By client and client_msg_id."""
        return {(asked.client, asked.client_msg_id): asked for asked in self.evidence.asked}

    def asked_for(self, turn_id: str) -> Saying | None:
        """The message of a turn; None for a turn that no client was told of."""
        for seen in self.accepted.get(turn_id, ()):
            asked = self.asked_by_message.get((seen.client, seen.frame["client_msg_id"]))
            if asked is not None:
                return asked
        return None

    @cached_property
    def turn_of_trace(self) -> dict[str, str]:
        """W3C trace id to turn."""
        return {trace_id(record.fields): turn.turn_id for turn in self.turns.values() for record in turn.requests}

    @cached_property
    def turn_of_attempt(self) -> dict[str, str]:
        """`attempt_id` to turn."""
        return {
            record.fields["attempt_id"]: turn.turn_id
            for turn in self.turns.values()
            for record in turn.replies
            if record.event == "AttemptStarted" and record.fields.get("attempt_id")
        }


def trace_id(fields: JsonObject) -> str:
    """Of a `traceparent`."""
    parts = str(fields.get("traceparent") or "").split("-")
    return parts[1] if len(parts) > 1 else ""


def end_of(seen: Seen) -> str:
    """The state a frame or a fetched turn tells as its end; empty where it is none."""
    state = str(seen.frame["state"] if seen.way == "fetched" else seen.frame["type"])
    return state if state in ENDS else ""
