"""Evidence of a run in which nothing went wrong: two clients, a turn each, one answered at the second try.

Both were rated, so that there are controls.
"""

from typing import Any

from local.chaos.conversation import Saying
from local.chaos.evidence import CONVERSATIONS, Backlog, Committed, Evidence, Injected, Landed, LogRecord, Seen

TURN, OTHER = "turn-1", "turn-2"
TEXT, OTHER_TEXT = "gate zqaaaaaaaaaaqz water", "river zqbbbbbbbbbbqz stone"
KILLED_AT = 1_500


class Log:
    """Gives offsets."""

    def __init__(self) -> None:
        self.records: list[LogRecord] = []

    def add(self, topic: str, event: str, at_ms: int, turn_id: str, **fields: Any) -> None:
        number = turn_id[-1]
        head = {"event_id": f"{topic}-{len(self.records)}", "turn_id": turn_id, "session_id": f"session-{number}"}
        head |= {"user_id": f"user-{number}", "traceparent": f"00-trace{number}-span-01"}
        offset = sum(record.topic == topic for record in self.records)
        self.records.append(LogRecord(topic, 0, offset, at_ms, f"session-{number}", event, head | fields))

    def intake(self, turn_id: str, at_ms: int) -> None:
        self.add("chat-requests", "ChatRequested", at_ms, turn_id)
        self.add("chat-enriched", "RequestEnriched", at_ms + 10, turn_id)
        self.add("chat-prompts", "PromptReady", at_ms + 20, turn_id)

    def attempt(self, turn_id: str, at_ms: int, name: str, number: int, epoch: int, pieces: list[str]) -> None:
        mark = {"attempt": number, "attempt_id": name}
        self.add("chat-replies", "AttemptStarted", at_ms, turn_id, **mark, epoch=epoch)
        for seq, text in enumerate(pieces):
            self.add("chat-replies", "DeltaProduced", at_ms + 1 + seq, turn_id, **mark, seq=seq, text=text)

    def metered(self, turn_id: str, at_ms: int, name: str, outcome: str, tokens: int, estimated: bool = False) -> None:
        usage = {"prompt_tokens": 10, "completion_tokens": tokens, "estimated": estimated}
        row = {"attempt_id": name, "attempt": 1, "outcome": outcome, "usage": usage, "provider_call_id": f"call-{name}"}
        self.add("llm-usage", "AttemptMetered", at_ms, turn_id, **row)

    def end(self, turn_id: str, at_ms: int, name: str, number: int, epoch: int, text: str, deltas: int) -> None:
        mark = {"attempt_id": name, "epoch": epoch}
        self.add("chat-turns", "TurnFinished", at_ms, turn_id, **mark, attempts=number, state="completed", answer=text)
        self.add("chat-replies", "TurnCompleted", at_ms + 1, turn_id, **mark, attempt=number, deltas=deltas)
        self.keep(turn_id, at_ms + 5)
        self.add("chat-controls", "FeedbackGiven", at_ms + 10, turn_id, rating=1)

    def keep(self, turn_id: str, at_ms: int) -> None:
        offset = sum(record.topic == CONVERSATIONS for record in self.records)
        key, shown = f"session-{turn_id[-1]}", {"finished": [turn_id]}
        self.records.append(LogRecord(CONVERSATIONS, 0, offset, at_ms, key, "ConversationKept", shown))


def evidence() -> Evidence:
    log = Log()
    log.intake(TURN, 1_000)
    log.intake(OTHER, 1_100)
    log.attempt(TURN, 1_100, "a1", 1, 1, ["gate "])
    log.attempt(OTHER, 1_200, "b1", 1, 1, [OTHER_TEXT])
    log.metered(OTHER, 1_300, "b1", "completed", 5)
    log.end(OTHER, 1_310, "b1", 1, 1, OTHER_TEXT, 1)
    log.metered(TURN, 5_000, "a1", "abandoned", 3, estimated=True)
    log.attempt(TURN, 5_100, "a2", 2, 2, ["gate zqaaaa", "aaaaaaqz", " water"])
    log.metered(TURN, 5_200, "a2", "completed", 6)
    log.end(TURN, 5_210, "a2", 2, 2, TEXT, 3)
    landed = [r for r in log.records if r.topic in ("llm-usage", "chat-turns")]
    return Evidence(
        records=log.records,
        seen=[*_heard_by_first(), *_heard_by_second()],
        asked=[
            Saying(0.0, "client-1", "session-1", "m-1", "parrot", TEXT, "zqaaaaaaaaaaqz", "plain", 1.0),
            Saying(0.1, "client-2", "session-2", "m-2", "parrot", OTHER_TEXT, "zqbbbbbbbbbbqz", "plain", 1.0),
        ],
        facts={
            "build": {"failures": []},
            "reconciliation": {
                "days": [
                    {"date": "2026-11-26", "topics": {"events": len(landed)}, "drift": {"events": 0, "cost_usd": "0.0"}}
                ],
                "differences": [],
                "quarantined": [],
            },
        },
        landed=[Landed(r.topic, r.partition, r.offset, r.fields["event_id"]) for r in landed],
        committed=[
            Committed(1_200, "sluice-respond", "chat-prompts", 0, 0),
            Committed(5_300, "sluice-respond", "chat-prompts", 0, 2),
            Committed(1_318, "sluice-enrich", "chat-turns", 0, 1),
            Committed(5_300, "sluice-enrich", "chat-turns", 0, 2),
            Committed(5_300, "sluice-respond", "chat-controls", 0, 2),
        ],
        backlog=[
            Backlog("sluice-respond", "chat-prompts", 0, 2, 0, 2),
            Backlog("sluice-respond", "chat-prompts", 1, None, 0, 0),
            Backlog("sluice-respond", "chat-controls", 0, 2, 0, 2),
            Backlog("sluice-enrich", "chat-turns", 0, 2, 0, 2),
        ],
        faults=[Injected("kill", "respond-1", KILLED_AT, KILLED_AT, True, "respond-1")],
        meter=[call("a1", 1, 2), call("a2", 1, 6), call("b1", 2, 5)],
        bots={"parrot": {"echoes": True}},
        landed_topics=["llm-usage", "chat-turns"],
    )


def call(name: str, number: int, tokens: int) -> dict[str, Any]:
    return {
        "call_id": f"call-{name}",
        "request_id": name,
        "model": "echo",
        "traceparent": f"00-trace{number}-span-02",
        "prompt_tokens": 10,
        "completion_tokens": tokens,
        "state": "completed",
    }


def frame(at_ms: int, number: int, connection: int, kind: str, **fields: Any) -> Seen:
    shown = {"type": kind, "turn_id": f"turn-{number}"} | fields
    return Seen(at_ms, f"client-{number}", f"user-{number}", connection, 1, "received", shown)


def _heard_by_first() -> list[Seen]:
    return [
        frame(1_005, 1, 1, "accepted", session_id="session-1", client_msg_id="m-1"),
        frame(1_101, 1, 1, "started", session_id="session-1", attempt=1, model="echo"),
        frame(1_102, 1, 1, "delta", attempt=1, seq=0, first_seq=0, text="gate "),
        frame(5_101, 1, 1, "started", session_id="session-1", attempt=2, model="echo"),
        frame(5_102, 1, 1, "delta", attempt=2, seq=0, first_seq=0, text="gate zqaaaa"),
        frame(5_104, 1, 2, "delta", attempt=2, seq=2, first_seq=1, text="aaaaaaqz water"),
        frame(5_212, 1, 2, "completed", attempt=2),
    ]


def _heard_by_second() -> list[Seen]:
    return [
        frame(1_105, 2, 1, "accepted", session_id="session-2", client_msg_id="m-2"),
        frame(1_250, 2, 1, "started", session_id="session-2", attempt=1, model="echo"),
        frame(1_251, 2, 1, "snapshot", session_id="session-2", attempt=1, seq=0, text=OTHER_TEXT),
        frame(1_312, 2, 1, "completed", attempt=1),
    ]
