"""A log that answers what it is asked, for the OpenAI-compatible endpoint without Kafka."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sluice import events as e
from sluice.ids import pseudonym
from sluice.kafka_config import Headers
from tests.doubles import MemoryLog
from tests.samples import SAMPLES
from tests.unit.gateway.doubles import CODEC, PSEUDONYM

JANE = pseudonym("jane", PSEUDONYM)
PATH = "/openai/v1/chat/completions"
HI: dict[str, Any] = {"model": "assistant", "messages": [{"role": "user", "content": "hi"}]}
STREAM = HI | {"stream": True}
Script = list[tuple[str, dict[str, Any]]]


def hello() -> Script:
    return [
        ("AttemptStarted", {}),
        ("DeltaProduced", {"text": "Hel"}),
        ("DeltaProduced", {"text": "lo", "seq": 1}),
        ("TurnCompleted", {}),
    ]


@dataclass
class AnsweringLog(MemoryLog):
    """Answers a request by a script, a moment later."""

    edge: Any = None
    script: Script = field(default_factory=hello)
    asked: list[e.ChatRequested] = field(default_factory=list)

    async def put(self, topic: str, key: str, value: bytes, headers: Headers) -> asyncio.Future[int]:
        event = CODEC.decode(value)
        if isinstance(event, e.ChatRequested) and not self.away:
            self.asked.append(event)
            self.say(self.script)
        return await super().put(topic, key, value, headers)

    def say(self, script: Script) -> None:
        for name, over in script:
            self.edge.hub.take(self._of_the_turn(name, over))

    def _of_the_turn(self, name: str, over: dict[str, Any]) -> Any:
        asked = self.asked[-1]
        own = {"turn_id": asked.turn_id, "session_id": asked.session_id, "user_id": asked.user_id}
        return msgspec.structs.replace(SAMPLES[name], **own, **over)

    async def stop(self) -> int:
        return 0


FAILED: tuple[str, dict[str, Any]] = ("TurnFailed", {"code": "model_unavailable", "message": "gone"})


def written(log: AnsweringLog, kind: type[Any]) -> list[Any]:
    return [event for event in (CODEC.decode(value) for _, _, value, _ in log.records) if isinstance(event, kind)]


def data_of(text: str) -> list[Any]:
    found = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return [word if word == "[DONE]" else json.loads(word) for word in found]
