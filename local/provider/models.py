"""Which models there are at the moment, and how often each has been asked."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from local.provider.behaviours import BEHAVIOURS, Behaviour
from local.provider.scripts import Script, script_of, scripted

_SHOWN = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(slots=True)
class Models:
    """The table of behaviours, and the scripts that callers registered: in memory, for this process."""

    _registered: dict[str, Behaviour] = field(default_factory=dict)
    _calls: Counter[str] = field(default_factory=Counter)

    def all(self) -> list[Behaviour]:
        """In the order of the table, then of their coming."""
        return [*BEHAVIOURS.values(), *self._registered.values()]

    def get(self, name: str) -> Behaviour | None:
        """Under its name."""
        return BEHAVIOURS.get(name) or self._registered.get(name)

    def register(self, name: str, script: Script) -> bool:
        """Whether the name is new. Counts from 0 again. Raises WrongScript; ValueError where the name is refused."""
        if name in BEHAVIOURS or not _NAME.fullmatch(name):
            raise ValueError(name)
        shown = msgspec.json.encode(script).decode()
        base = Behaviour(name, f"script: {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'}")
        behaviour = scripted(base, script)
        known = self.remove(name)
        self._registered[name] = behaviour
        return not known

    def remove(self, name: str) -> bool:
        """Whether there was a script of this name."""
        there = self._registered.pop(name, None) is not None
        if there:
            self._calls.pop(name, None)
        return there

    def called(self, model: Behaviour, script: str | None) -> Behaviour:
        """What it does in the call that begins now. A script of the request's own has its own count.

        Raises WrongScript.
        """
        if script is None:
            self._calls[model.name] += 1
            return model.at_call(self._calls[model.name])
        wanted = scripted(model, script_of(script.encode("utf-8", "surrogateescape")))
        if wanted.times is None and wanted.cycle is None:
            return wanted
        key = f"{model.name} {hashlib.sha256(script.encode('utf-8', 'surrogateescape')).hexdigest()}"
        self._calls[key] += 1
        return wanted.at_call(self._calls[key])
