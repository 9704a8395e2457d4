"""Development tokens: signed by a key file of this platform. Anything else than HS256 by that key is refused."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from sluice.errors import ErrorCode, Refused
from sluice.ids import pseudonym

ISSUER, AUDIENCE = "sluice-development", "sluice"
DEVELOPER = "developer"
_ALGORITHM = "HS256"
_LONGEST_TOKEN = 8192


@dataclass(frozen=True, slots=True)
class Person:
    """Who is asking: a pseudonym, and until when the token counts."""

    user_id: str
    expires_at: datetime


def issue(subject: str, signing_key: bytes, now: datetime, seconds: int) -> str:
    """A bearer token for `subject`."""
    claims = {"sub": subject, "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + timedelta(seconds=seconds)}
    return jwt.encode(claims, signing_key, algorithm=_ALGORITHM)


def verify(token: str, signing_key: bytes, pseudonym_key: bytes, now: datetime) -> Person:
    """The person behind a token. Raises Refused(unauthenticated or token_expired)."""
    if len(token) > _LONGEST_TOKEN:
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
    except (jwt.InvalidTokenError, ValueError, OverflowError, OSError):
        raise Refused(ErrorCode.UNAUTHENTICATED) from None
    if expires_at <= now:
        raise Refused(ErrorCode.TOKEN_EXPIRED)
    return Person(pseudonym(claims["sub"], pseudonym_key), expires_at)
