"""Changed policies leave marks: what decides over people's data is compared with what it was when last looked at."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sluice.audit import Mark
from sluice.durable_files import write_durably

_SHOWN = 16
"""Hex digits of a file's SHA-256: enough to find the version that was in force."""
_MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class PolicyWatch:
    """Files by the kind of what they decide. `state` remembers what was seen; without it all are told once more."""

    files: Mapping[str, Callable[[], Iterable[Path]]]
    state: Path
    actor_id: str
    mark: Callable[[Iterable[Mark]], object]

    def look(self) -> int:
        """Mark what is different, then remember it; how many were. Raises Unavailable or OSError: then look again."""
        now = self._now()
        said = [*differences(self._before(), now)]
        if said:
            self.mark([Mark(self.actor_id, "policy.change", "allowed", what) for what in said[:_MOST_FILES]])
            self.state.parent.mkdir(parents=True, exist_ok=True)
            write_durably(self.state, json.dumps(now).encode())
        return len(said)

    def _now(self) -> dict[str, str]:
        return {
            f"{kind}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()[:_SHOWN]
            for kind, listed in self.files.items()
            for path in sorted(listed())
        }

    def _before(self) -> dict[str, str]:
        try:
            known: dict[str, str] = json.loads(self.state.read_bytes())
        except (OSError, ValueError):
            return {}
        return {name: seen for name, seen in known.items() if name.partition("/")[0] in self.files}


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> Iterable[str]:
    """A sentence for each file that is new, other or gone."""
    for name in sorted({*before, *now}):
        if name not in now:
            yield f"{name} is gone"
        elif before.get(name) != now[name]:
            yield f"{name} is {'now' if name in before else 'new:'} {now[name]}"
