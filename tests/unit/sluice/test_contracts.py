"""What a new version of a schema may be, and what it has to come with."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sluice import schemas
from sluice.cli import schemas as command
from sluice.cli.main import build
from sluice.contracts import BACKWARD, FORWARD, Compatibility, Contract, Version, digest_of, findings, label
from sluice.paths import data_folder
from tests.unit.sluice.resolution_table import enum, field, record

OLD = record(field("int"), field(enum("A", "B"), "e"), name="Said")
ADDED = record(*OLD["fields"], field("string", "new", default=""), name="Said")
REMOVED = record(field("int"), name="Said")
REWRITTEN = (
    "Said: version 1 is not what was released. Restore it in avro/schema-ids.lock.json from version control; "
    "the change is a new version."
)


def contract(schema: Any, *released: Any, mode: Compatibility = "full_transitive", **changes: Any) -> Contract:
    versions = [Version(number, "Said", one) for number, one in enumerate(released, 1)]
    whole: dict[str, Any] = {
        "schemas": {"Said": schema},
        "released": versions,
        "modes": {"Said": mode},
        "examples": frozenset(f"{one.id}-Said.json" for one in versions),
        "changelog": "".join(f"- {one.id} Said: something\n" for one in versions),
        "digests": {label(one): digest_of(one) for one in versions},
    }
    return Contract(**(whole | changes))


def test_what_is_released_as_it_is_needs_nothing():
    assert [*findings(contract(OLD, OLD))] == []
    assert [*findings(contract(ADDED, OLD, ADDED))] == []


def test_a_change_is_not_released_by_itself():
    assert [*findings(contract(ADDED, OLD))] == ["Said: its schema is no released version. Run `sluice schemas lock`."]


@pytest.mark.parametrize(
    ("mode", "consequences"),
    [
        ("backward_transitive", []),
        ("forward_transitive", ["readers of version 1 could not read it: e: e has no default in version 1"]),
        ("full_transitive", ["readers of version 1 could not read it: e: e has no default in version 1"]),
    ],
)
def test_who_breaks_depends_on_the_mode(mode: Compatibility, consequences: list[str]):
    found = [one for one in findings(contract(REMOVED, OLD, REMOVED, mode=mode)) if "could not" in one]
    assert len(found) == len(consequences)
    assert all(words in one for words, one in zip(consequences, found, strict=True))
    assert (mode in FORWARD) == bool(consequences)
    assert mode in BACKWARD | FORWARD


@pytest.mark.parametrize("mode", ["backward_transitive", "full_transitive"])
def test_a_released_field_stays_though_avro_would_let_it_go(mode: Compatibility):
    (told,) = findings(contract(OLD, ADDED, OLD, mode=mode))
    assert told.startswith("Said: the field new of version 1 is gone. Keep it with a default")
    renamed = record(*OLD["fields"], field("string", "newer", default="", aliases=["new"]), name="Said")
    assert [*findings(contract(renamed, ADDED, renamed, mode="backward_transitive"))] == []


def test_a_released_event_stays():
    (told,) = findings(contract(None, OLD, schemas={}))
    assert told.startswith("Said was released and has no schema any more.")


@pytest.mark.parametrize(
    ("schema", "consequence"),
    [
        (
            record(field("int"), field(enum("A", "B", "meh"), "e"), name="Said"),
            "readers of version 1 could not read it: e: meh is no symbol of version 1, which has no default for it",
        ),
        (
            record(field("int"), field(enum("A"), "e"), name="Said"),
            "version 1 could not be read any more: e: B is no symbol of the new schema, which has no default for it",
        ),
        (
            record(*OLD["fields"], field("int", "new"), name="Said"),
            "version 1 could not be read any more: new: new has no default in the new schema, and version 1 does not",
        ),
    ],
)
def test_a_sentence_says_which_schema_lacks_what(schema: Any, consequence: str):
    (found,) = findings(contract(schema, OLD))
    assert found.startswith(f"Said: {consequence}")
    assert ". Add fields with a default, " in found


def test_a_number_is_promised_only_where_nothing_breaks():
    schemas = {"Said": REMOVED, "Heard": record(name="Heard")}
    modes = dict.fromkeys(schemas, "full_transitive")
    found = [*findings(contract(None, OLD, schemas=schemas, modes=modes))]
    assert [one.partition(":")[0] for one in found] == ["Said", "Heard"]
    assert found[1] == "Heard: its schema is no released version. Mend what breaks first."


def test_every_released_version_counts_not_the_last_alone():
    long = record(field("long"), *OLD["fields"][1:], name="Said")
    [found] = [one for one in findings(contract(OLD, OLD, long, OLD)) if "version 2 could not be read" in one]
    assert "a: long is not read as int. Add fields with a default" in found


def test_a_version_comes_with_an_example_and_a_line():
    found = [*findings(contract(OLD, OLD, examples=frozenset({"7-Said.json"}), changelog="- 1 Said:\n"))]
    assert found == [
        "Said: version 1 has no example: avro/examples/1-Said.json.",
        "Said: version 1 has no line in avro/CHANGELOG.md: `- 1 Said: what changed`.",
        "avro/examples/7-Said.json is of no released version.",
    ]


def test_a_released_version_stays_what_it_was():
    more = record(field("int"), field(enum("A", "B", "meh"), "e"), name="Said")
    digests = {"1-Said": digest_of(Version(1, "Said", OLD)), "2-Said": "of one that was taken out"}
    schemas, modes = (
        {"Said": more, "Heard": record(name="Heard")},
        {"Said": "full_transitive", "Heard": "full_transitive"},
    )
    assert [*findings(contract(None, more, digests=digests, schemas=schemas, modes=modes))] == [
        "2-Said was released and is not in avro/schema-ids.lock.json. Restore it from version control.",
        REWRITTEN,
        "Heard: its schema is no released version. Mend what breaks first.",
    ]
    assert [*findings(contract(OLD, OLD, digests={}))] == [
        "Said: version 1 has no digest in avro/schema-digests.lock.json. Run `sluice schemas lock`."
    ]


# -- the command


@pytest.fixture
def avro(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the contracts, to spoil."""
    shutil.copytree(data_folder("avro"), tmp_path / "avro")
    for module in (schemas, command):
        monkeypatch.setattr(module, "data_folder", lambda name: tmp_path / name)
    schemas.schema_of.cache_clear()
    yield tmp_path / "avro"
    schemas.schema_of.cache_clear()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build(), ["schemas", *arguments])


def change(avro: Path, event: str, **changes: Any) -> None:
    path = avro / "schemas" / f"{event}.avsc"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def fields_of(avro: Path, event: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((avro / "schemas" / f"{event}.avsc").read_text())["fields"]
    return found


def test_the_contracts_as_they_are_are_kept(avro: Path):
    done = run("check")
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith("nothing breaks\n")
    assert run("lock").stdout == "nothing new\n"


def test_a_file_of_no_event_is_named(avro: Path):
    shutil.copy(avro / "schemas" / "StageTimed.avsc", avro / "schemas" / "TurnFoo.avsc")
    done = run("check")
    assert (done.exit_code, done.stderr.strip()) == (
        1,
        "avro/schemas/TurnFoo.avsc is of no event. Add the event to sluice/events.py and a topic, or remove the file.",
    )


def test_a_field_that_goes_is_refused_by_check_and_lock(avro: Path):
    kept = [one for one in fields_of(avro, "StageTimed") if one["name"] != "outcome"]
    change(avro, "StageTimed", fields=kept)
    before = (avro / "schema-ids.lock.json").read_bytes()
    for arguments in (["check"], ["lock"]):
        done = run(*arguments)
        assert done.exit_code == 1
        assert (
            "StageTimed: readers of version 14 could not read it: outcome: outcome has no default in version 14"
            in done.stderr
        )
        assert "is no released version" not in done.stderr
    assert (avro / "schema-ids.lock.json").read_bytes() == before


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        (lambda whole: whole[: len(whole) // 2], "JSONDecodeError: "),
        (lambda whole: whole.replace('"string"', '"strin"', 1), "UnknownType: sluice.v1.strin"),
        (lambda whole: whole.replace('"fields"', '"field"', 1), "KeyError: 'fields'"),
        (lambda whole: str(len(whole)), "TypeError: "),
        (lambda whole: whole.replace('"name"', '"nam"', 1), "SchemaParseException: "),
    ],
    ids=["cut off", "an unknown type", "without fields", "a number", "without a name"],
)
def test_a_file_that_is_no_schema_is_named(avro: Path, spoilt: Callable[[str], str], told: str):
    path = avro / "schemas" / "StageTimed.avsc"
    path.write_text(spoilt(path.read_text()))
    for arguments in (["check"], ["lock"]):
        done = run(*arguments)
        assert (done.exit_code, done.stdout) == (1, "")
        assert f"The schema {path} is no Avro record ({told}" in done.stderr
        assert done.stderr.endswith("Mend it, or restore it from version control.\n")


def test_a_new_version_is_led_through(avro: Path):
    more = {"name": "node", "type": "string", "default": "", "doc": "Where."}
    change(avro, "StageTimed", fields=[*fields_of(avro, "StageTimed"), more])
    assert "StageTimed: its schema is no released version" in run("check").stderr
    locked = run("lock").stdout
    assert locked.startswith("added: StageTimed\n")
    newest = json.loads((avro / "schema-ids.lock.json").read_text())["schemas"][-1]["id"]
    told = run("check").stderr
    assert f"StageTimed: version {newest} has no example" in told
    (avro / "examples" / f"{newest}-StageTimed.json").write_text("{}")
    (avro / "CHANGELOG.md").write_text((avro / "CHANGELOG.md").read_text() + f"- {newest} StageTimed: adds `node`\n")
    assert run("check").exit_code == 0
    assert list(json.loads((avro / "schema-digests.lock.json").read_text()))[-1] == f"{newest}-StageTimed"


def test_a_version_that_is_changed_in_place_is_refused_by_check_and_lock(avro: Path):
    ids = avro / "schema-ids.lock.json"
    for path in (ids, avro / "schemas" / "FeedbackGiven.avsc"):
        before = path.read_text()
        path.write_text(re.sub(r'("symbols":\s*\["?\s*"up")', r'\1, "meh"', before))
        assert path.read_text() != before
    before = ids.read_text()
    for arguments in (["check"], ["lock"]):
        done = run(*arguments)
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr.startswith("FeedbackGiven: version 12 is not what was released.")
    assert ids.read_text() == before


def test_a_digest_that_was_lost_is_written_again(avro: Path):
    path = avro / "schema-digests.lock.json"
    before = path.read_text()
    path.write_text(json.dumps({name: one for name, one in json.loads(before).items() if name != "14-StageTimed"}))
    assert "StageTimed: version 14 has no digest" in run("check").stderr
    assert run("lock").stdout == "digests added: 1\n"
    assert path.read_text() == before


def test_digests_that_cannot_be_read(avro: Path):
    (avro / "schema-digests.lock.json").write_text("[]7")
    done = run("check")
    assert done.exit_code == 1
    assert "schema-digests.lock.json cannot be read (JSONDecodeError)" in done.stderr
