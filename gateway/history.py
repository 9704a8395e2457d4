"""Own conversations, for REST: an index in SQLite, built from `chat-requests` and `chat-turns` and rebuilt from them.

Holds redacted text and sealed values; what it gives is for the owner, with the values in their places. Positions in
the log are stored with the rows, in one transaction.
"""

import json
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never, get_args

from gateway.documents import StoredTurn, document_of
from sluice.errors import ConfigurationError
from sluice.events import ChatRequested, ErasureCompleted, ErasureRequested, TurnFinished
from sluice.ids import OWN_CONTEXT
from sluice.placeholders import OpenMap, restore, show_none
from sluice.safe_text import Sealed

Recorded = ChatRequested | TurnFinished | ErasureRequested | ErasureCompleted
RECORDED = get_args(Recorded)
_VERSION = 5
"""Of the tables. A file of another version is emptied and filled anew from the log."""
_TABLES = """
create table if not exists sessions (
    session_id text primary key, user_id text not null, bot text not null, title text, updated_at text not null,
    placeholders blob
) without rowid;
create index if not exists sessions_of_user on sessions (user_id, updated_at desc, session_id);
create table if not exists turns (
    turn_id text primary key, session_id text not null, user_id text not null, created_at text not null,
    bot text not null, state text not null, document text, epoch integer not null, attempts integer not null,
    placeholders blob
) without rowid;
create index if not exists turns_of_session on turns (session_id, created_at, turn_id);
create index if not exists open_turns on turns (session_id, created_at) where document is null;
create table if not exists positions (
    topic text, partition integer, next_offset integer, primary key (topic, partition)
);
create table if not exists origin (cluster_id text);
create table if not exists erasures (user_id text primary key, until text not null, running text) without rowid;
"""


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A conversation as the index knows it."""

    session_id: str
    title: str | None
    bot: str
    updated_at: str
    turns: int


class History:
    """Written by the log reader's thread, read by requests: one connection behind a lock."""

    def __init__(self, path: Path, cluster_id: str, open_map: OpenMap = show_none) -> None:
        """Raises ConfigurationError where the file cannot be used."""
        self._lock = threading.Lock()
        self._open_map = open_map
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._prepare(cluster_id)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(
                f"The history {path} cannot be used ({error}). Make it writable, or delete it: the log has it all."
            ) from error

    def _prepare(self, cluster_id: str) -> None:
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=normal")
        self._db.execute("pragma secure_delete=on")
        self._db.execute("begin immediate")  # fails now where nothing can be written later
        self._db.execute("rollback")
        if not self._is_of(cluster_id):
            for table in ("sessions", "turns", "positions", "origin", "erasures"):
                self._db.execute(f"drop table if exists {table}")
            self._db.executescript(_TABLES)
            self._db.execute("insert into origin values (?)", (cluster_id,))
            self._db.execute(f"pragma user_version = {_VERSION}")

    def _is_of(self, cluster_id: str) -> bool:
        """Whether the file was filled by this version from this cluster. The version is written last."""
        if self._db.execute("pragma user_version").fetchone()[0] != _VERSION:
            return False
        return bool(self._db.execute("select count(*) from origin where cluster_id = ?", (cluster_id,)).fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def positions(self) -> dict[tuple[str, int], int]:
        """Where to read on."""
        with self._lock:
            rows = self._db.execute("select topic, partition, next_offset from positions").fetchall()
        return {(topic, partition): offset for topic, partition, offset in rows}

    def record(self, events: Sequence[Recorded], positions: dict[tuple[str, int], int] | None = None) -> None:
        """Note events and how far the log has been read, all or nothing. Repeats change nothing."""
        with self._lock:
            self._db.execute("begin")
            try:
                for event in events:
                    self._take(event)
                for (topic, partition), offset in (positions or {}).items():
                    self._db.execute("insert or replace into positions values (?, ?, ?)", (topic, partition, offset))
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")
            if any(isinstance(event, ErasureRequested | ErasureCompleted) for event in events):
                self._db.execute("pragma wal_checkpoint(truncate)")  # what was deleted is not beside the file either

    def being_erased(self, user_id: str) -> bool:
        """Whether this person's data is on its way out: nothing new may be added to it."""
        known = self.erasure(user_id)
        return known is not None and known[1]

    def erasure(self, user_id: str) -> tuple[str, bool] | None:
        """Until when (ISO 8601) this person was erased, and whether that is still going on; None: never."""
        with self._lock:
            row = self._db.execute("select until, running from erasures where user_id = ?", (user_id,)).fetchone()
        return None if row is None else (str(row[0]), row[1] is not None)

    def forget_before(self, time: str) -> int:
        """Turns accepted before a time (ISO 8601), and conversations without any; how many turns."""
        with self._lock:
            gone = self._db.execute("delete from turns where created_at < ?", (time,)).rowcount
            self._db.execute("delete from sessions where updated_at < ?", (time,))
            self._db.execute("delete from erasures where until < ? and running is null", (time,))
            self._db.execute("pragma wal_checkpoint(truncate)")
        return gone

    def owner(self, session_id: str) -> str | None:
        """user_id of a session; None where it is new."""
        with self._lock:
            row = self._db.execute("select user_id from sessions where session_id = ?", (session_id,)).fetchone()
        return None if row is None else str(row[0])

    def turn(self, turn_id: str) -> StoredTurn | None:
        """One turn."""
        with self._lock:
            row = self._db.execute(f"{_SELECT_TURN} where turn_id = ?", (turn_id,)).fetchone()
        return None if row is None else self._turn(row)

    def open_turns(self, session_id: str, since: str) -> int:
        """How many turns of a session were accepted after this time (ISO 8601) and have not ended."""
        query = "select count(*) from turns where session_id = ? and created_at > ? and document is null"
        with self._lock:
            return int(self._db.execute(query, (session_id, since)).fetchone()[0])

    def turns(self, session_id: str, after: tuple[str, str], limit: int) -> list[StoredTurn]:
        """Turns of a session after (created_at, turn_id), oldest first."""
        query = _SELECT_TURN + _AFTER
        with self._lock:
            rows = self._db.execute(query, (session_id, *after, limit)).fetchall()
        return [self._turn(row) for row in rows]

    def sessions(self, user_id: str, before: tuple[str, str], limit: int) -> list[StoredSession]:
        """Conversations of a person before (updated_at, session_id), newest first.

        Clients that bring their own context have no conversation here, only turns.
        """
        query = (
            "select session_id, title, bot, updated_at, placeholders, "
            "(select count(*) from turns t where t.session_id = s.session_id and t.user_id = s.user_id) "
            "from sessions s where user_id = ? and not glob(?, session_id) and (updated_at, session_id) < (?, ?) "
            "order by updated_at desc, session_id desc limit ?"
        )
        with self._lock:
            rows = self._db.execute(query, (user_id, f"{OWN_CONTEXT}*", *before, limit)).fetchall()
        return [
            StoredSession(session_id, title and self._restored(title, sealed, user_id)[:_TITLE], bot, updated_at, turns)
            for session_id, title, bot, updated_at, sealed, turns in rows
        ]

    def _take(self, event: Recorded) -> None:
        match event:
            case ChatRequested():
                self._requested(event)
            case TurnFinished():
                self._finished(event)
            case ErasureRequested():
                self._erase(event.user_id, event.occurred_at.isoformat(), event.event_id)
            case ErasureCompleted():
                self._erase(event.user_id, event.erased_at.isoformat(), None)
            case unknown:
                assert_never(unknown)

    def _erase(self, user_id: str, until: str, running: str | None) -> None:
        self._db.execute(
            "insert into erasures values (?, ?, ?) on conflict (user_id) do update set "
            "until = max(until, excluded.until), running = excluded.running",
            (user_id, until, running),
        )
        self._db.execute("delete from turns where user_id = ? and created_at <= ?", (user_id, until))
        self._db.execute("delete from sessions where user_id = ? and updated_at <= ?", (user_id, until))

    def _is_erased(self, user_id: str, at: str) -> bool:
        query = "select count(*) from erasures where user_id = ? and until >= ?"
        return bool(self._db.execute(query, (user_id, at)).fetchone()[0])

    def _requested(self, event: ChatRequested) -> None:
        at = event.occurred_at.isoformat()
        if self._is_erased(event.user_id, at):
            return
        self._touch(event.session_id, event.user_id, event.bot, at)
        self._db.execute(
            "insert or ignore into turns values (?, ?, ?, ?, ?, 'accepted', null, 0, 0, null)",
            (event.turn_id, event.session_id, event.user_id, at, event.bot),
        )

    def _finished(self, event: TurnFinished) -> None:
        """A turn that was taken over may be finished twice: the highest epoch counts, then the most attempts."""
        at = event.accepted_at.isoformat()
        if self._is_erased(event.user_id, at):
            return
        self._touch(event.session_id, event.user_id, event.bot, at)
        document = json.dumps(document_of(event), ensure_ascii=False)
        self._db.execute(
            "insert into turns values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (turn_id) do update set "
            "state = excluded.state, document = excluded.document, epoch = excluded.epoch, "
            "attempts = excluded.attempts, placeholders = excluded.placeholders "
            "where turns.user_id = excluded.user_id and (turns.document is null "
            "or (excluded.epoch, excluded.attempts) > (turns.epoch, turns.attempts))",
            (
                *(event.turn_id, event.session_id, event.user_id, at, event.bot, event.state),
                *(document, event.epoch, event.attempts, event.placeholders),
            ),
        )
        if event.question:
            self._db.execute(
                "update sessions set title = ?, placeholders = ? "
                "where session_id = ? and title is null and user_id = ?",
                (event.question[:_TITLE_SOURCE], event.placeholders, event.session_id, event.user_id),
            )

    def _touch(self, session_id: str, user_id: str, bot: str, at: str) -> None:
        self._db.execute(
            "insert into sessions values (?, ?, ?, null, ?, null) on conflict (session_id) do update set "
            "updated_at = max(updated_at, excluded.updated_at) where sessions.user_id = excluded.user_id",
            (session_id, user_id, bot, at),
        )

    def _turn(self, row: tuple[Any, ...]) -> StoredTurn:
        turn_id, session_id, user_id, created_at, bot, state, document, sealed = row
        shown = None if document is None else json.loads(document)
        if shown is not None:
            shown |= {name: self._restored(shown[name], sealed, user_id) for name in ("question", "answer")}
        return StoredTurn(turn_id, session_id, user_id, created_at, bot, state, shown)

    def _restored(self, text: str, sealed: bytes | None, user_id: str) -> str:
        return text if sealed is None else restore(text, self._open_map(Sealed(sealed), user_id))


_TITLE = 80
_TITLE_SOURCE = 400
"""Characters kept for a title: values may be shorter than their placeholders."""
_SELECT_TURN = "select turn_id, session_id, user_id, created_at, bot, state, document, placeholders from turns"


_AFTER = (
    " where session_id = ?1 and user_id = (select user_id from sessions where session_id = ?1)"
    " and (created_at, turn_id) > (?2, ?3) order by created_at, turn_id limit ?4"
)
