"""Keys of machines: how one is made, known again and ended. Only its hash is kept.

The secret is 256 random bits. A slow hash protects what people choose and others can guess; here there is nothing to
guess, and every request would pay for it, so the hash is SHA-256. It covers the id, so that no hash is good for another
key. Form: `slk_`, 16 hex digits to look it up by, `_`, 64 hex digits that nobody else knows.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final, Literal, Protocol

from sluice.events import AuditRecorded
from sluice.ids import pseudonym
from sluice.tokens import KeyGrant, Person, Scope, roles_of

PREFIX = "slk_"
_KEY = re.compile(r"slk_([0-9a-f]{16})_[0-9a-f]{64}")
_ID_BYTES, _SECRET_BYTES = 8, 32
State = Literal["active", "expired", "revoked"]
REVOKE: Final = "api_keys.revoke"
"""How the audit log calls it."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key. `bots` None: all of them; `used_on` is the last day, in UTC."""

    key_id: str
    name: str
    scopes: frozenset[Scope]
    bots: frozenset[str] | None
    created_at: datetime
    expires_at: datetime
    digest: bytes = field(repr=False)
    revoked_at: datetime | None = None
    used_on: date | None = None

    def state(self, now: datetime) -> State:
        """Revoked counts before expired."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at <= now else "active"

    def is_known_by(self, text: str) -> bool:
        """Whether this is the whole key, in a time that does not tell how much of it is right."""
        return hmac.compare_digest(self.digest, _digest(text))

    def user_id(self, pseudonym_key: bytes) -> str:
        """Who it is: nobody else has this pseudonym, so nobody else has its conversations."""
        return pseudonym(f"api-key:{self.key_id}", pseudonym_key)

    def person(self, pseudonym_key: bytes) -> Person:
        """As the gateway knows who asks. Roles of people are scopes of a key."""
        grant = KeyGrant(self.key_id, frozenset(self.scopes), self.bots)
        return Person(self.user_id(pseudonym_key), self.expires_at, roles_of(sorted(self.scopes)), grant)


class ApiKeys(Protocol):
    """Where keys are kept. Every way raises Unavailable where the store does not answer."""

    def add(self, key: ApiKey) -> None:
        """Durable before it returns."""
        ...

    def find(self, key_id: str) -> ApiKey | None:
        """As it is now, whichever process changed it."""
        ...

    def listed(self) -> list[ApiKey]:
        """All of them, the oldest first."""
        ...

    def revoke(self, key_id: str, at: datetime) -> ApiKey | None:
        """End it for good; a repeat changes nothing. None where there is no such key."""
        ...

    def note_use(self, key_id: str, day: date) -> None:
        """It was used on this day."""
        ...

    def forget_ended(self, before: datetime) -> int:
        """Drop what was revoked or expired before; how many."""
        ...


def new_key(
    name: str, scopes: Iterable[Scope], bots: Iterable[str] | None, now: datetime, days: int
) -> tuple[str, ApiKey]:
    """The key, which is shown once, and what is kept of it."""
    key_id = secrets.token_hex(_ID_BYTES)
    text = f"{PREFIX}{key_id}_{secrets.token_hex(_SECRET_BYTES)}"
    ends_at = now + timedelta(days=days)
    return text, ApiKey(
        key_id, name, frozenset(scopes), None if bots is None else frozenset(bots), now, ends_at, _digest(text)
    )


def is_api_key(token: str) -> bool:
    """Whether it says that it is one. Nothing is checked."""
    return token.startswith(PREFIX)


def key_id_of(text: str) -> str | None:
    """None where it cannot be a key."""
    found = _KEY.fullmatch(text)
    return found and found[1]


def revoke_again(keys: ApiKeys, log: Iterable[AuditRecorded], pseudonym_key: bytes) -> int:
    """After a restore, what the audit log knows to be revoked; how many these were. Raises Unavailable."""
    revoked = {record.subject_id: record.occurred_at for record in log if record.action == REVOKE}
    again = [key for key in keys.listed() if key.revoked_at is None and key.user_id(pseudonym_key) in revoked]
    for key in again:
        keys.revoke(key.key_id, revoked[key.user_id(pseudonym_key)])
    return len(again)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


class MemoryApiKeys:
    """For tests and for gateways without keys; kept equal to the database by one suite."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    def add(self, key: ApiKey) -> None:
        """See ApiKeys."""
        self._keys[key.key_id] = key

    def find(self, key_id: str) -> ApiKey | None:
        """See ApiKeys."""
        return self._keys.get(key_id)

    def listed(self) -> list[ApiKey]:
        """See ApiKeys."""
        return list(self._keys.values())

    def revoke(self, key_id: str, at: datetime) -> ApiKey | None:
        """See ApiKeys."""
        key = self._keys.get(key_id)
        if key is not None and key.revoked_at is None:
            key = self._keys[key_id] = replace(key, revoked_at=at)
        return key

    def note_use(self, key_id: str, day: date) -> None:
        """See ApiKeys."""
        if key_id in self._keys:
            self._keys[key_id] = replace(self._keys[key_id], used_on=day)

    def forget_ended(self, before: datetime) -> int:
        """See ApiKeys."""
        ended = [key for key in self._keys.values() if (key.revoked_at or key.expires_at) < before]
        for key in ended:
            del self._keys[key.key_id]
        return len(ended)
