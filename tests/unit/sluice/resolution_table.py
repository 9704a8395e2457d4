"""Pairs of schemas and whether what the first wrote can be read by the second: the Avro specification's rules.

Source: Apache Avro 1.12 specification, "Schema Resolution", "Aliases" and "Logical Types". The last column is a part of
the reason that is given; None where the pair resolves.
"""

from typing import Any, NamedTuple


class Pair(NamedTuple):
    """Writer, reader, and why they do not fit."""

    name: str
    writer: Any
    reader: Any
    why: str | None


def record(*fields: Any, name: str = "R", **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields)} | more


def field(type_: Any, name: str = "a", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_} | more


def enum(*symbols: str, name: str = "E", **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": name, "symbols": list(symbols)} | more


def fixed(size: int, name: str = "F") -> dict[str, Any]:
    return {"type": "fixed", "name": name, "size": size}


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def map_(values: Any) -> dict[str, Any]:
    return {"type": "map", "values": values}


def decimal(precision: int, scale: int) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


MICROS = {"type": "long", "logicalType": "timestamp-micros"}
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
NODE = record(field("int", "v"), field(["null", "Node"], "next"), name="Node")
LONG_NODE = record(field("long", "v"), field(["null", "Node"], "next"), name="Node")
TEXT_NODE = record(field("string", "v"), field(["null", "Node"], "next"), name="Node")

PAIRS = [
    # primitives and their promotions
    Pair("null to itself", "null", "null", None),
    Pair("boolean to itself", "boolean", "boolean", None),
    Pair("int to long", "int", "long", None),
    Pair("int to float", "int", "float", None),
    Pair("int to double", "int", "double", None),
    Pair("long to float", "long", "float", None),
    Pair("long to double", "long", "double", None),
    Pair("float to double", "float", "double", None),
    Pair("string to bytes", "string", "bytes", None),
    Pair("bytes to string", "bytes", "string", None),
    Pair("long to int", "long", "int", "long is not read as int"),
    Pair("float to long", "float", "long", "float is not read as long"),
    Pair("double to float", "double", "float", "double is not read as float"),
    Pair("int to string", "int", "string", "int is not read as string"),
    Pair("boolean to int", "boolean", "int", "boolean is not read as int"),
    Pair("null to string", "null", "string", "null is not read as string"),
    Pair("a type written as an object", {"type": "string"}, "string", None),
    # records
    Pair("the same record", record(field("int")), record(field("int")), None),
    Pair(
        "a field more, with a default", record(field("int")), record(field("int"), field("int", "b", default=0)), None
    ),
    Pair("a field more, without", record(field("int")), record(field("int"), field("int", "b")), "b has no default"),
    Pair("null is a default", record(), record(field(["null", "int"], default=None)), None),
    Pair("a nullable field without a default", record(), record(field(["null", "int"])), "a has no default"),
    Pair("a field less", record(field("int"), field("int", "b")), record(field("int")), None),
    Pair(
        "fields in another order",
        record(field("int"), field("int", "b")),
        record(field("int", "b"), field("int")),
        None,
    ),
    Pair("a field that is promoted", record(field("int")), record(field("long")), None),
    Pair("a field that is narrowed", record(field("long")), record(field("int")), "a: long is not read as int"),
    Pair("another record", record(name="R"), record(name="S"), "R is not S"),
    Pair("another record with an alias", record(name="R"), record(name="S", aliases=["R"]), None),
    Pair("another namespace", record(name="R", namespace="x"), record(name="R", namespace="y"), None),
    Pair("a field by its old name", record(field("int")), record(field("int", "b", aliases=["a"])), None),
    Pair("an alias of another type", record(field("string")), record(field("int", "b", aliases=["a"])), "b: string"),
    Pair(
        "an alias that the writer has not", record(field("int")), record(field("int", "b", aliases=["c"])), "b has no"
    ),
    Pair("a record for a primitive", record(), "int", "record is not read as int"),
    Pair("a primitive for a record", "int", record(), "int is not read as record"),
    Pair(
        "a nested field",
        record(field(record(field("long", "x"), name="N"))),
        record(field(record(field("int", "x"), name="N"))),
        "a.x: long",
    ),
    Pair("documentation is nothing", record(field("int", doc="x")), record(field("int", doc="y")), None),
    Pair("a property is nothing", record(field("int", pii="clean")), record(field("int")), None),
    Pair("a record in itself", NODE, NODE, None),
    Pair("a record in itself, promoted", NODE, LONG_NODE, None),
    Pair("a record in itself, narrowed", LONG_NODE, NODE, "v: long"),
    Pair("a record in itself, of another type", NODE, TEXT_NODE, "v: int"),
    # enums
    Pair("a symbol more", enum("A"), enum("A", "B"), None),
    Pair("a symbol less", enum("A", "B"), enum("A"), "B is no symbol"),
    Pair("a symbol less, with a default", enum("A", "B"), enum("A", default="A"), None),
    Pair("symbols in another order", enum("A", "B"), enum("B", "A"), None),
    Pair("another enum", enum("A", name="E"), enum("A", name="G"), "E is not G"),
    Pair("an enum for a string", enum("A"), "string", "enum is not read as string"),
    Pair("a string for an enum", "string", enum("A"), "string is not read as enum"),
    # fixed
    Pair("the same size", fixed(4), fixed(4), None),
    Pair("another size", fixed(4), fixed(8), "4 bytes are not 8"),
    Pair("another fixed", fixed(4), fixed(4, name="G"), "F is not G"),
    Pair("fixed for bytes", fixed(4), "bytes", "fixed is not read as bytes"),
    # arrays and maps
    Pair("items promoted", array("int"), array("long"), None),
    Pair("items narrowed", array("long"), array("int"), "[]: long"),
    Pair("values promoted", map_("int"), map_("double"), None),
    Pair("values narrowed", map_("double"), map_("int"), "{}: double"),
    Pair("an array for a map", array("int"), map_("int"), "array is not read as map"),
    Pair("a map for a record", map_("int"), record(), "map is not read as record"),
    # unions
    Pair("a branch more", ["null", "int"], ["null", "int", "string"], None),
    Pair("a branch less", ["null", "int", "string"], ["null", "int"], "string"),
    Pair("made nullable", "int", ["null", "int"], None),
    Pair("made nullable and promoted", "int", ["null", "long"], None),
    Pair("no longer nullable", ["null", "int"], "int", "null is not read as int"),
    Pair("branches in another order", ["int", "null"], ["null", "int"], None),
    Pair("a branch that is promoted", ["null", "int"], ["null", "double"], None),
    Pair("a branch that is narrowed", ["null", "double"], ["null", "int"], "double"),
    Pair("a union of one for its branch", ["int"], "int", None),
    Pair("two records in a union", [record(name="A"), record(name="B")], [record(name="B"), record(name="A")], None),
    Pair("a record that the union has not", record(name="C"), [record(name="A"), record(name="B")], "no branch"),
    Pair("none for it", "string", ["null", "int"], "no branch"),
    Pair("an array in a union", ["null", array("int")], ["null", array("string")], "[]: int"),
    # logical types
    Pair("the same decimal", decimal(20, 10), decimal(20, 10), None),
    Pair("another scale", decimal(20, 10), decimal(20, 8), "decimal(20, 10) is not decimal(20, 8)"),
    Pair("another precision", decimal(20, 10), decimal(18, 10), "decimal(20, 10) is not decimal(18, 10)"),
    Pair("decimal for bytes", "bytes", decimal(20, 10), "bytes is not decimal(20, 10)"),
    Pair("another unit of time", MICROS, MILLIS, "timestamp-micros is not timestamp-millis"),
    Pair("a number for a time", "long", MICROS, "long is not timestamp-micros"),
    Pair("the same time", MICROS, MICROS, None),
]
