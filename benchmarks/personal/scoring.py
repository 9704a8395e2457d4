"""How much of what is personal was found, and how much of what was found is personal."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from agents.personal.spans import Span
from benchmarks.personal.labelled import Label, Labelled, covered


@dataclass(slots=True)
class Score:
    """Of one set of sentences."""

    labels: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    right_characters: int = 0
    taken_characters: int = 0
    missed: list[tuple[Labelled, Label]] = field(default_factory=list)
    wrong: list[tuple[Labelled, Span]] = field(default_factory=list)

    def recall(self, *kinds: str) -> float:
        """Full cover: a label counts when every letter and digit of it is in some span, of whatever type."""
        return sum(self.found[kind] for kind in kinds) / max(1, sum(self.labels[kind] for kind in kinds))

    @property
    def precision(self) -> float:
        """Letters and digits in spans that are in labels, too."""
        return self.right_characters / max(1, self.taken_characters)


def score(sentences: Iterable[Labelled], find: Callable[[str], list[Span]]) -> Score:
    """Run the detectors over all of them."""
    total = Score()
    for sentence in sentences:
        spans = find(sentence.text)
        personal = {at for label in sentence.labels for at in range(label.start, label.end)}
        for span in spans:
            taken = [at for at in range(span.start, span.end) if sentence.text[at].isalnum()]
            right = sum(at in personal for at in taken)
            total.taken_characters += len(taken)
            total.right_characters += right
            if right < len(taken):
                total.wrong.append((sentence, span))
        for label in sentence.labels:
            total.labels[label.type] += 1
            if covered(sentence, label, spans):
                total.found[label.type] += 1
            else:
                total.missed.append((sentence, label))
    return total
