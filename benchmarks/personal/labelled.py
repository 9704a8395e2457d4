"""A sentence whose personal data is known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agents.personal.spans import PersonalType, Span


@dataclass(frozen=True, slots=True)
class Label:
    """Half-open, in code points. `POSTCODE` may be found, but need not be."""

    start: int
    end: int
    type: PersonalType | str


@dataclass(frozen=True, slots=True)
class Labelled:
    """One sentence, its labels in order, and what kind of writing it is."""

    text: str
    labels: tuple[Label, ...]
    register: str


def joined(pieces: Iterable[str | tuple[str, str]], register: str) -> Labelled:
    """From pieces: text, or text with its type."""
    text, labels = "", []
    for piece in pieces:
        value, kind = piece if isinstance(piece, tuple) else (piece, None)
        if kind is not None:
            labels.append(Label(len(text), len(text) + len(value), kind))
        text += value
    return Labelled(text, tuple(labels), register)


def covered(sentence: Labelled, label: Label, spans: Sequence[Span]) -> bool:
    """Every letter and digit of the label is inside some span."""
    return all(
        any(span.start <= at < span.end for span in spans)
        for at in range(label.start, label.end)
        if sentence.text[at].isalnum()
    )
