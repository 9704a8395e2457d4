"""Replace personal data by placeholders. The only maker of `SafeText`. Fails closed: no text where anything fails."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from agents.patterns import PERSONAL_TYPES, PersonalType, Span, find
from sluice.errors import ErrorCode
from sluice.events import Exchange, Hop, PromptReady, Refusal, RequestEnriched
from sluice.ids import derived_event_id
from sluice.safe_text import SafeText, Sealed

Find = Callable[[str, tuple[PersonalType, ...]], list[Span]]
Open = Callable[[Sealed, str], str]
"""Sealed text and subject to text. Raises where it cannot be opened."""
Seal = Callable[[str, str], Sealed]
"""Map of placeholders as JSON and subject to sealed bytes."""

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


def redact_text(text: str, policy: Policy, taken: Iterable[str] = (), find_spans: Find = find) -> Redacted:
    """The same value gets the same placeholder within the text; numbers go on after those in `taken` texts."""
    highest = _highest(taken)
    by_value: dict[tuple[PersonalType, str], str] = {}
    spans = find_spans(text, policy.types)
    pieces, position = [], 0
    for span in spans:
        value = text[span.start : span.end]
        if (span.type, value) not in by_value:
            highest[span.type] += 1
            by_value[span.type, value] = f"[{span.type}_{highest[span.type]}]"
        pieces += [text[position : span.start], by_value[span.type, value]]
        position = span.end
    pieces.append(text[position:])
    values = {placeholder: value for (_, value), placeholder in by_value.items()}
    return Redacted(SafeText("".join(pieces)), values, tuple(spans))


def _highest(texts: Iterable[str]) -> Counter[str]:
    highest: Counter[str] = Counter()
    for text in texts:
        for match in _PLACEHOLDER.finditer(text):
            highest[match[1]] = max(highest[match[1]], int(match[2]))
    return highest


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
) -> PromptReady:
    """The prompt; with a refusal and without text where the turn was refused before or redaction failed."""
    refusal = enriched.refusal
    redacted = Redacted(SafeText(""), {}, ())
    placeholders: Sealed | None = None
    if refusal is None:
        try:
            if enriched.text is None:
                raise ValueError("neither text nor refusal")
            text = open_text(enriched.text, enriched.user_id)
            redacted = redact_text(text, policies[enriched.redaction_policy], _said(enriched.history), find_spans)
            if redacted.values:
                placeholders = seal_map(json.dumps(redacted.values, ensure_ascii=False), enriched.user_id)
        except Exception:  # noqa: BLE001 (whatever fails here, the text must not go on; the cause may quote it)
            refusal = Refusal(code=ErrorCode.REDACTION_FAILED.value, stage="redact", retryable=True)
            redacted, placeholders = Redacted(SafeText(""), {}, ()), None
    left_at = clock()
    return PromptReady(
        event_id=derived_event_id(enriched.turn_id, "prompt"),
        occurred_at=left_at,
        traceparent=enriched.traceparent,
        turn_id=enriched.turn_id,
        session_id=enriched.session_id,
        user_id=enriched.user_id,
        bot=enriched.bot,
        question=redacted.text,
        history=() if refusal else enriched.history,
        history_incomplete=enriched.history_incomplete,
        template_id=enriched.template_id,
        template_hash=enriched.template_hash,
        deadline_at=enriched.deadline_at,
        placeholders=placeholders,
        redacted_types=redacted.counts,
        refusal=refusal,
        hops=(*enriched.hops, Hop(stage="redact", entered_at=entered_at, left_at=left_at)),
        repeated=repeated or enriched.repeated,
    )


def _said(history: Iterable[Exchange]) -> list[str]:
    return [text for exchange in history for text in (exchange.question, exchange.answer)]
