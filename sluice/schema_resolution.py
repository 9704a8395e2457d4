"""Whether what one Avro schema wrote can be read by another, and if not, which field and why.

Source: Apache Avro 1.12 specification, "Schema Resolution" and "Aliases". Stricter in one thing: a logical type must
stay what it is, because readers of ours take the number for what it means.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

_PROMOTIONS = {
    ("int", "long"),
    ("int", "float"),
    ("int", "double"),
    ("long", "float"),
    ("long", "double"),
    ("float", "double"),
    ("string", "bytes"),
    ("bytes", "string"),
}
_NAMED = ("record", "enum", "fixed")

Names = dict[str, Any]
"""Named types of one schema, by name without namespace."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """One place where the two do not fit. `path` is as in `usage.prompt_tokens`; `[]` is an item, `{}` a value."""

    path: str
    why: str

    def __str__(self) -> str:
        """For a person."""
        return f"{self.path}: {self.why}" if self.path else self.why


class Sides(NamedTuple):
    """What a sentence calls the two schemas."""

    writer: str = "the writer"
    reader: str = "the reader"


UNNAMED = Sides()


def misfits(writer: Any, reader: Any, sides: Sides = UNNAMED) -> list[Misfit]:
    """Empty where every value of `writer` can be read by `reader`. Both as parsed JSON."""
    pair = _Pair(_names(writer, {}), _names(reader, {}), sides)
    return [*pair.compare(writer, reader, "")]


def _names(schema: Any, known: Names) -> Names:
    """All named types in a schema."""
    match schema:
        case list():
            for branch in schema:
                _names(branch, known)
        case {"type": "record", "name": name, "fields": fields}:
            known[_short(name)] = schema
            for field in fields:
                _names(field["type"], known)
        case {"type": "enum" | "fixed", "name": name}:
            known[_short(name)] = schema
        case {"items": inner} | {"values": inner}:
            _names(inner, known)
    return known


def _short(name: str) -> str:
    return name.rpartition(".")[2]


class _Pair:
    """Both sides' names, and the records that are being compared: a record may hold itself."""

    def __init__(self, writers: Names, readers: Names, sides: Sides) -> None:
        self._writers, self._readers, self._sides = writers, readers, sides
        self._under_way: set[tuple[str, str]] = set()

    def compare(self, writer: Any, reader: Any, path: str) -> Iterator[Misfit]:
        writer, reader = _plain(writer, self._writers), _plain(reader, self._readers)
        if isinstance(writer, list):
            for branch in writer:
                yield from self.compare(branch, reader, path)
        elif isinstance(reader, list):
            yield from self._one_of(writer, reader, path)
        else:
            yield from self._single(writer, reader, path)

    def _one_of(self, writer: Any, branches: list[Any], path: str) -> Iterator[Misfit]:
        """The reader's union needs one branch that fits. What is said is about the branch of the same kind."""
        tried = [[*self.compare(writer, branch, path)] for branch in branches]
        if all(tried):
            kinds = [_kind(_plain(branch, self._readers)) for branch in branches]
            alike = [one for one, kind in zip(tried, kinds, strict=True) if kind == _kind(writer)]
            yield from alike[0] if len(alike) == 1 else [Misfit(path, f"no branch of the union reads {_kind(writer)}")]

    def _single(self, writer: Any, reader: Any, path: str) -> Iterator[Misfit]:
        kinds, logical = (_kind(writer), _kind(reader)), (_logical(writer), _logical(reader))
        if logical[0] != logical[1]:
            yield Misfit(path, f"{logical[0] or kinds[0]} is not {logical[1] or kinds[1]}")
        elif kinds[0] != kinds[1]:
            if kinds not in _PROMOTIONS:
                yield Misfit(path, f"{kinds[0]} is not read as {kinds[1]}")
        elif kinds[0] in _NAMED and not _same_name(writer, reader):
            yield Misfit(path, f"{_short(writer['name'])} is not {_short(reader['name'])}")
        else:
            yield from self._inside(kinds[0], writer, reader, path)

    def _inside(self, kind: str, writer: Any, reader: Any, path: str) -> Iterator[Misfit]:
        """Two of one kind and name."""
        match kind:
            case "record":
                yield from self._records(writer, reader, path)
            case "array":
                yield from self.compare(writer["items"], reader["items"], f"{path}[]")
            case "map":
                yield from self.compare(writer["values"], reader["values"], f"{path}{{}}")
            case "fixed" if writer["size"] != reader["size"]:
                yield Misfit(path, f"{writer['size']} bytes are not {reader['size']}")
            case "enum" if "default" not in reader:
                lost = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
                told = f"is no symbol of {self._sides.reader}, which has no default for it"
                yield from (Misfit(path, f"{symbol} {told}") for symbol in lost)

    def _records(self, writer: Any, reader: Any, path: str) -> Iterator[Misfit]:
        names = _short(writer["name"]), _short(reader["name"])
        if names in self._under_way:
            return
        self._under_way.add(names)
        written = {field["name"]: field for field in writer["fields"]}
        for field in reader["fields"]:
            inside = f"{path}.{field['name']}".lstrip(".")
            own = [name for name in (field["name"], *field.get("aliases", ())) if name in written]
            if own:
                yield from self.compare(written[own[0]]["type"], field["type"], inside)
            elif "default" not in field:
                told = f"has no default in {self._sides.reader}, and {self._sides.writer} does not write it"
                yield Misfit(inside, f"{field['name']} {told}")
        self._under_way.discard(names)


def _plain(schema: Any, names: Names) -> Any:
    """A type by its name to the type itself."""
    return names.get(_short(schema), schema) if isinstance(schema, str) else schema


def _kind(schema: Any) -> str:
    return schema if isinstance(schema, str) else "union" if isinstance(schema, list) else str(schema["type"])


def _logical(schema: Any) -> str | None:
    if not isinstance(schema, dict) or "logicalType" not in schema:
        return None
    kind = str(schema["logicalType"])
    return f"decimal({schema['precision']}, {schema.get('scale', 0)})" if kind == "decimal" else kind


def _same_name(writer: Any, reader: Any) -> bool:
    name = _short(writer["name"])
    return name == _short(reader["name"]) or name in map(_short, reader.get("aliases", ()))
