"""Landed files without a person: rewritten in place, each by a rename."""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors.erasing.erased import TEXTS
from connectors.landing_zone import LandingZone
from sluice.durable_files import write_durably


@dataclass(slots=True)
class StandIns:
    """Names that stand for a person and their sessions in all rewritten rows. Nobody keeps what they stood for."""

    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    @property
    def user_id(self) -> str:
        """Instead of the pseudonym: still one person to who counts people."""
        return f"usr_erased_{self._name('user')}"

    def session_id(self, session_id: str) -> str:
        """Instead of a session's id."""
        return f"ses_erased_{self._name(session_id)}"

    def _name(self, of: str) -> str:
        return hashlib.blake2b(of.encode(), key=self._salt, digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Rewritten:
    """How many rows were somebody's, and in which sessions."""

    rows: int
    sessions: frozenset[str]


def rewrite(zone: LandingZone, topics: list[str], user_id: str, until: datetime) -> Rewritten:
    """Rows of the person up to a time name nobody afterwards. Raises OSError where the disk does not take it."""
    rows, sessions, stand_ins = 0, set[str](), StandIns()
    with zone.rewriting():
        for topic in topics:
            for path in _files_with(zone, topic, user_id, until):
                table = pq.read_table(path)
                theirs = _mask(table, user_id, until)
                found = pc.unique(table["session_id"].filter(theirs)).to_pylist()
                _replace(path, _cleared(table, theirs, stand_ins))
                rows += pc.sum(theirs).as_py()
                sessions |= {session for session in found if session is not None}
    return Rewritten(rows, frozenset(sessions))


def _files_with(zone: LandingZone, topic: str, user_id: str, until: datetime) -> Iterator[Path]:
    """Files with rows of theirs. Only the columns that tell are read."""
    for file in zone.files(topic):
        if {"user_id", "session_id"} <= set(pq.read_schema(file.path).names):
            table = pq.read_table(file.path, columns=["user_id", "occurred_at"])
            if pc.any(_mask(table, user_id, until)).as_py():
                yield file.path


def _mask(table: pa.Table, user_id: str, until: datetime) -> pa.ChunkedArray:
    theirs = pc.and_(pc.equal(table["user_id"], user_id), pc.less_equal(table["occurred_at"], pa.scalar(until)))
    return pc.fill_null(theirs, False)


def _cleared(table: pa.Table, theirs: pa.ChunkedArray, stand_ins: StandIns) -> pa.Table:
    rows = zip(table["session_id"].to_pylist(), theirs.to_pylist(), strict=True)
    hidden = [stand_ins.session_id(session) if mine else session for session, mine in rows]
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
