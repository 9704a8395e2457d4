"""People of an OpenID provider: tokens signed by the keys that it publishes.

Discovery and keys are fetched once and kept; a key that is not known is looked for at most twice a minute, so that
nobody can make this process ask the provider by inventing key ids. Specification: OpenID Connect Discovery 1.0,
RFC 7517 (keys), RFC 7519 (tokens), RFC 8725 (what to check).
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt

from sluice.clock import Clock
from sluice.errors import ErrorCode, Refused
from sluice.ids import pseudonym
from sluice.tokens import LONGEST_TOKEN, Person, roles_of

ALGORITHMS = ("RS256", "ES256", "EdDSA")
_FRESH_SECONDS = 600.0
_MISS_SECONDS = 30.0
_TIMEOUT_SECONDS = 5.0
_MOST_BYTES = 262_144
_REQUIRED = ["exp", "sub", "aud", "iss"]


class _NoKeys(Exception):
    """The provider does not give what is needed."""


@dataclass(slots=True)
class Issuer:
    """One provider and the audience that its tokens must name. `roles_claim` may be nested: `realm_access.roles`."""

    url: str
    audience: str
    roles_claim: str
    pseudonym_key: bytes
    clock: Clock
    client: httpx.AsyncClient
    monotonic: Callable[[], float] = time.monotonic
    _keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    _asked_at: float = float("-inf")
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def verify(self, token: str) -> Person:
        """The person behind a token. Raises Refused(unauthenticated, token_expired or identity_unavailable)."""
        if len(token) > LONGEST_TOKEN:
            raise Refused(ErrorCode.UNAUTHENTICATED)
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(str(header.get("kid", "")), str(header.get("alg", "")))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[header["alg"]],
                audience=self.audience,
                issuer=self.url,
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
            now = self.clock()
            expires_at = datetime.fromtimestamp(int(claims["exp"]), now.tzinfo)
            begins_at = datetime.fromtimestamp(int(claims.get("nbf", 0)), now.tzinfo)
            user_id = pseudonym(f"{self.url}|{claims['sub']}", self.pseudonym_key)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError):
            raise Refused(ErrorCode.UNAUTHENTICATED) from None
        if expires_at <= now:
            raise Refused(ErrorCode.TOKEN_EXPIRED)
        if begins_at > now:
            raise Refused(ErrorCode.UNAUTHENTICATED)
        return Person(user_id, expires_at, self._roles(claims))

    def _roles(self, claims: dict[str, Any]) -> frozenset[str]:
        found: Any = claims
        for name in self.roles_claim.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        return roles_of(found)

    async def _key(self, kid: str, algorithm: str) -> jwt.PyJWK:
        """Raises Refused, also for an algorithm that is not allowed, before anybody is asked."""
        if algorithm not in ALGORITHMS:
            raise Refused(ErrorCode.UNAUTHENTICATED)
        age = self.monotonic() - self._asked_at
        if age > _FRESH_SECONDS or (kid not in self._keys and age > _MISS_SECONDS):
            await self._ask()
        if not self._keys:
            raise Refused(ErrorCode.IDENTITY_UNAVAILABLE)
        if kid not in self._keys:
            raise Refused(ErrorCode.UNAUTHENTICATED)
        return self._keys[kid]

    async def _ask(self) -> None:
        """Old keys stay where the provider does not answer. Who asks while somebody asks shares the answer."""
        asked_at = self._asked_at
        async with self._asking:
            if self._asked_at != asked_at:
                return
            self._asked_at = self.monotonic()
            try:
                about = await self._get(f"{self.url.rstrip('/')}/.well-known/openid-configuration")
                if about.get("issuer") != self.url:
                    raise _NoKeys
                listed = await self._get(str(about.get("jwks_uri", "")))
                self._keys = _usable(listed.get("keys"))
            except (httpx.HTTPError, _NoKeys, ValueError):
                return

    async def _get(self, url: str) -> dict[str, Any]:
        if not is_confidential(url):
            raise _NoKeys
        answer = await self.client.get(url, timeout=_TIMEOUT_SECONDS, follow_redirects=False)
        answer.raise_for_status()
        if len(answer.content) > _MOST_BYTES or not isinstance(found := answer.json(), dict):
            raise _NoKeys
        return found


def is_confidential(url: str) -> bool:
    """HTTPS, or a provider on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"))


def _usable(listed: object) -> dict[str, jwt.PyJWK]:
    """Signature keys of the allowed algorithms by id; others are passed over."""
    found: dict[str, jwt.PyJWK] = {}
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and one.get("use", "sig") == "sig" and isinstance(one.get("kid"), str):
            try:
                key = jwt.PyJWK(one)
            except (jwt.PyJWTError, ValueError, TypeError):
                continue
            if key.algorithm_name in ALGORITHMS:
                found[one["kid"]] = key
    return found
