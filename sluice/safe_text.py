"""Text that may leave the gate, told apart by its type. At run time it is a plain string.

mypy refuses a string where such text is asked for, and refuses to make it of one: `SafeText("...")` does not check.
The makers below are the only ways; tests/contract/test_safe_text.py lets only the modules named there call the first
three, and looks for the ways that mypy does not see.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NewType, cast

Sealed = NewType("Sealed", bytes)
"""Personal text under its subject's key: see `sluice.sealing` for the layout."""

if TYPE_CHECKING:
    from typing import Never, Self

    class SafeText(str):
        """Text without personal data."""

        __slots__ = ()

        def __new__(cls, _made_by_the_functions_of_this_module_only: Never) -> Self:
            """Nobody can call this."""

else:
    SafeText = NewType("SafeText", str)

EMPTY = cast(SafeText, "")


def cleared(text: str) -> SafeText:
    """What went through redaction: for `agents.redact` and `agents.answers`."""
    return cast(SafeText, text)


def own_words(text: str) -> SafeText:
    """What this platform or its operator wrote: constants, templates, prepared texts."""
    return cast(SafeText, text)


def read_back(text: str) -> SafeText:
    """What was read from a topic that holds only such text."""
    return cast(SafeText, text)


def join(pieces: Iterable[SafeText]) -> SafeText:
    """Of safe pieces."""
    return cast(SafeText, "".join(pieces))


def part(text: SafeText, start: int = 0, end: int | None = None) -> SafeText:
    """Of a safe text."""
    return cast(SafeText, text[start:end])
