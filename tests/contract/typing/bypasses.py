"""Ways to take raw text past the gate. mypy must refuse every line that ends in `# refused`, and no other."""

from datetime import datetime

from agents.answers import AnswerGate
from agents.orders import Call, Say
from agents.ports import PromptMessage, Said
from sluice.events import ContextMessage, DeltaProduced, Exchange, PromptReady
from sluice.logs import Logger, fact
from sluice.safe_text import SafeText, join, part


def constructed(raw: str) -> SafeText:
    return SafeText(raw)  # refused


def constructed_of_a_literal() -> SafeText:
    return SafeText("jane@example.org")  # refused


def returned(raw: str) -> SafeText:
    return raw  # refused


def assigned(raw: str) -> SafeText:
    text: SafeText = raw  # refused
    return text


def formatted(safe: SafeText, raw: str) -> SafeText:
    return f"{safe} {raw}"  # refused


def added(safe: SafeText, raw: str) -> SafeText:
    return safe + raw  # refused


def joined(safe: SafeText, raw: str) -> SafeText:
    return join((safe, raw))  # refused


def cut(raw: str) -> SafeText:
    return part(raw, 0, 10)  # refused


def changed(safe: SafeText) -> SafeText:
    return safe.replace("[EMAIL_1]", "jane@example.org")  # refused


def decoded(raw: bytes) -> SafeText:
    return raw.decode()  # refused


def to_a_model(raw: str) -> PromptMessage:
    return PromptMessage("user", raw)  # refused


def from_a_model(said: Said, call: Call) -> Say:
    return Say(call, said.text)  # refused


def through_the_gate(said: Said, call: Call, gate: AnswerGate) -> Say:
    return Say(call, gate.take(said.text))


def to_the_log(raw: str, now: datetime) -> DeltaProduced:
    return DeltaProduced(
        event_id="e",
        occurred_at=now,
        traceparent="t",
        turn_id="t",
        session_id="s",
        user_id="u",
        attempt=1,
        seq=0,
        text=raw,  # refused
    )


def to_the_history(raw: str, safe: SafeText) -> Exchange:
    return Exchange(turn_id="t", question=safe, answer=raw)  # refused


def to_a_context(raw: str) -> ContextMessage:
    return ContextMessage(role="user", content=raw)  # refused


def from_a_prompt(ready: PromptReady) -> PromptMessage:
    return PromptMessage("user", ready.question)


def to_a_log_line(log: Logger, raw: str) -> None:
    log.info("landed", text=raw)  # refused


def to_a_log_line_as_its_message(log: Logger, raw: str) -> None:
    log.info(raw)  # refused


def numbers_and_ids_to_a_log_line(log: Logger, safe: SafeText) -> None:
    log.info("landed", characters=12, answer=safe, done=True, where=[fact("a.py:1")], topic=fact("chat-turns"))
