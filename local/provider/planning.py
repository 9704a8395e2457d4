"""What is going to be said: decided before the first byte, without I/O."""

from dataclasses import dataclass

from local.provider.answers import tokens_of
from local.provider.behaviours import Behaviour, FinishReason
from local.provider.faults import Fault
from local.provider.questions import Question

REPEATED = " again"
_REPEATED_WHOLE = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """Tokens, and how they end. Streamed, the fault comes after `breaks_after` of them; not streamed, never."""

    tokens: list[str]
    finish_reason: FinishReason
    breaks_after: int | None = None


def plan(behaviour: Behaviour, question: Question) -> Plan:
    """The answer to a question, as far as the caller's limit and the fault let it go."""
    whole = [] if behaviour.fault is Fault.EMPTY else tokens_of(_answer(behaviour, question))
    tokens = whole[: question.limit]
    finish: FinishReason = "stop" if len(tokens) == len(whole) else "length"
    breaks = behaviour.breaks_after
    match behaviour.fault:
        case Fault.LENGTH:
            tokens, finish, breaks = tokens[: behaviour.after_tokens], "length", None
        case Fault.CONTENT_FILTER_IN_STREAM:
            tokens, finish, breaks = tokens[: behaviour.after_tokens], "content_filter", None
        case Fault.REPEATED_CHUNKS if not question.stream:
            tokens, finish = [REPEATED] * (question.limit or _REPEATED_WHOLE), "length"
    if breaks is not None and (breaks > len(tokens) or (breaks == len(tokens) < len(whole))):
        breaks = None
    return Plan(tokens, behaviour.finish_reason or finish, breaks)


def _answer(behaviour: Behaviour, question: Question) -> str:
    """A beginning in the assistant's name is gone on with, not repeated, unless that is what the model does."""
    whole = behaviour.answer(question.asked)
    if question.begun is not None and behaviour.prefill == "end":
        return ""
    return whole if question.begun is None or behaviour.prefill == "repeat" else whole.removeprefix(question.begun)
