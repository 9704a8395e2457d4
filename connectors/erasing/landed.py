"""Landed files without a person: rewritten in place, each by a rename."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors.columns import columns_of
from connectors.erasing.erased import TEXTS
from connectors.erasing.progress import Progress
from connectors.landing_zone import LandingZone
from sluice.durable_files import write_durably
from sluice.topics import catalogue


@dataclass(frozen=True, slots=True)
class StandIns:
    """Names that stand for a person and their sessions in all rewritten rows. Nobody keeps the salt."""

    _salt: bytes

    @property
    def user_id(self) -> str:
        """Instead of the pseudonym: still one person to who counts people."""
        return f"usr_erased_{self._name('user')}"

    def session_id(self, session_id: str) -> str:
        """Instead of a session's id."""
        return f"ses_erased_{self._name(session_id)}"

    def _name(self, of: str) -> str:
        return hashlib.blake2b(of.encode(), key=self._salt, digest_size=12).hexdigest()


Gone = Callable[[Path, str], object]
"""Hears of a file that was removed, and of the kind of error it gave."""


def telling() -> list[str]:
    """Topics whose rows tell whose they are. The audit log's keep the pseudonyms of whom something was done to."""
    return [name for name, topic in catalogue().items() if {"user_id", "session_id"} <= set(columns_of(topic).names)]


def rewrite(
    zone: LandingZone, topics: list[str], user_id: str, until: datetime, progress: Progress, gone: Gone
) -> None:
    """Rows of the person up to a time name nobody afterwards, whatever the names of their files.

    A file that nobody can read may hold such rows, and counts nowhere: it is removed. What goes, and the sessions of
    all that is found, are noted before the first file is touched. Raises OSError where the disk does not take or give
    one.
    """
    stand_ins = StandIns(progress.salt)
    rows, removed, sessions = dict[Path, int](), dict[Path, str](), set[str]()
    with zone.rewriting():
        for path in (path for topic in topics for path in zone.everything(topic)):
            try:
                found = _found(path, user_id, until, stand_ins)
            except _Unreadable as unreadable:
                removed[path] = str(unreadable)
                continue
            if found is not None:
                rows[path] = found.rows
                sessions |= found.sessions
        progress.begin("files", {_place(zone, path): 1 for path in removed})
        progress.begin("rows", {_place(zone, path): count for path, count in rows.items()}, sessions)
        for path in rows:
            found = _found(path, user_id, until, stand_ins)
            if found is not None:
                _replace(path, found.table)
        for path, kind in removed.items():
            path.unlink()
            gone(path, kind)
    progress.end("files")
    progress.end("rows")


def _place(zone: LandingZone, path: Path) -> str:
    return path.relative_to(zone.root).as_posix()


class _Unreadable(OSError):
    """A file is not Parquet, is damaged, or has columns of something else."""


class _Found(NamedTuple):
    table: pa.Table
    rows: int
    sessions: set[str]


def _found(path: Path, user_id: str, until: datetime, stand_ins: StandIns) -> _Found | None:
    """The file as it is to be; None where nothing in it is theirs. Raises OSError or _Unreadable."""
    try:
        return _read(path, user_id, until, stand_ins)
    except pa.ArrowMemoryError:
        raise
    except _NOT_OURS:
        content = path.read_bytes()  # raises OSError where it is the disk
    try:
        return _read(pa.BufferReader(content), user_id, until, stand_ins)
    except pa.ArrowMemoryError:
        raise
    except _NOT_OURS as error:
        raise _Unreadable(type(error).__name__) from None


def _read(source: Path | pa.NativeFile, user_id: str, until: datetime, stand_ins: StandIns) -> _Found | None:
    """Of a file without anything of theirs only the columns that tell are read."""
    with pq.ParquetFile(source) as file:
        if not pc.any(_mask(file.read(columns=["user_id", "occurred_at"]), user_id, until)).as_py():
            return None
        table = file.read()
    theirs = _mask(table, user_id, until)
    sessions = pc.unique(table["session_id"].filter(theirs)).to_pylist()
    cleared = _cleared(table, theirs, stand_ins)
    return _Found(cleared, pc.sum(theirs).as_py(), {session for session in sessions if session is not None})


_NOT_OURS = (pa.ArrowException, OSError, ValueError, KeyError)
"""What pyarrow raises of bytes that it cannot make sense of; an OSError may also be the disk's."""


def _mask(table: pa.Table, user_id: str, until: datetime) -> pa.ChunkedArray:
    theirs = pc.and_(pc.equal(table["user_id"], user_id), pc.less_equal(table["occurred_at"], pa.scalar(until)))
    return pc.fill_null(theirs, False)


def _cleared(table: pa.Table, theirs: pa.ChunkedArray, stand_ins: StandIns) -> pa.Table:
    rows = zip(table["session_id"].to_pylist(), theirs.to_pylist(), strict=True)
    hidden = [stand_ins.session_id(str(name)) if mine and name is not None else name for name, mine in rows]
    columns = {
        "user_id": pc.if_else(theirs, stand_ins.user_id, table["user_id"]),
        "session_id": pa.chunked_array([pa.array(hidden, table.schema.field("session_id").type)]),
    }
    columns |= {name: pc.if_else(theirs, "", table[name]) for name in TEXTS if name in table.column_names}
    for name, column in columns.items():
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
    return table


def _replace(path: Path, table: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    write_durably(path, sink.getvalue().to_pybytes())
