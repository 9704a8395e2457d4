"""Data keys, one or more a subject, behind a small port. Deleting them is erasure: what was sealed cannot be opened.

The store is a database: SQLite in the folder of keys, shared by the processes of one machine. Every use of a key looks
there, so that a key that was destroyed is gone for all processes at once; only unwrapping is remembered.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sluice.key_wrapping import KEY_BYTES, CannotUnwrap, Wrapper
from sluice.shared_database import SharedDatabase

_REMEMBERED = 10_000
_TABLE = """
create table if not exists data_keys (
    place integer primary key autoincrement, tenant text not null, subject text not null, generation integer not null,
    wrapped blob not null, created_at text not null, unique (tenant, subject, generation)
);
create table if not exists last_used (tenant text not null, subject text not null, day text not null,
    primary key (tenant, subject)) without rowid;
"""


@dataclass(frozen=True, slots=True)
class DataKey:
    """A subject's key for AES-256-GCM. Generations are drawn by lot, so that none comes again after an erasure."""

    generation: int
    secret: bytes


class KeyMissing(Exception):
    """The subject has no key of that generation: erased, or never seen here."""


class KeyUnusable(Exception):
    """There is a key, and it cannot be unwrapped: its entry was changed, or its key-encryption key is gone."""


class KeyStore(Protocol):
    """Where data keys live. Losing it loses the text, so it is durable before a key is used.

    Every way raises Unavailable where the store, or who wraps for it, does not answer.
    """

    def current(self, subject: str) -> DataKey:
        """The newest key, to seal with; made if there is none. Raises KeyUnusable."""
        ...

    def find(self, subject: str, generation: int) -> DataKey:
        """The key something was sealed with. Raises KeyMissing or KeyUnusable."""
        ...

    def rotate(self, subject: str) -> DataKey:
        """A new key to seal with from now on. What older ones sealed stays readable."""
        ...

    def destroy(self, subject: str) -> int:
        """Forget all keys of a subject; how many there were."""
        ...


def new_key() -> DataKey:
    """At random."""
    return DataKey(secrets.randbits(31) + 1, secrets.token_bytes(KEY_BYTES))


class MemoryKeyStore:
    """For tests; kept equal to the database by one suite."""

    def __init__(self) -> None:
        self._keys: dict[str, list[DataKey]] = {}

    def current(self, subject: str) -> DataKey:
        """See KeyStore."""
        return self._keys[subject][-1] if subject in self._keys else self.rotate(subject)

    def find(self, subject: str, generation: int) -> DataKey:
        """See KeyStore."""
        for key in self._keys.get(subject, ()):
            if key.generation == generation:
                return key
        raise KeyMissing

    def rotate(self, subject: str) -> DataKey:
        """See KeyStore."""
        self._keys.setdefault(subject, []).append(key := new_key())
        return key

    def destroy(self, subject: str) -> int:
        """See KeyStore."""
        return len(self._keys.pop(subject, ()))


class DatabaseKeyStore:
    """A shared database with the keys of one tenant."""

    def __init__(self, path: Path, wrapper: Wrapper, tenant: str, clock: Callable[[], datetime]) -> None:
        """Raises ConfigurationError where the file cannot be used."""
        self._wrapper, self._tenant, self._clock = wrapper, tenant, clock
        self._unwrapped: OrderedDict[bytes, bytes] = OrderedDict()
        self._used: dict[str, str] = {}
        file = SharedDatabase(
            path, _TABLE, "key store", "Restore it from a backup: without it nobody's text can be read."
        )
        self._db, self._held, self._leave_nothing = file.db, file.held, file.leave_nothing
        self.copy_to, self.close = file.copy_to, file.close

    def current(self, subject: str) -> DataKey:
        """See KeyStore. Of two processes that make the first key at once, one wins and both use its key."""
        with self._held():
            row = self._newest(subject)
        if row is None:
            made = new_key()
            wrapped = self._wrap(subject, made)
            with self._held(writing=True):
                row = self._newest(subject)
                if row is None:
                    self._insert(subject, made.generation, wrapped)
                    row = made.generation, wrapped
        self._note_use(subject)
        return self._key(subject, *row)

    def find(self, subject: str, generation: int) -> DataKey:
        """See KeyStore."""
        query = "select cast(wrapped as blob) from data_keys where tenant = ? and subject = ? and generation = ?"
        with self._held():
            row = self._db.execute(query, (self._tenant, subject, generation)).fetchone()
        if row is None:
            raise KeyMissing
        return self._key(subject, generation, row[0])

    def rotate(self, subject: str) -> DataKey:
        """See KeyStore."""
        made = new_key()
        wrapped = self._wrap(subject, made)
        with self._held(writing=True):
            self._insert(subject, made.generation, wrapped)
        return made

    def destroy(self, subject: str) -> int:
        """See KeyStore. Nothing of them is left in the file or beside it."""
        with self._held(writing=True):
            gone = self._delete(subject)
        self._leave_nothing()
        return gone

    def count_of(self, subject: str) -> int:
        """How many keys a subject has."""
        whose = (self._tenant, subject)
        with self._held():
            query = "select count(*) from data_keys where tenant = ? and subject = ?"
            return int(self._db.execute(query, whose).fetchone()[0])

    def destroy_older(self, subject: str, until: datetime) -> int:
        """Forget a subject's keys that were made until a time, as a restored copy may have them; how many."""
        old = "delete from data_keys where tenant = ? and subject = ? and created_at <= ?"
        with self._held(writing=True):
            gone = self._db.execute(old, (self._tenant, subject, until.isoformat())).rowcount
        self._leave_nothing()
        return gone

    def destroy_unused(self, since: datetime) -> int:
        """Forget the keys of everybody who sealed nothing since; how many there were."""
        old = (
            "select distinct k.subject from data_keys k left join last_used u using (tenant, subject) "
            "where k.tenant = ?1 and coalesce(u.day, substr(k.created_at, 1, 10)) < ?2"
        )
        with self._held(writing=True):
            subjects = [row[0] for row in self._db.execute(old, (self._tenant, since.date().isoformat()))]
            gone = sum(self._delete(subject) for subject in subjects)
        if gone:
            self._leave_nothing()
        return gone

    def _delete(self, subject: str) -> int:
        whose = (self._tenant, subject)
        self._db.execute("delete from last_used where tenant = ? and subject = ?", whose)
        self._used.pop(subject, None)
        return self._db.execute("delete from data_keys where tenant = ? and subject = ?", whose).rowcount

    def _note_use(self, subject: str) -> None:
        """Once a day and person."""
        today = self._clock().date().isoformat()
        if self._used.get(subject) == today:
            return
        with self._held(writing=True):
            self._db.execute("insert or replace into last_used values (?, ?, ?)", (self._tenant, subject, today))
        self._used[subject] = today
        if len(self._used) > _REMEMBERED:
            self._used.clear()

    def rewrap(self, progress: Callable[[int], None] = lambda _done: None) -> tuple[int, list[tuple[str, str]]]:
        """Wrap anew what is not under the newest key-encryption key. May be repeated.

        Gives how many these were, and the subjects with an entry that cannot be unwrapped, with the reason: it stays
        as it is.
        """
        query = "select place, tenant, subject, generation, cast(wrapped as blob) from data_keys"
        with self._held():
            rows = self._db.execute(query).fetchall()
        old = [row for row in rows if not self._wrapper.is_current(row[4])]
        unusable: list[tuple[str, str]] = []
        for number, (place, tenant, subject, generation, wrapped) in enumerate(old, 1):
            bound = bound_to(tenant, subject, generation)
            try:
                anew = self._wrapper.wrap(self._wrapper.unwrap(wrapped, bound), bound)
            except CannotUnwrap as error:
                unusable.append((subject, str(error)))
                continue
            with self._held(writing=True):  # not where somebody destroyed it meanwhile
                self._db.execute("update data_keys set wrapped = ? where place = ?", (anew, place))
            progress(number)
        return len(old) - len(unusable), unusable

    def unusable(self) -> Iterator[tuple[str, str]]:
        """Subjects of this tenant with a key that cannot be unwrapped, and why: tampered with, or wrapped by another.

        Raises Unavailable where who wraps does not answer.
        """
        query = "select subject, generation, cast(wrapped as blob) from data_keys where tenant = ? order by place"
        with self._held():
            rows = self._db.execute(query, (self._tenant,)).fetchall()
        for subject, generation, wrapped in rows:
            try:
                self._key(subject, generation, wrapped)
            except KeyUnusable as error:
                yield subject, str(error)

    def count(self) -> tuple[int, int]:
        """Subjects and keys of this tenant."""
        query = "select count(distinct subject), count(*) from data_keys where tenant = ?"
        with self._held():
            subjects, keys = self._db.execute(query, (self._tenant,)).fetchone()
        return int(subjects), int(keys)

    def _newest(self, subject: str) -> tuple[int, bytes] | None:
        query = (
            "select generation, cast(wrapped as blob) from data_keys where tenant = ? and subject = ? "
            "order by place desc limit 1"
        )
        row: tuple[int, bytes] | None = self._db.execute(query, (self._tenant, subject)).fetchone()
        return row

    def _insert(self, subject: str, generation: int, wrapped: bytes) -> None:
        self._db.execute(
            "insert into data_keys (tenant, subject, generation, wrapped, created_at) values (?, ?, ?, ?, ?)",
            (self._tenant, subject, generation, wrapped, self._clock().isoformat()),
        )

    def _wrap(self, subject: str, key: DataKey) -> bytes:
        return self._wrapper.wrap(key.secret, bound_to(self._tenant, subject, key.generation))

    def _key(self, subject: str, generation: int, wrapped: bytes) -> DataKey:
        """Who wraps may be far away: what was unwrapped is remembered by its wrapping, which has to be there still."""
        bound = bound_to(self._tenant, subject, generation)
        name = bound + wrapped
        secret = self._unwrapped.get(name)
        if secret is None:
            try:
                secret = self._wrapper.unwrap(wrapped, bound)
            except CannotUnwrap as error:
                raise KeyUnusable(str(error)) from None
            if len(secret) != KEY_BYTES:
                raise KeyUnusable("not a key")
            self._unwrapped[name] = secret
            while len(self._unwrapped) > _REMEMBERED:
                self._unwrapped.popitem(last=False)
        return DataKey(generation, secret)


def bound_to(tenant: str, subject: str, generation: int) -> bytes:
    """What a wrapped key belongs to."""
    return "\x1f".join((tenant, subject, str(generation))).encode()
