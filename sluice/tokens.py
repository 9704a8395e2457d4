"""Development tokens: signed by a key file of this platform. Anything else than HS256 by that key is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

import jwt

from sluice.errors import ErrorCode, Refused
from sluice.ids import pseudonym

ISSUER, AUDIENCE = "sluice-development", "sluice"
DEVELOPER = "developer"
_ALGORITHM = "HS256"
LONGEST_TOKEN = 8192
Role = Literal["user", "analyst", "operator", "privacy_officer", "admin"]
ROLES: frozenset[str] = frozenset(get_args(Role))
Scope = Literal["chat", "read", "analyst", "operator", "privacy_officer", "admin"]
"""What a machine's key can be limited to: what every person may do, in two parts, and the other roles of people."""
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """Limits of a machine's key. `bots` None: all of them."""

    key_id: str
    scopes: frozenset[str] = frozenset()
    bots: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Who is asking: a pseudonym, until when the token counts, and what they may do beside talking.

    `key` where it is a machine, which may do only what its key says.
    """

    user_id: str
    expires_at: datetime
    roles: frozenset[str] = frozenset({"user"})
    key: KeyGrant | None = None

    def may_ask(self, bot: str) -> bool:
        """Whether this bot answers them."""
        return self.key is None or self.key.bots is None or bot in self.key.bots


def roles_of(claim: object) -> frozenset[str]:
    """Those of a claim that are known here; everybody is a user."""
    named = claim if isinstance(claim, list) else str(claim or "").split()
    return frozenset({"user"}) | {role for role in named if isinstance(role, str) and role in ROLES}


def issue(subject: str, signing_key: bytes, now: datetime, seconds: int, roles: Sequence[str] = ()) -> str:
    """A bearer token for `subject`."""
    claims = {"sub": subject, "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + timedelta(seconds=seconds)}
    claims |= {"roles": list(roles)} if roles else {}
    return jwt.encode(claims, signing_key, algorithm=_ALGORITHM)


def is_own(token: str) -> bool:
    """Whether it says that this platform made it. Nothing is checked."""
    try:
        claims = jwt.decode(token[:LONGEST_TOKEN], options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError):
        return False
    return claims.get("iss") == ISSUER


def verify(token: str, signing_key: bytes, pseudonym_key: bytes, now: datetime) -> Person:
    """The person behind a token. Raises Refused(unauthenticated or token_expired)."""
    if len(token) > LONGEST_TOKEN:
        raise Refused(ErrorCode.UNAUTHENTICATED)
    try:
        claims = jwt.decode(
            token,
            signing_key,
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": ["exp", "sub", "aud", "iss"], "verify_exp": False, "verify_iat": False},
        )
        expires_at = datetime.fromtimestamp(int(claims["exp"]), now.tzinfo)
        user_id = pseudonym(claims["sub"], pseudonym_key)
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, OSError):
        raise Refused(ErrorCode.UNAUTHENTICATED) from None
    if expires_at <= now:
        raise Refused(ErrorCode.TOKEN_EXPIRED)
    return Person(user_id, expires_at, roles_of(claims.get("roles")))
