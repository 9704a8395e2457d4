"""The rules of the specification, by a table; against the reference implementation; and on real bytes."""

import io
import json
import random

import avro.compatibility
import avro.schema
import fastavro
import pytest
from fastavro.utils import generate_one

from sluice.schema_resolution import misfits
from tests.unit.sluice.resolution_table import PAIRS, Pair, enum, field, record


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_rules(pair: Pair):
    found = misfits(pair.writer, pair.reader)
    if pair.why is None:
        assert found == []
    else:
        assert pair.why in "; ".join(map(str, found))


def test_the_table_is_long_enough():
    assert len(PAIRS) >= 60
    assert len({pair.name for pair in PAIRS}) == len(PAIRS)


def is_known_to_apache(pair: Pair) -> bool:
    """It looks at no logical type."""
    return "logicalType" not in json.dumps(pair)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if is_known_to_apache(pair)], ids=lambda pair: pair.name)
def test_the_reference_implementation_says_the_same(pair: Pair):
    """Apache's own."""
    checker = avro.compatibility.ReaderWriterCompatibilityChecker()
    schemas = [avro.schema.parse(json.dumps(schema)) for schema in (pair.reader, pair.writer)]
    fits = checker.get_compatibility(*schemas).compatibility is avro.compatibility.SchemaCompatibilityType.compatible
    assert fits == (not misfits(pair.writer, pair.reader))


FITTING = [pair for pair in PAIRS if pair.why is None and pair.name != "bytes to string"]  # not all bytes are a text


@pytest.mark.parametrize("pair", FITTING, ids=lambda pair: pair.name)
def test_what_fits_is_read_in_fact(pair: Pair):
    random.seed(1)
    writer, reader = fastavro.parse_schema(pair.writer), fastavro.parse_schema(pair.reader)
    for _ in range(20):
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, writer, generate_one(writer))
        buffer.seek(0)
        fastavro.schemaless_reader(buffer, writer, reader)


def test_every_misfit_is_named():
    writer = record(field("long", "x"), field(enum("A", "B"), "e"))
    reader = record(field("int", "x"), field(enum("C"), "e"), field("int", "new"))
    assert [str(one) for one in misfits(writer, reader)] == [
        "x: long is not read as int",
        "e: A is no symbol of the reader, which has no default for it",
        "e: B is no symbol of the reader, which has no default for it",
        "new: new has no default in the reader, and the writer does not write it",
    ]
