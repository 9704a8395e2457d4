"""What every detector is handed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from agents.personal.clues import Clues
from agents.personal.national_ids import NATIONAL_IDS
from agents.personal.policy import Region
from agents.personal.rows import Stretch, stretches
from agents.personal.spans import PersonalType, Span

_DIGITS = range(6, 21)
_SHAPES = frozenset((*NATIONAL_IDS, *("9" * digits for digits in _DIGITS)))
_PROOFS_AT_LEAST, _CHARACTERS_A_PROOF = 30, 200


@dataclass(slots=True)
class Reading:
    """One normalised text. Offsets of spans are those of `text` here."""

    text: str
    regions: tuple[Region, ...]
    clues: Clues = field(init=False)
    _lower: str = field(init=False)
    _stretches: dict[str, list[Stretch]] = field(init=False)
    _proofs_left: int = field(init=False)

    def __post_init__(self) -> None:
        """Both are linear in the text."""
        self.clues = Clues(self.text)
        self._lower = self.text.lower()
        self._stretches = stretches(self.text, _SHAPES)
        self._proofs_left = _PROOFS_AT_LEAST + len(self.text) // _CHARACTERS_A_PROOF

    def stretches(self, shape: str) -> list[Stretch]:
        """What could be one number, of this shape: that of a national number, or 6 to 20 digits."""
        return self._stretches.get(shape, [])

    def has(self, *parts: str) -> bool:
        """One of them, in small letters, is somewhere: asking is far cheaper than a pattern that needs one."""
        return any(part in self._lower for part in parts)

    def may_prove(self) -> bool:
        """Whether one more costly proof may be tried. Where it may not, a candidate is taken for what it looks like:
        a hostile text cannot buy time, and cannot hide anything either.
        """
        self._proofs_left -= 1
        return self._proofs_left >= 0


Detector = Callable[[Reading], Iterator[Span]]


@dataclass(frozen=True, slots=True)
class Source:
    """A detector with what it can find, so that a policy without these types does not pay for it."""

    detect: Detector
    types: frozenset[PersonalType]
