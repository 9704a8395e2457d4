"""Keys of machines in a file that the processes of one machine share. What one process revokes is refused by all."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sluice.api_keys import ApiKey
from sluice.shared_database import SharedDatabase

_TABLE = """
create table if not exists api_keys (
    place integer primary key autoincrement, key_id text not null unique, name text not null, scopes text not null,
    bots text, created_at text not null, expires_at text not null, digest blob not null, revoked_at text, used_on text
);
"""
_SELECT = "select key_id, name, scopes, bots, created_at, expires_at, digest, revoked_at, used_on from api_keys"


class DatabaseApiKeys:
    """See ApiKeys. Times are UTC, so that their order is that of their text."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigurationError where the file cannot be used."""
        file = SharedDatabase(
            path, _TABLE, "store of API keys", "Restore it from a backup, or move it away and create new keys."
        )
        self._db, self._held = file.db, file.held
        self.copy_to, self.close = file.copy_to, file.close

    def add(self, key: ApiKey) -> None:
        """See ApiKeys."""
        bots = None if key.bots is None else json.dumps(sorted(key.bots))
        row = (
            *(key.key_id, key.name, json.dumps(sorted(key.scopes)), bots),
            *(key.created_at.isoformat(), key.expires_at.isoformat(), key.digest),
            *(key.revoked_at and key.revoked_at.isoformat(), key.used_on and key.used_on.isoformat()),
        )
        with self._held(writing=True):
            self._db.execute(
                "insert into api_keys (key_id, name, scopes, bots, created_at, expires_at, digest, revoked_at, used_on)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )

    def find(self, key_id: str) -> ApiKey | None:
        """See ApiKeys."""
        with self._held():
            row = self._db.execute(f"{_SELECT} where key_id = ?", (key_id,)).fetchone()
        return None if row is None else _key(row)

    def listed(self) -> list[ApiKey]:
        """See ApiKeys."""
        with self._held():
            rows = self._db.execute(f"{_SELECT} order by place").fetchall()
        return [_key(row) for row in rows]

    def revoke(self, key_id: str, at: datetime) -> ApiKey | None:
        """See ApiKeys."""
        with self._held(writing=True):
            self._db.execute(
                "update api_keys set revoked_at = ? where key_id = ? and revoked_at is null", (at.isoformat(), key_id)
            )
        return self.find(key_id)

    def note_use(self, key_id: str, day: date) -> None:
        """See ApiKeys."""
        with self._held(writing=True):
            self._db.execute("update api_keys set used_on = ? where key_id = ?", (day.isoformat(), key_id))

    def forget_ended(self, before: datetime) -> int:
        """See ApiKeys."""
        with self._held(writing=True):
            return self._db.execute(
                "delete from api_keys where coalesce(revoked_at, expires_at) < ?", (before.isoformat(),)
            ).rowcount


def _key(row: Any) -> ApiKey:
    key_id, name, scopes, bots, created_at, expires_at, digest, revoked_at, used_on = row
    return ApiKey(
        key_id,
        name,
        frozenset(json.loads(scopes)),
        bots and frozenset(json.loads(bots)),
        datetime.fromisoformat(created_at),
        datetime.fromisoformat(expires_at),
        digest,
        revoked_at and datetime.fromisoformat(revoked_at),
        used_on and date.fromisoformat(used_on),
    )
