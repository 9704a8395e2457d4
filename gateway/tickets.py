"""Tickets for browsers' sockets: signed, so that every gateway of a platform takes what another one gave.

A gateway takes a ticket once; another one could take it once more within its half minute.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt

from sluice.clock import Clock
from sluice.errors import ErrorCode, Refused
from sluice.tokens import KeyGrant, Person, roles_of

TICKET_SECONDS = 30
_ALGORITHM = "HS256"
_AUDIENCE = "sluice-ticket"
_LONGEST_TICKET = 2048
_MOST_REMEMBERED = 10_000


@dataclass(slots=True)
class Tickets:
    """Issues and redeems. The audience keeps tickets and bearer tokens of the same key apart."""

    signing_key: bytes
    clock: Clock
    new_id: Callable[[], str] = lambda: secrets.token_urlsafe(12)
    _used: dict[str, datetime] = field(default_factory=dict)

    def issue(self, person: Person) -> str:
        """Good once, for half a minute."""
        claims: dict[str, Any] = {
            "aud": _AUDIENCE,
            "exp": self.clock() + timedelta(seconds=TICKET_SECONDS),
            "jti": self.new_id(),
            "user": person.user_id,
            "until": person.expires_at.timestamp(),
            "roles": sorted(person.roles),
        }
        if person.key is not None:
            claims["key"] = person.key.key_id
        return jwt.encode(claims, self.signing_key, algorithm=_ALGORITHM)

    def redeem(self, ticket: str) -> Person:
        """Who it was given to; of a machine's key only the id. Raises Refused(unauthenticated)."""
        now = self.clock()
        try:
            if len(ticket) > _LONGEST_TICKET:
                raise ValueError
            claims = jwt.decode(
                ticket,
                self.signing_key,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                options={"require": ["aud", "exp", "jti", "user", "until"], "verify_exp": False},
            )
            until = datetime.fromtimestamp(int(claims["exp"]), now.tzinfo)
            ends_at = datetime.fromtimestamp(float(claims["until"]), now.tzinfo)
            grant = KeyGrant(str(claims["key"])) if "key" in claims else None
            person = Person(str(claims["user"]), ends_at, roles_of(claims.get("roles")), grant)
        except (jwt.InvalidTokenError, ValueError, OverflowError, OSError):
            raise Refused(ErrorCode.UNAUTHENTICATED) from None
        ticket_id = str(claims["jti"])
        if until <= now or ticket_id in self._used:
            raise Refused(ErrorCode.UNAUTHENTICATED)
        if len(self._used) >= _MOST_REMEMBERED:
            self._used = {known: end for known, end in self._used.items() if end > now}
        self._used[ticket_id] = until
        return person
