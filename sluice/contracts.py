"""The topics' contract: what may change in a schema, and what has to come with a new version.

Pure: `sluice schemas check` reads the files of `avro/` and says what is found.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sluice.schema_resolution import Misfit, Sides, misfits
from sluice.schemas import Schema, canonical

Compatibility = Literal["backward_transitive", "forward_transitive", "full_transitive"]
"""Confluent's names. Backward: the newest schema reads what all older ones wrote; forward: the other way round."""
BACKWARD: frozenset[Compatibility] = frozenset({"backward_transitive", "full_transitive"})
FORWARD: frozenset[Compatibility] = frozenset({"forward_transitive", "full_transitive"})
_LINE = re.compile(r"^- (?P<id>\d+) (?P<event>\w+): \S", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Version:
    """One released schema."""

    id: int
    event: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Contract:
    """All there is: today's schemas, what was released, how they may change, and what each version comes with."""

    schemas: Mapping[str, Schema]
    released: Sequence[Version]
    modes: Mapping[str, Compatibility]
    examples: frozenset[str]
    """Names of the files of examples, `<id>-<Event>.json`."""
    changelog: str


def example_name(version: Version) -> str:
    """Of the file that shows a version."""
    return f"{version.id}-{version.event}.json"


def breaks(event: str, schema: Schema, older: Sequence[Version], mode: Compatibility) -> Iterator[str]:
    """What somebody who reads or writes this event could not do any more."""
    new = "the new schema"
    for version in older:
        old = f"version {version.id}"
        if mode in BACKWARD:
            for misfit in misfits(version.schema, schema, Sides(writer=old, reader=new)):
                yield _told(event, f"version {version.id} could not be read any more", misfit)
        if mode in FORWARD:
            for misfit in misfits(schema, version.schema, Sides(writer=new, reader=old)):
                yield _told(event, f"readers of version {version.id} could not read it", misfit)


def _told(event: str, consequence: str, misfit: Misfit) -> str:
    advice = "Add fields with a default, keep the others and their symbols as they are, or make a new event."
    return f"{event}: {consequence}: {misfit}. {advice}"


def all_breaks(contract: Contract) -> dict[str, list[str]]:
    """By event, those of them that break somebody."""
    found = {
        event: [*breaks(event, schema, [one for one in contract.released if one.event == event], contract.modes[event])]
        for event, schema in contract.schemas.items()
    }
    return {event: sentences for event, sentences in found.items() if sentences}


def findings(contract: Contract) -> Iterator[str]:
    """Everything wrong, as sentences."""
    lines = {(int(match["id"]), match["event"]) for match in _LINE.finditer(contract.changelog)}
    broken = all_breaks(contract)
    for event, schema in contract.schemas.items():
        own = [version for version in contract.released if version.event == event]
        if event in broken:
            yield from broken[event]
        elif not any(canonical(version.schema) == canonical(schema) for version in own):
            advice = "It can be one once nothing breaks." if broken else "Run `sluice schemas lock`."
            yield f"{event}: its schema is no released version. {advice}"
    for version in contract.released:
        if example_name(version) not in contract.examples:
            yield f"{version.event}: version {version.id} has no example: avro/examples/{example_name(version)}."
        if (version.id, version.event) not in lines:
            yield (
                f"{version.event}: version {version.id} has no line in avro/CHANGELOG.md: "
                f"`- {version.id} {version.event}: what changed`."
            )
    strangers = contract.examples - {example_name(version) for version in contract.released}
    yield from (f"avro/examples/{name} is of no released version." for name in sorted(strangers))
