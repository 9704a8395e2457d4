"""Replace personal data by placeholders. The only maker of `SafeText`. Fails closed: no text where anything fails."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from agents.known import Known
from agents.memory import NOTHING, Memory
from agents.personal.finding import find
from agents.personal.policy import Policy
from agents.personal.spans import PERSONAL_TYPES, PersonalType, Span
from sluice.errors import ErrorCode, Unavailable
from sluice.events import ContextMessage, Exchange, Hop, PromptReady, Refusal, RequestEnriched, Sampling
from sluice.ids import derived_event_id
from sluice.own_context import SEALED_AS, read_own_context
from sluice.placeholders import encode_values, find_placeholders, placeholder
from sluice.safe_text import EMPTY, SafeText, Sealed, cleared

Find = Callable[[str, Policy], list[Span]]
"""What the policy wants found in a text: in order, without overlap. Raises whatever it likes: then nothing goes on."""
Open = Callable[[Sealed, str, str], str]
"""Sealed text, subject and the field it was sealed as, to text. Raises where it cannot be opened."""
Seal = Callable[[str, str], Sealed]
"""Map of placeholders as JSON and subject to sealed bytes."""

TEXT = "ChatRequested.text"
"""The field as it is sealed."""
MOST_BYTES = 800_000
"""Of texts and map in one prompt, so that no record outgrows the log's limit of 1 MB. History has its own bound."""

TYPED = "PLACEHOLDER"
"""The type of what a person typed that reads as a placeholder."""
_KINDS = {*PERSONAL_TYPES, TYPED}


class PersonalDataRefused(Exception):
    """The policy wants no answer to a text with such data. Names a type, never a value."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without personal data, and what its placeholders stand for."""

    text: SafeText
    values: dict[str, str]
    spans: tuple[Span, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many spans of each type were replaced."""
        return dict(Counter(span.type for span in self.spans))


class Redactor:
    """Texts that belong together: the same value gets the same placeholder in all of them, and in what is remembered.

    Numbers go on after those in `memory` and in `taken` texts. A value that was found once is replaced wherever it
    stands, also where nothing around it says what it is. What reads as a placeholder already was typed by somebody,
    stands for itself and becomes a value too: `restore` of the result is the text.
    """

    def __init__(
        self, policy: Policy, memory: Memory = NOTHING, taken: Iterable[str] = (), find_spans: Find = find
    ) -> None:
        self._policy, self._find = policy, find_spans
        self._highest = _highest(taken) | Counter(memory.highest)
        self._by_value = {(_kind(name), value): name for name, value in memory.values.items()}
        self._known = Known()
        for kind, value in self._by_value:
            if kind in PERSONAL_TYPES:
                self._known.add(kind, value)
        self.spans: list[Span] = []

    @property
    def values(self) -> dict[str, str]:
        """What the placeholders stand for."""
        return {name: value for (_, value), name in self._by_value.items()}

    @property
    def memory(self) -> Memory:
        """To go on from."""
        return Memory(self.values, dict(self._highest))

    def redact(self, text: str) -> SafeText:
        """One of the texts."""
        spans = self._find(text, self._policy)
        for span in spans:
            self._known.add(span.type, text[span.start : span.end])
        spans = self._known.added_to(spans, text)
        pieces, position = [], 0
        for start, end, kind in _with_typed(text, spans):
            value = text[start:end]
            pieces += [
                text[position:start],
                self._placeholder(TYPED, value) if kind is None else self._stand_in(kind, value),
            ]
            position = end
        pieces.append(text[position:])
        self.spans += spans
        return cleared("".join(pieces))

    def _stand_in(self, kind: PersonalType, value: str) -> str:
        match self._policy.action(kind):
            case "placeholder":
                return self._placeholder(kind, value)
            case "mask":
                return f"[{kind}]"
            case "refuse":
                raise PersonalDataRefused(kind)
            case unknown:
                assert_never(unknown)

    def _placeholder(self, kind: str, value: str) -> str:
        if (kind, value) not in self._by_value:
            self._highest[kind] += 1
            self._by_value[kind, value] = placeholder(kind, self._highest[kind])
        return self._by_value[kind, value]


def redact_text(text: str, policy: Policy, find_spans: Find = find) -> Redacted:
    """One text by itself."""
    redactor = Redactor(policy, find_spans=find_spans)
    return Redacted(redactor.redact(text), redactor.values, tuple(redactor.spans))


def _with_typed(text: str, spans: Iterable[Span]) -> list[tuple[int, int, PersonalType | None]]:
    """Start, end and type of personal data; without a type, what somebody typed that reads as a placeholder.

    What stands beside a span is looked at as it will stand beside a placeholder: "1EMAIL_1" reads as one once the 1 is
    replaced.
    """
    places: list[tuple[int, int, PersonalType | None]] = []
    position = 0
    for span in spans:
        places += _typed(text, position, span.start)
        places.append((span.start, span.end, span.type))
        position = span.end
    return places + _typed(text, position, len(text))


def _typed(text: str, start: int, end: int) -> list[tuple[int, int, None]]:
    before, after = "]" if start else "", "[" if end < len(text) else ""
    stretch, shift = before + text[start:end] + after, start - len(before)
    return [(shift + s, shift + e, None) for s, e, name in find_placeholders(stretch) if _kind(name) in _KINDS]


def _highest(texts: Iterable[str]) -> Counter[str]:
    highest: Counter[str] = Counter()
    for text in texts:
        for _start, _end, name in find_placeholders(text):
            kind, number = name[1:-1].rsplit("_", 1)
            highest[kind] = max(highest[kind], int(number))
    return highest


def _kind(name: str) -> str:
    return name[1:].rsplit("_", 1)[0]


@dataclass(frozen=True, slots=True)
class _Cleared:
    """What goes on of a request."""

    question: SafeText = EMPTY
    context: tuple[ContextMessage, ...] | None = None
    sampling: Sampling | None = None
    placeholders: Sealed | None = None
    types: dict[str, int] = field(default_factory=dict)
    memory: Memory | None = None


class _TooLarge(Exception):
    """Placeholders can be longer than what they stand for."""


def redact(
    enriched: RequestEnriched,
    policies: dict[str, Policy],
    *,
    open_text: Open,
    seal_map: Seal,
    entered_at: datetime,
    clock: Callable[[], datetime],
    repeated: bool = False,
    recall: Callable[[], Memory] = lambda: NOTHING,
    find_spans: Find = find,
    most_bytes: int = MOST_BYTES,
) -> tuple[PromptReady, Memory | None]:
    """The prompt; with a refusal and without text where the turn was refused before or redaction failed.

    And what is to be remembered of the conversation, where that is more than `recall` gave. Raises Unavailable.
    """
    refusal, cleared = enriched.refusal, _Cleared()
    if refusal is None:
        try:
            policy, memory = policies[enriched.redaction_policy], recall()
            redactor = Redactor(policy, memory, _said(enriched.history), find_spans)
            cleared = _clear(enriched, redactor, open_text, seal_map, most_bytes)
            if redactor.values == memory.values:
                cleared = dataclasses.replace(cleared, memory=None)
        except Unavailable:  # keys are away: wait, the text goes nowhere meanwhile
            raise
        except _TooLarge:
            refusal = Refusal(code=ErrorCode.MESSAGES_TOO_LARGE.value, stage="redact", retryable=False)
        except PersonalDataRefused:
            refusal = Refusal(code=ErrorCode.PERSONAL_DATA_REFUSED.value, stage="redact", retryable=False)
        except Exception:  # noqa: BLE001 (whatever fails here, the text must not go on; the cause may quote it)
            refusal = Refusal(code=ErrorCode.REDACTION_FAILED.value, stage="redact", retryable=True)
    left_at = clock()
    prompt = PromptReady(
        event_id=derived_event_id(enriched.turn_id, "prompt"),
        occurred_at=left_at,
        traceparent=enriched.traceparent,
        turn_id=enriched.turn_id,
        session_id=enriched.session_id,
        user_id=enriched.user_id,
        bot=enriched.bot,
        question=cleared.question,
        history=() if refusal else enriched.history,
        history_incomplete=enriched.history_incomplete,
        template_id=enriched.template_id,
        template_hash=enriched.template_hash,
        deadline_at=enriched.deadline_at,
        placeholders=cleared.placeholders,
        redacted_types=cleared.types,
        refusal=refusal,
        hops=(*enriched.hops, Hop(stage="redact", entered_at=entered_at, left_at=left_at)),
        repeated=repeated or enriched.repeated,
        context=cleared.context,
        sampling=cleared.sampling,
    )
    return prompt, cleared.memory


def _clear(enriched: RequestEnriched, redactor: Redactor, open_text: Open, seal_map: Seal, most_bytes: int) -> _Cleared:
    """The client's own messages first, so that a list that grows has the same placeholders every time."""
    if enriched.text is None:
        raise ValueError("neither text nor refusal")
    context, sampling = None, enriched.sampling and replace(enriched.sampling, stop=())
    stop: tuple[str, ...] = ()
    if enriched.context is not None:
        own = read_own_context(open_text(enriched.context, enriched.user_id, SEALED_AS))
        context = tuple(ContextMessage(role=said.role, content=redactor.redact(said.content)) for said in own.messages)
        stop = own.stop
    question = redactor.redact(open_text(enriched.text, enriched.user_id, TEXT))
    if stop:
        stops = tuple(redactor.redact(text) for text in stop)
        sampling = replace(sampling, stop=stops) if sampling else Sampling(stop=stops)
    said = [question, *(message.content for message in context or ())]
    mentioned = {name for text in (*said, *_said(enriched.history)) for _, _, name in find_placeholders(text)}
    values = {name: value for name, value in redactor.values.items() if name in mentioned}
    encoded = encode_values(values) if values else ""
    if sum(len(text.encode()) for text in (*said, encoded)) > most_bytes:
        raise _TooLarge
    placeholders = seal_map(encoded, enriched.user_id) if values else None
    types: dict[str, int] = dict(Counter(span.type for span in redactor.spans))
    return _Cleared(question, context, sampling, placeholders, types, redactor.memory)


def _said(history: Iterable[Exchange]) -> list[str]:
    return [text for exchange in history for text in (exchange.question, exchange.answer)]
