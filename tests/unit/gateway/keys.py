"""Keys of machines at a gateway without Kafka."""

from typing import Any

from gateway import frames
from gateway.edge import Edge
from sluice.api_keys import ApiKey, new_key
from sluice.tokens import Person, Scope
from tests.samples import TURN_ID
from tests.unit.gateway.doubles import PSEUDONYM, SEND

HELLO = {"text": "hello", "bot": "assistant"}
FRAMES: dict[type, dict[str, Any]] = {
    frames.MessageSend: SEND,
    frames.TurnStop: {"type": "turn.stop", "turn_id": TURN_ID},
    frames.SessionResume: {"type": "session.resume", "session_id": "s-1"},
    frames.Feedback: {"type": "feedback", "turn_id": TURN_ID, "rating": "up"},
}


def made(edge: Edge, *scopes: Scope, bots: list[str] | None = None, days: int = 90) -> tuple[dict[str, str], ApiKey]:
    """Headers of a new key, and what the store has of it."""
    text, key = new_key("a machine", scopes, bots, edge.turns.clock(), days)
    edge.access.api_keys.add(key)
    return {"Authorization": f"Bearer {text}"}, key


def person(key: ApiKey) -> Person:
    return key.person(PSEUDONYM)


def code_of(answer: Any) -> str:
    body = answer.json()
    return body["error"]["code"] if "error" in body else body["code"]
