"""How each test ended last, and on which sources: `.evidence/tests.json`, written by every run of pytest."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sluice.paths import checkout

Outcome = Literal["passed", "failed", "skipped"]
_WORSE: dict[Outcome, int] = {"passed": 0, "skipped": 1, "failed": 2}


@dataclass(frozen=True, slots=True)
class Result:
    """Of one test."""

    outcome: Outcome
    sources: str


def evidence_folder() -> Path:
    """Not under version control."""
    return checkout() / ".evidence"


def results_file() -> Path:
    """See above."""
    return evidence_folder() / "tests.json"


def worst(one: Outcome | None, other: Outcome) -> Outcome:
    """A test is as good as its worst phase: set-up, body, tear-down."""
    return other if one is None or _WORSE[other] > _WORSE[one] else one


def read(file: Path) -> dict[str, Result]:
    """By node id. None where nothing ran yet or the file is none of ours."""
    try:
        return {name: Result(*entry) for name, entry in json.loads(file.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def add(file: Path, outcomes: Mapping[str, Outcome], sources: str) -> None:
    """Newer results take the place of older ones; several runs may end at once."""
    file.parent.mkdir(exist_ok=True)
    with _alone(file.with_suffix(".lock")):
        known = {name: (result.outcome, result.sources) for name, result in read(file).items()}
        known |= {name: (outcome, sources) for name, outcome in outcomes.items()}
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(known[name])}" for name in sorted(known))
        fresh = file.with_suffix(".tmp")
        fresh.write_text(f"{{\n{lines}\n}}\n")
        fresh.replace(file)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
