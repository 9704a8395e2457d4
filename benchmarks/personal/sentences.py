"""Sentences from templates: the same ones for the same seed, on every machine."""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from benchmarks.personal.development import DevelopmentValues
from benchmarks.personal.labelled import Labelled, joined
from benchmarks.personal.values import Values

Split = Literal["dev", "measured"]
_FOLDER = Path(__file__).parent / "templates"
_SLOT = re.compile(r"\{(\w+)(~?)\}")
_LOCALES: dict[Split, tuple[str, ...]] = {
    "dev": (
        *("en_US", "en_US", "en_US", "en_GB", "en_GB", "en_AU", "en_CA", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL"),
        *("pl_PL", "pt_BR", "sv_SE", "da_DK", "no_NO", "fi_FI", "cs_CZ", "tr_TR", "hu_HU", "hr_HR"),
    ),
    "measured": (
        *("en_US", "en_US", "en_US", "en_US", "en_GB", "en_GB", "en_CA", "en_AU", "en_IN", "en_IE", "de_DE", "fr_FR"),
        *("es_ES", "es_MX", "it_IT", "nl_NL", "pl_PL", "pt_BR", "sv_SE", "da_DK", "no_NO", "fi_FI", "cs_CZ", "ro_RO"),
    ),
}
"""What `*` stands for: English sentences with names from everywhere."""
_SEEDS: dict[Split, int] = {"dev": 11, "measured": 4711}


def sentences(split: Split, rounds: int) -> list[Labelled]:
    """Each template so many times, each time with a locale and values of its own."""
    seed = _SEEDS[split]
    chance = random.Random(seed)
    values: dict[str, Values] = {}
    made = []
    for _ in range(rounds):
        for register, locales, template in _templates(split):
            locale = chance.choice(locales)
            if locale not in values:
                values[locale] = (DevelopmentValues if split == "dev" else Values)(locale, seed)
            made.append(_rendered(template, values[locale], register))
    return made


def _templates(split: Split) -> Iterator[tuple[str, tuple[str, ...], str]]:
    register, locales = "", _LOCALES[split]
    for line in (_FOLDER / f"{split}.txt").read_text().splitlines():
        if line.startswith("## "):
            register, *named = line[3:].split()
            locales = _LOCALES[split] if named == ["*"] else tuple(name.lstrip("*") for name in named)
        elif line and not line.startswith("# "):
            yield register, locales, line.replace("\\n", "\n").replace("\\t", "\t")


def _rendered(template: str, values: Values, register: str) -> Labelled:
    pieces: list[str | tuple[str, str]] = []
    position = 0
    for slot in _SLOT.finditer(template):
        pieces.append(template[position : slot.start()])
        value, kind = values.of(slot[1])
        value = value.lower() if slot[2] else value
        pieces.append((value, kind) if kind else value)
        position = slot.end()
    return joined([*pieces, template[position:]], register)
