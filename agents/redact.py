"""Replace personal data by placeholders. The only maker of `SafeText`. Fails closed: no text where anything fails."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from agents.patterns import PERSONAL_TYPES, PersonalType, Span, find
from sluice.errors import ErrorCode
from sluice.events import ContextMessage, Exchange, Hop, PromptReady, Refusal, RequestEnriched, Sampling
from sluice.ids import derived_event_id
from sluice.own_context import SEALED_AS, read_own_context
from sluice.safe_text import SafeText, Sealed

Find = Callable[[str, tuple[PersonalType, ...]], list[Span]]
Open = Callable[[Sealed, str, str], str]
"""Sealed text, subject and the field it was sealed as, to text. Raises where it cannot be opened."""
Seal = Callable[[str, str], Sealed]
"""Map of placeholders as JSON and subject to sealed bytes."""

TEXT = "ChatRequested.text"
"""The field as it is sealed."""
MOST_BYTES = 800_000
"""Of texts and map in one prompt, so that no record outgrows the log's limit of 1 MB. History has its own bound."""

_PLACEHOLDER = re.compile(rf"\[({'|'.join(PERSONAL_TYPES)})_(\d{{1,6}})\]")


@dataclass(frozen=True, slots=True)
class Policy:
    """Which types one bot's messages are cleared of."""

    name: str
    types: tuple[PersonalType, ...]


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
    """Texts that belong together: the same value gets the same placeholder in all of them.

    Numbers go on after those in `taken` texts.
    """

    def __init__(self, policy: Policy, taken: Iterable[str] = (), find_spans: Find = find) -> None:
        self._policy, self._find = policy, find_spans
        self._highest = _highest(taken)
        self._by_value: dict[tuple[PersonalType, str], str] = {}
        self.spans: list[Span] = []

    @property
    def values(self) -> dict[str, str]:
        """What the placeholders given so far stand for."""
        return {placeholder: value for (_, value), placeholder in self._by_value.items()}

    def redact(self, text: str) -> SafeText:
        """One of the texts."""
        spans = self._find(text, self._policy.types)
        pieces, position = [], 0
        for span in spans:
            pieces += [text[position : span.start], self._placeholder(span.type, text[span.start : span.end])]
            position = span.end
        pieces.append(text[position:])
        self.spans += spans
        return SafeText("".join(pieces))

    def _placeholder(self, kind: PersonalType, value: str) -> str:
        if (kind, value) not in self._by_value:
            self._highest[kind] += 1
            self._by_value[kind, value] = f"[{kind}_{self._highest[kind]}]"
        return self._by_value[kind, value]


def redact_text(text: str, policy: Policy, taken: Iterable[str] = (), find_spans: Find = find) -> Redacted:
    """One text by itself."""
    redactor = Redactor(policy, taken, find_spans)
    return Redacted(redactor.redact(text), redactor.values, tuple(redactor.spans))


def _highest(texts: Iterable[str]) -> Counter[str]:
    highest: Counter[str] = Counter()
    for text in texts:
        for match in _PLACEHOLDER.finditer(text):
            highest[match[1]] = max(highest[match[1]], int(match[2]))
    return highest


NO_TEXT = SafeText("")


@dataclass(frozen=True, slots=True)
class _Cleared:
    """What goes on of a request."""

    question: SafeText = NO_TEXT
    context: tuple[ContextMessage, ...] | None = None
    sampling: Sampling | None = None
    placeholders: Sealed | None = None
    types: dict[str, int] = field(default_factory=dict)


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
    find_spans: Find = find,
    most_bytes: int = MOST_BYTES,
) -> PromptReady:
    """The prompt; with a refusal and without text where the turn was refused before or redaction failed."""
    refusal, cleared = enriched.refusal, _Cleared()
    if refusal is None:
        try:
            redactor = Redactor(policies[enriched.redaction_policy], _said(enriched.history), find_spans)
            cleared = _clear(enriched, redactor, open_text, seal_map, most_bytes)
        except _TooLarge:
            refusal = Refusal(code=ErrorCode.MESSAGES_TOO_LARGE.value, stage="redact", retryable=False)
        except Exception:  # noqa: BLE001 (whatever fails here, the text must not go on; the cause may quote it)
            refusal = Refusal(code=ErrorCode.REDACTION_FAILED.value, stage="redact", retryable=True)
    left_at = clock()
    return PromptReady(
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
    values = json.dumps(redactor.values, ensure_ascii=False) if redactor.values else ""
    texts = (question, values, *(message.content for message in context or ()))
    if sum(len(text.encode()) for text in texts) > most_bytes:
        raise _TooLarge
    placeholders = seal_map(values, enriched.user_id) if values else None
    types: dict[str, int] = dict(Counter(span.type for span in redactor.spans))
    return _Cleared(question, context, sampling, placeholders, types)


def _said(history: Iterable[Exchange]) -> list[str]:
    return [text for exchange in history for text in (exchange.question, exchange.answer)]
