"""Whatever is kept and not classified is found, and named with what it lacks."""

import copy
from typing import Any

import pytest

from local.compliance.classes import Field, fields_of
from local.compliance.gaps import column_gaps, field_gaps, store_gaps, topic_contradictions, undescribed
from local.compliance.models import models_of

CLASSES: dict[str, Any] = {
    "owners": ["gateway", "data"],
    "stores": {"clean": "", "sealed": ""},
    "classes": {"sealed": "", "pseudonym": "", "technical": ""},
    "fields": {"pseudonym": ["user_id"], "technical": ["seq"]},
}
TOPICS: dict[str, Any] = {
    "topics": {"t": {"events": ["E"], "retention_hours": 1, "pii": "clean", "owner": "gateway", "purpose": "p"}},
    "dead_letters": {"pii": "sealed", "retention_hours": 1, "purpose": "p"},
    "changelogs": {"c": {"pii": "clean", "owner": "gateway", "purpose": "p", "goes_with": "s"}},
    "stores": {
        "s": {
            "holds": "h",
            "where": ["w"],
            "classification": "clean",
            "owner": "data",
            "purpose": "p",
            "keep_days": 1,
        },
        "w": {
            "holds": "h",
            "where": ["w"],
            "classification": "clean",
            "owner": "data",
            "purpose": "p",
            "keep_days": None,
            "goes_with": "s",
        },
    },
    "recipients": {
        "r": {"gets": "g", "who": "w", "classification": "clean", "owner": "data", "purpose": "p", "kept": "k"}
    },
}
MODELS: dict[str, Any] = {
    "models": [
        {
            "name": "m",
            "description": "d",
            "config": {"meta": {"owner": "data"}},
            "columns": [{"name": "c", "description": "d", "config": {"meta": {"classification": "technical"}}}],
        }
    ]
}


def broken(document: dict[str, Any], path: str, value: object = None) -> dict[str, Any]:
    """Another document, without the entry or with another value."""
    changed = copy.deepcopy(document)
    *way, last = path.split("/")
    place: Any = changed
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return changed


def test_what_is_whole_has_no_gap():
    assert list(store_gaps(TOPICS, CLASSES)) == []
    assert list(column_gaps(models_of([MODELS]), {"m"}, CLASSES)) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("topics/t/pii", None, "topic t: no classification"),
        ("topics/t/pii", "clear", "topic t: no classification that is known (clear)"),
        ("topics/t/owner", None, "topic t: no owner"),
        ("topics/t/owner", "nobody", "topic t: no owner that is known (nobody)"),
        ("topics/t/retention_hours", None, "topic t: no retention"),
        ("topics/t/retention_hours", 0, "topic t: no retention"),
        ("topics/t/purpose", None, "topic t: no purpose"),
        ("dead_letters/pii", None, "topic *-dlq: no classification"),
        ("dead_letters/retention_hours", None, "topic *-dlq: no retention"),
        ("changelogs/c/owner", None, "changelog c: no owner"),
        ("changelogs/c/goes_with", None, "changelog c: no retention"),
        ("changelogs/c/goes_with", "x", "changelog c: goes with x, which is no store"),
        ("stores/s/classification", None, "store s: no classification"),
        ("stores/s/keep_days", None, "store s: no retention"),
        ("stores/w/goes_with", None, "store w: no retention"),
        ("stores/s/where", None, "store s: no where"),
        ("stores/s/purpose", "", "store s: no purpose"),
        ("recipients/r/gets", None, "recipient r: no gets"),
        ("recipients/r/kept", None, "recipient r: no retention"),
    ],
)
def test_a_topic_or_store_that_lacks_something(path: str, value: object, said: str):
    assert list(map(str, store_gaps(broken(TOPICS, path, value), CLASSES))) == [said]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("models/0/columns/0/config", None, "column m.c: no classification"),
        (
            "models/0/columns/0/config",
            {"meta": {"classification": "x"}},
            "column m.c: no classification that is known (x)",
        ),
        (
            "models/0/columns/0/config",
            {"meta": {"classification": "sealed"}},
            "column m.c: is sealed, and nothing sealed is landed",
        ),
        (
            "models/0/columns/0/config",
            {"meta": {"classification": "technical", "owner": "x"}},
            "column m.c: no owner that is known (x)",
        ),
        ("models/0/columns/0/description", None, "column m.c: no description"),
        ("models/0/config", None, "model m: no owner"),
        ("models/0/config", {"meta": {"owner": "x"}}, "model m: no owner that is known (x)"),
        ("models/0/description", None, "model m: no description"),
        ("models/0/columns", None, "model m: no columns"),
    ],
)
def test_a_column_or_model_that_lacks_something(path: str, value: object, said: str):
    assert list(map(str, column_gaps(models_of([broken(MODELS, path, value)]), {"m"}, CLASSES))) == [said]


def test_a_model_that_no_file_describes():
    assert list(map(str, column_gaps(models_of([MODELS]), {"m", "n"}, CLASSES))) == ["model n: is not described"]


def test_a_warehouse_and_its_description_are_the_same():
    described = list(models_of([MODELS]))
    assert list(undescribed([("m", "c")], described)) == []
    assert list(map(str, undescribed([("m", "d")], described))) == [
        "column m.d: is built and not described",
        "column m.c: is described and not built",
    ]


USER, SEQ = Field("E.user_id", "user_id", False), Field("E.seq", "seq", False)


@pytest.mark.parametrize(
    ("fields", "names", "said"),
    [
        ([], {}, []),
        ([Field("E.text", "text", True)], {}, []),
        ([Field("E.a.text", "text", False)], {}, ["field E.a.text: no classification"]),
        ([], {"technical": ["seq", "gone"]}, ["field gone: is in the file and in no schema"]),
        ([], {"technical": ["seq", "user_id"]}, ["field user_id: is in the file twice"] * 2),
        ([], {"technical": [], "sealed": ["seq"]}, ["field seq: sealed is no class that a name can have"]),
        ([], {"technical": [], "harmless": ["seq"]}, ["field seq: harmless is no class that a name can have"]),
    ],
)
def test_a_field_that_nobody_classified(fields: list[Field], names: dict[str, list[str]], said: list[str]):
    classes = CLASSES | {"fields": CLASSES["fields"] | names}
    assert list(map(str, field_gaps([USER, SEQ, *fields], classes))) == said


@pytest.mark.parametrize(
    ("pii", "sealed", "said"),
    [
        ("clean", set(), []),
        ("sealed", {"E"}, []),
        ("clean", {"E"}, ["topic t: is clean, but sealed fields"]),
        ("sealed", set(), ["topic t: is sealed, without sealed fields"]),
    ],
)
def test_a_topic_that_is_called_what_it_is_not(pii: str, sealed: set[str], said: list[str]):
    assert list(map(str, topic_contradictions(broken(TOPICS, "topics/t/pii", pii), sealed))) == said


def test_fields_are_found_wherever_they_stand():
    inner = {"type": "record", "name": "Inner", "fields": [{"name": "deep", "type": "string"}]}
    schema = {
        "type": "record",
        "name": "E",
        "fields": [
            {"name": "plain", "type": {"type": "long", "logicalType": "timestamp-micros"}},
            {"name": "text", "type": ["null", "bytes"], "pii": "sealed"},
            {"name": "one", "type": ["null", inner]},
            {"name": "many", "type": {"type": "array", "items": "Inner"}},
            {"name": "named", "type": {"type": "map", "values": "Inner"}},
            {"name": "counts", "type": {"type": "map", "values": "int"}},
            {"name": "state", "type": {"type": "enum", "name": "S", "symbols": ["a"]}},
        ],
    }
    assert [(field.path, field.sealed) for field in fields_of(schema)] == [
        ("E.plain", False),
        ("E.text", True),
        ("E.one.deep", False),
        ("E.many.deep", False),
        ("E.named.deep", False),
        ("E.counts", False),
        ("E.state", False),
    ]
