"""Landed files that a command reads, and those that it leaves out because nobody can read them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import duckdb

from connectors.landed_files import ZoneFile, broken, look
from connectors.landing_zone import LandingZone
from sluice.errors import ConfigurationError
from sluice.topics import Topic

LeftOut = Callable[[str, str], object]
"""Hears of a file, by its path below the zone, and why."""
Paths = Mapping[str, Sequence[str]]
"""By topic, as DuckDB reads them."""
_Answer = TypeVar("_Answer")


def ask_landed(zone: LandingZone, topics: Sequence[Topic], ask: Callable[[Paths], _Answer], tell: LeftOut) -> _Answer:
    """The answer over what can be read. To be called while nobody rewrites the zone.

    That a file is damaged inside only shows when it is read, so `ask` may be called twice. Raises ConfigurationError
    where it fails with files that are all good.
    """
    files = [*look(zone, topics, {})]
    problems = {file.path: file.problem for file in files if file.problem is not None}
    fit = [file for file in files if file.problem is None]
    try:
        answer = ask(_paths(zone, fit))
    except duckdb.Error as error:
        damaged = broken(zone, fit)
        if not damaged:
            raise ConfigurationError(f"{zone.root} cannot be read: {str(error).splitlines()[0]}") from None
        problems |= damaged
        answer = ask(_paths(zone, [file for file in fit if file.path not in damaged]))
    for path, problem in sorted(problems.items()):
        tell(path, problem)
    return answer


def listed(paths: Iterable[str]) -> str:
    """As SQL."""
    return "[" + ", ".join("'" + path.replace("'", "''") + "'" for path in paths) + "]"


def _paths(zone: LandingZone, files: Iterable[ZoneFile]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for file in files:
        found.setdefault(file.topic, []).append(str(zone.root / file.path))
    return found
