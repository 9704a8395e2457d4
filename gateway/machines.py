"""Machines by their keys. Every look is at the store, so that a key that was revoked is refused from then on."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import assert_never

from sluice.api_keys import ApiKey, ApiKeys, key_id_of
from sluice.clock import Clock
from sluice.errors import ErrorCode, Refused, Unavailable
from sluice.tokens import Person

UNKNOWN = "unknown"


class RefusedKey(Refused):
    """A key that is no good. `actor_id` is whose it is where it was shown whole, `subject_id` where it was not."""

    def __init__(self, code: ErrorCode, actor_id: str = UNKNOWN, subject_id: str | None = None) -> None:
        super().__init__(code)
        self.actor_id, self.subject_id = actor_id, subject_id


@dataclass(slots=True)
class Machines:
    """Every way raises Refused(identity_unavailable) where the store does not answer."""

    keys: ApiKeys
    pseudonym_key: bytes
    clock: Clock
    _used: dict[str, date] = field(default_factory=dict)

    def verify(self, text: str) -> Person:
        """The machine behind a key. Raises RefusedKey(unauthenticated, token_expired or key_revoked)."""
        key_id = key_id_of(text)
        key = None if key_id is None else self._find(key_id)
        if key is None:
            raise RefusedKey(ErrorCode.UNAUTHENTICATED)
        if not key.is_known_by(text):
            raise RefusedKey(ErrorCode.UNAUTHENTICATED, subject_id=key.user_id(self.pseudonym_key))
        person = self._person(key)
        self._note_use(key.key_id)
        return person

    def still(self, key_id: str) -> Person:
        """The machine of a key that was shown before, as it is now. Raises as `verify`."""
        key = self._find(key_id)
        if key is None:
            raise RefusedKey(ErrorCode.KEY_REVOKED)
        return self._person(key)

    def _find(self, key_id: str) -> ApiKey | None:
        with _answering():
            return self.keys.find(key_id)

    def _person(self, key: ApiKey) -> Person:
        person = key.person(self.pseudonym_key)
        match key.state(self.clock()):
            case "revoked":
                raise RefusedKey(ErrorCode.KEY_REVOKED, person.user_id)
            case "expired":
                raise RefusedKey(ErrorCode.TOKEN_EXPIRED, person.user_id)
            case "active":
                return person
            case unknown:
                assert_never(unknown)

    def _note_use(self, key_id: str) -> None:
        """One try a day and process: a store that cannot be written now neither refuses nor delays who asks."""
        today = self.clock().date()
        if self._used.get(key_id) != today:
            self._used[key_id] = today
            with contextlib.suppress(Unavailable):
                self.keys.note_use(key_id, today)


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except Unavailable:
        raise Refused(
            ErrorCode.IDENTITY_UNAVAILABLE, "The store of API keys does not answer; try again in a moment."
        ) from None
