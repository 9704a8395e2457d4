"""Every version that was ever released, by its example: newest readers read it, and its readers read the newest."""

import io
import json
from typing import Any

import fastavro
import pytest

from sluice.codec import Codec
from sluice.contracts import BACKWARD, FORWARD, Version, digest_of, example_name, label
from sluice.events import EVENT_TYPES
from sluice.paths import data_folder
from sluice.schema_digests import digests
from sluice.schema_ids import LockFileIds, released
from sluice.topics import catalogue

AVRO = data_folder("avro")
LOCK = AVRO / "schema-ids.lock.json"
CODEC = Codec(LockFileIds(LOCK))
VERSIONS = released(LOCK)
NEWEST = {version.event: version for version in VERSIONS}
MODES = {event: topic.compatibility for topic in catalogue().values() for event in topic.events}


def example(version: Version) -> Any:
    """From Avro's JSON encoding."""
    text = (AVRO / "examples" / example_name(version)).read_text()
    return next(fastavro.json_reader(io.StringIO(json.dumps(json.loads(text))), fastavro.parse_schema(version.schema)))


def written(version: Version) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(version.schema), example(version))
    return buffer.getvalue()


def ids(version: Version) -> str:
    return example_name(version)


@pytest.mark.parametrize("version", [one for one in VERSIONS if MODES[one.event] in BACKWARD], ids=ids)
def test_the_newest_reader_reads_it(version: Version):
    event = CODEC.decode(b"\0" + version.id.to_bytes(4, "big") + written(version))
    assert type(event) is EVENT_TYPES[version.event]
    told = example(version)
    assert (event.event_id, event.occurred_at) == (told["event_id"], told["occurred_at"])


@pytest.mark.parametrize("version", [one for one in VERSIONS if MODES[one.event] in FORWARD], ids=ids)
def test_its_readers_read_the_newest(version: Version):
    newest = NEWEST[version.event]
    schemas = fastavro.parse_schema(newest.schema), fastavro.parse_schema(version.schema)
    read: Any = fastavro.schemaless_reader(io.BytesIO(written(newest)), *schemas)
    told = example(newest)
    own = [field["name"] for field in version.schema["fields"]]
    assert {name: read[name] for name in own if not isinstance(told[name], list)} == {
        name: told[name] for name in own if not isinstance(told[name], list)
    }


def test_every_version_is_what_was_released():
    written = digests(AVRO / "schema-digests.lock.json")
    assert [*written.items()] == [(label(version), digest_of(version)) for version in VERSIONS]


def test_every_old_version_has_golden_bytes():
    golden = {path.stem for path in (data_folder("tests") / "golden" / "old").glob("*.hex")}
    old = {f"{version.id}-{version.event}" for version in VERSIONS if version is not NEWEST[version.event]}
    assert golden == old
