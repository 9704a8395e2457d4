"""What was found of a person, on the disk until the proof is written: what was cleared does not tell it any more.

An erasure that is begun again goes on with the sessions, the counts and the stand-ins of the attempts before.
"""

import contextlib
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from sluice.durable_files import PRIVATE, write_durably

Kind = Literal["turns", "keys", "rows", "files", "letters"]


class _Notes(msgspec.Struct):
    salt: bytes
    sessions: set[str] = msgspec.field(default_factory=set)
    ended: dict[str, int] = msgspec.field(default_factory=dict)
    """By kind, of steps that were carried out."""
    begun: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    """By kind and place, of steps that may have been. A place that is found again counts once."""


class Progress:
    """Of one request. Every change is durable when it returns; raises OSError where the disk does not take it."""

    def __init__(self, folder: Path, request_id: str) -> None:
        self._file = folder / f"{hashlib.blake2b(request_id.encode(), digest_size=16).hexdigest()}.json"
        self._notes = _Notes(secrets.token_bytes(32))
        with contextlib.suppress(FileNotFoundError, msgspec.MsgspecError):
            self._notes = msgspec.json.decode(self._file.read_bytes(), type=_Notes)

    @property
    def salt(self) -> bytes:
        """Of the stand-ins: the person stays one person in rows that several attempts rewrote."""
        return self._notes.salt

    @property
    def sessions(self) -> frozenset[str]:
        """All that were found of the person."""
        return frozenset(self._notes.sessions)

    def count(self, kind: Kind) -> int:
        """Of all attempts together."""
        return self._notes.ended.get(kind, 0) + sum(self._notes.begun.get(kind, {}).values())

    def begin(self, kind: Kind, places: Mapping[str, int], sessions: Iterable[str] = ()) -> None:
        """So many are about to go from each place; the person has these sessions."""
        known = self._notes.begun.setdefault(kind, {})
        for place, count in places.items():
            known[place] = max(count, known.get(place, 0))
        self._notes.sessions |= set(sessions)
        self._write()

    def end(self, kind: Kind) -> None:
        """They are gone: what is found there from now on is something else."""
        self._notes.ended[kind] = self.count(kind)
        self._notes.begun.pop(kind, None)
        self._write()

    def forget(self) -> None:
        """The proof is written."""
        self._file.unlink(missing_ok=True)

    def _write(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_durably(self._file, msgspec.json.encode(self._notes), PRIVATE)
