"""YAML into a model, with the line in every complaint: a person has to find the place in the file."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from sluice.errors import ConfigurationError

M = TypeVar("M", bound=BaseModel)
Place = tuple[int | str, ...]
_MAPPING = re.compile(r"a valid dictionary or instance of \w+")


def read_model(path: Path, model: type[M]) -> M:
    """What the file says. Raises ConfigurationError with file, line and reason, a line for each complaint."""
    try:
        text = path.read_text()
        node, found = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{path}:{line}: not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: not YAML: {error}") from None
    if node is None:
        raise ConfigurationError(f"{path}: is empty.")
    twice = [f"{path}:{line}: {key} is there twice." for key, line in _repeated(node)]
    if twice:
        raise ConfigurationError("\n".join(twice))
    try:
        return model.model_validate(found)
    except ValidationError as error:
        raise ConfigurationError("\n".join(_complaints(path, text, found, error))) from None


def line_of(text: str, place: Place) -> int:
    """The line, from 1, of a place in a document; of what is around it where the place itself is missing."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = 1
    for step in place:
        found = None
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = (node.value[step], node.value[step])
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _complaints(path: Path, text: str, found: object, error: ValidationError) -> Iterator[str]:
    """One for each place. A place around another is only wrong because that is."""
    words: dict[Place, list[str]] = {}
    for wrong in error.errors():
        place = _place(found, wrong["loc"], missing=wrong["type"] == "missing")
        words.setdefault(place, []).append(_MAPPING.sub("a mapping", wrong["msg"]))
    for place, said in words.items():
        if not any(other != place and other[: len(place)] == place for other in words):
            name = "".join(f"{step}: " for step in [".".join(map(str, place))] if step)
            yield f"{path}:{line_of(text, place)}: {name}{'; or: '.join(said)}"


def _place(found: object, steps: Place, *, missing: bool) -> Place:
    """Where it is in the document: pydantic also names the branches of a union that it tried."""
    place: list[int | str] = []
    for step in steps:
        inner = _inner(found, step)
        if inner is not _ABSENT:
            place.append(step)
            found = inner
    return (*place, steps[-1]) if missing else tuple(place)


_ABSENT = object()


def _inner(found: object, step: int | str) -> Any:
    if isinstance(found, Mapping):
        return found.get(step, _ABSENT)
    return found[step] if isinstance(found, list) and isinstance(step, int) and step < len(found) else _ABSENT


def _repeated(node: yaml.Node) -> Iterator[tuple[str, int]]:
    """Keys that are in one mapping twice, and the line of the second."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.value, key.start_mark.line + 1
            seen.add(key.value)
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(item)
