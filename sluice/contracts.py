"""The topics' contract: what may change in a schema, and what has to come with a new version.

Pure: `sluice schemas check` reads the files of `avro/` and says what is found.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
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
    digests: Mapping[str, str]
    """What each version was when it was released, by label."""
    unlisted: frozenset[str] = frozenset()
    """Names of schema files that are of no event."""


def label(version: Version) -> str:
    """As in `14-StageTimed`."""
    return f"{version.id}-{version.event}"


def example_name(version: Version) -> str:
    """Of the file that shows a version."""
    return f"{label(version)}.json"


def digest_of(version: Version) -> str:
    """SHA-256 of the canonical schema, in hexadecimal."""
    return hashlib.sha256(canonical(version.schema).encode()).hexdigest()


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
    """By event, what breaks somebody."""
    found = {}
    for event, schema in contract.schemas.items():
        own = [one for one in contract.released if one.event == event]
        found[event] = [*breaks(event, schema, own, contract.modes[event])] or [*gone(event, schema, own)]
    for event in {one.event for one in contract.released} - contract.schemas.keys():
        found[event] = [f"{event} was released and has no schema any more. Restore it: what was written stays in use."]
    return {event: sentences for event, sentences in found.items() if sentences}


def gone(event: str, schema: Schema, older: Sequence[Version]) -> Iterator[str]:
    """Fields that were released and are no more, though Avro would let them go: tables have them as columns."""
    kept = {name for one in schema["fields"] for name in (one["name"], *one.get("aliases", ()))}
    last = {one["name"]: version.id for version in older for one in version.schema["fields"]}
    for name in sorted(last.keys() - kept):
        yield f"{event}: the field {name} of version {last[name]} is gone. Keep it with a default, or make a new event."


def rewritten(contract: Contract) -> Iterator[str]:
    """Released versions that are not any more what they were. What was written with them is still in the log."""
    for version in contract.released:
        if contract.digests.get(label(version), digest_of(version)) != digest_of(version):
            yield (
                f"{version.event}: version {version.id} is not what was released. Restore it in "
                "avro/schema-ids.lock.json from version control; the change is a new version."
            )
    for name in contract.digests.keys() - {label(version) for version in contract.released}:
        yield f"{name} was released and is not in avro/schema-ids.lock.json. Restore it from version control."


def findings(contract: Contract) -> Iterator[str]:
    """Everything wrong, as sentences."""
    lines = {(int(match["id"]), match["event"]) for match in _LINE.finditer(contract.changelog)}
    broken = all_breaks(contract)
    changed = sorted(rewritten(contract))
    yield from changed
    yield from chain.from_iterable(broken.values())
    advice = "Mend what breaks first." if broken or changed else "Run `sluice schemas lock`."
    for event, schema in contract.schemas.items():
        own = [version for version in contract.released if version.event == event]
        if event not in broken and not any(canonical(version.schema) == canonical(schema) for version in own):
            yield f"{event}: its schema is no released version. {advice}"
    for version in contract.released:
        if label(version) not in contract.digests:
            told = f"{version.event}: version {version.id} has no digest in avro/schema-digests.lock.json."
            yield f"{told} {advice}"
        if example_name(version) not in contract.examples:
            yield f"{version.event}: version {version.id} has no example: avro/examples/{example_name(version)}."
        if (version.id, version.event) not in lines:
            yield (
                f"{version.event}: version {version.id} has no line in avro/CHANGELOG.md: "
                f"`- {version.id} {version.event}: what changed`."
            )
    strangers = contract.examples - {example_name(version) for version in contract.released}
    yield from (f"avro/examples/{name} is of no released version." for name in sorted(strangers))
    for name in sorted(contract.unlisted):
        yield f"avro/schemas/{name} is of no event. Add the event to sluice/events.py and a topic, or remove the file."
