"""Names and places that are known as such. Where the lists come from: `lists/SOURCES.md`."""

import gzip
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agents.personal.named.vocabulary import NO_NAMES, PARTICLES, SUFFIXES, TITLES
from sluice.errors import ConfigurationError

FOLDER = Path(__file__).parent / "lists"
_APART = str.maketrans(
    {
        "ß": "ss",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "æ": "ae",
        "œ": "oe",
        "\u0131": "i",
        "þ": "th",
        "ð": "d",
        "-": " ",
        "'": "",
    }
)


def fold(word: str) -> str:
    """Without case, accents, hyphens and apostrophes."""
    lower = word.lower()
    if lower.isascii():
        return lower.replace("-", " ").replace("'", "")
    apart = unicodedata.normalize("NFKD", lower.translate(_APART))
    return "".join(character for character in apart if not unicodedata.combining(character))


@dataclass(frozen=True, slots=True)
class Listed:
    """Folded. What maps to True is well known: a name in most countries' registers, a place of more than 100,000."""

    given: dict[str, bool]
    surnames: dict[str, bool]
    places: dict[str, bool]
    longest_places: dict[str, int]
    """First word to the most words of a place that begins with it."""
    words: frozenset[str]
    """Common English ones."""
    functions: dict[str, bool]
    """Small words of sentences in many languages; True: of English ones."""


@cache
def load_listed(folder: Path = FOLDER) -> Listed:
    """Raises ConfigurationError where a list is missing."""
    places = _ranked(folder / "places.txt.gz")
    longest: dict[str, int] = {}
    for place in places:
        parts = place.split()
        longest[parts[0]] = max(longest.get(parts[0], 1), len(parts))
    return Listed(
        _ranked(folder / "given.txt.gz"),
        _ranked(folder / "surnames.txt.gz"),
        places,
        longest,
        *_load_words(folder),
    )


@cache
def load_ordinary() -> frozenset[str]:
    """English words, small words of many languages, and what is never a name, alone: some 10 ms, once."""
    words, functions = _load_words(FOLDER)
    return words | functions.keys() | NO_NAMES | TITLES | SUFFIXES | PARTICLES


@cache
def _load_words(folder: Path) -> tuple[frozenset[str], dict[str, bool]]:
    return frozenset(_lines(folder / "words.txt.gz")), _ranked(folder / "functions.txt.gz")


def _ranked(file: Path) -> dict[str, bool]:
    return {line.rstrip("*"): line.endswith("*") for line in _lines(file)}


def _lines(file: Path) -> list[str]:
    try:
        return gzip.decompress(file.read_bytes()).decode().splitlines()
    except (OSError, EOFError) as error:
        raise ConfigurationError(
            f"The list {file.name} of known names cannot be read ({type(error).__name__}): "
            "install Sluice again, nothing is searched for names without it."
        ) from None
