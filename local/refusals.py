"""Processes that ended because a person must put something right, with what they said last."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from local.processes import ProcessState

_TAIL_BYTES = 20_000


def refusals(states: Iterable[ProcessState], logs_dir: Path) -> Iterator[str]:
    """One sentence or more for each such process."""
    for state in states:
        if state.refused:
            yield f"{state.name} cannot start: {_reason(logs_dir / f'{state.name}.log')}"


def _reason(log: Path) -> str:
    for line in reversed(_tail(log).splitlines()):
        try:
            fact = json.loads(line)
        except ValueError:
            continue
        if isinstance(fact, dict) and fact.get("event") == "cannot start":
            return str(fact["reason"])
    return f"see {log}"


def _tail(log: Path) -> str:
    try:
        return log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
    except OSError:
        return ""
