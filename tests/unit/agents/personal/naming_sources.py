"""All detectors, with a model that knows what a test tells it."""

from agents.personal.finding import find, load_sources
from agents.personal.named.doubts import Entity
from tests.unit.agents.personal.everything import EVERYTHING


class Model:
    """Words to labels; `asked` is what it was shown."""

    def __init__(self, **labels: str) -> None:
        self._labels = labels
        self.asked: list[str] = []

    def __call__(self, words, spaces) -> list[Entity]:
        self.asked.append(" ".join(words))
        assert len(words) == len(spaces)
        return [(at, at + 1, self._labels[word]) for at, word in enumerate(words) if word in self._labels]


def named(text: str, model: Model | None = None) -> list[tuple[str, str]]:
    """What is found, without what has a form of its own."""
    spans = find(text, EVERYTHING, load_sources(model or Model()))
    return [(span.type, text[span.start : span.end]) for span in spans if span.type in {"PERSON", "PLACE", "ORG"}]


def addresses(text: str) -> list[str]:
    spans = find(text, EVERYTHING, load_sources(Model()))
    return [text[span.start : span.end] for span in spans if span.type == "ADDRESS"]
