"""Tokens of an OpenID provider: what is taken, what is not, and how often the provider is asked."""

import json
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as new_rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from gateway.access import Access
from gateway.issuer import Issuer, is_confidential
from sluice.errors import ErrorCode, Refused
from sluice.ids import pseudonym
from sluice.tokens import issue
from tests.doubles import NOON, ManualClock

URL = "https://login.example/realm"
RSA, EC, ED, OTHER = new_rsa(65537, 2048), new_ec(SECP256R1()), Ed25519PrivateKey.generate(), new_rsa(65537, 2048)


def public(algorithm: Any, key: Any, kid: str, **more: str) -> dict[str, Any]:
    return json.loads(algorithm.to_jwk(key.public_key())) | {"kid": kid} | more


KEYS = [
    public(RSAAlgorithm, RSA, "r", alg="RS256", use="sig"),
    public(ECAlgorithm, EC, "e"),
    public(OKPAlgorithm, ED, "o"),
    public(RSAAlgorithm, OTHER, "for encryption", use="enc"),
    public(RSAAlgorithm, OTHER, "weak", alg="RS512"),
    {"kid": "broken", "kty": "RSA", "n": "??"},
    "no key",
    {"kty": "oct", "k": "c2VjcmV0", "kid": 7},
]


class Provider:
    """Discovery and keys, over httpx' own transport for tests; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.about: Any = {"issuer": URL, "jwks_uri": f"{URL}/keys"}
        self.keys: Any = {"keys": KEYS}
        self.status = 200
        self.seconds = 0.0
        self.clock = ManualClock()
        client = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        self.issuer = Issuer(URL, "sluice", "realm.roles", b"p", self.clock, client, lambda: self.seconds)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        return httpx.Response(self.status, json=self.about if "well-known" in str(request.url) else self.keys)

    async def refused(self, token: str) -> ErrorCode:
        with pytest.raises(Refused) as refused:
            await self.issuer.verify(token)
        return refused.value.code


@pytest.fixture
def provider() -> Provider:
    return Provider()


def token(key: Any = RSA, algorithm: str = "RS256", kid: str | None = "r", **over: Any) -> str:
    claims = {"iss": URL, "aud": "sluice", "sub": "jane", "exp": NOON + timedelta(hours=1)} | over
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm, {} if kid is None else {"kid": kid})


@pytest.mark.parametrize(("key", "algorithm", "kid"), [(RSA, "RS256", "r"), (EC, "ES256", "e"), (ED, "EdDSA", "o")])
async def test_a_person_is_known_by_each_allowed_algorithm(provider: Provider, key: Any, algorithm: str, kid: str):
    person = await provider.issuer.verify(token(key, algorithm, kid, realm={"roles": ["operator", "owner", 7]}))
    assert person.user_id == pseudonym(f"{URL}|jane", b"p")
    assert person.expires_at == NOON + timedelta(hours=1)
    assert person.roles == {"user", "operator"}


@pytest.mark.parametrize("claim", [None, "text", {"roles": None}, {"roles": {"a": 1}}])
async def test_whoever_has_no_roles_is_a_user(provider: Provider, claim: Any):
    assert (await provider.issuer.verify(token(realm=claim))).roles == {"user"}


WRONG = {
    "none": jwt.encode({"iss": URL, "aud": "sluice", "sub": "jane", "exp": 9e9}, "", "none", {"kid": "r"}),
    "a shared secret": token("secret" * 8, "HS256"),
    "a weak algorithm": token(OTHER, "RS512", "weak"),
    "another key": token(OTHER),
    "another algorithm than its key's": token(EC, "ES256", "r"),
    "a key for something else": token(OTHER, kid="for encryption"),
    "no key id": token(kid=None),
    "another audience": token(aud="another"),
    "no audience": token(aud=None),
    "another issuer": token(iss="https://evil.example"),
    "no subject": token(sub=None),
    "no end": token(exp=None),
    "an end that is none": token(exp=10**400),
    "an end that is a list": token(exp=[]),
    "a subject that is no text": token(sub="\ud800"),
    "not yet": token(nbf=NOON + timedelta(minutes=1)),
    "nonsense": "no token",
    "100 kB": "e" * 100_000,
    "a changed letter": token()[:-20] + "A" * 20,
}


@pytest.mark.parametrize("name", WRONG)
async def test_everything_else_is_refused(provider: Provider, name: str):
    assert await provider.refused(WRONG[name]) is ErrorCode.UNAUTHENTICATED


async def test_an_expired_token_is_told_so(provider: Provider):
    assert await provider.refused(token(exp=NOON)) is ErrorCode.TOKEN_EXPIRED


async def test_what_cannot_be_right_asks_nobody(provider: Provider):
    for name in ("none", "a shared secret", "a weak algorithm", "nonsense", "100 kB"):
        await provider.refused(WRONG[name])
    assert provider.asked == []


async def test_the_provider_is_asked_once_and_for_unknown_keys_twice_a_minute(provider: Provider):
    for _ in range(5):
        await provider.issuer.verify(token())
        await provider.refused(token(kid="invented"))
    assert len(provider.asked) == 2
    provider.seconds = 31
    for _ in range(5):
        await provider.refused(token(kid="invented"))
    assert len(provider.asked) == 4


async def test_new_keys_are_found_and_old_ones_go(provider: Provider):
    await provider.issuer.verify(token())
    provider.keys = {"keys": [public(RSAAlgorithm, OTHER, "new")]}
    assert await provider.refused(token(OTHER, kid="new")) is ErrorCode.UNAUTHENTICATED
    provider.seconds = 31
    await provider.issuer.verify(token(OTHER, kid="new"))
    assert await provider.refused(token()) is ErrorCode.UNAUTHENTICATED


async def test_a_provider_that_goes_away_leaves_its_keys(provider: Provider):
    await provider.issuer.verify(token())
    provider.status, provider.seconds = 503, 3600
    await provider.issuer.verify(token())
    assert len(provider.asked) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"status": 503},
        {"status": 302},
        {"about": {"issuer": "https://evil.example", "jwks_uri": f"{URL}/keys"}},
        {"about": {"issuer": URL, "jwks_uri": "http://login.example/keys"}},
        {"about": {"issuer": URL}},
        {"about": ["no object"]},
        {"keys": {"keys": "none"}},
        {"keys": {"keys": [], "padding": "x" * 300_000}},
    ],
)
async def test_without_keys_nobody_is_known_and_it_says_so(provider: Provider, change: dict[str, Any]):
    for name, value in change.items():
        setattr(provider, name, value)
    assert await provider.refused(token()) is ErrorCode.IDENTITY_UNAVAILABLE


async def test_who_asks_at_the_same_time_shares_the_answer(provider: Provider):
    import asyncio

    people = await asyncio.gather(*(provider.issuer.verify(token()) for _ in range(20)))
    assert len({person.user_id for person in people}) == 1
    assert len(provider.asked) == 2


def test_confidential_is_https_or_this_machine():
    assert all(map(is_confidential, (URL, "http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]:8/x")))
    assert not any(
        map(is_confidential, ("http://login.example", "ftp://login.example", "", "http://127.0.0.1.evil.example"))
    )


def access(provider: Provider, *, dev_tokens: bool) -> Access:
    return Access(b"k" * 64, b"p", provider.clock, 60, dev_tokens, issuer=provider.issuer)


async def test_the_platforms_own_tokens_count_only_if_development_tokens_do(provider: Provider):
    own = {"authorization": f"Bearer {issue('dev', b'k' * 64, NOON, 60, ['admin'])}"}
    people = {"authorization": f"Bearer {token()}"}
    with pytest.raises(Refused, match="unauthenticated"):
        await access(provider, dev_tokens=False).person(own, ("read",))
    both = access(provider, dev_tokens=True)
    assert (await both.person(own, ("read",))).roles == {"user", "admin"}
    assert (await both.person(people, ("read",))).user_id == pseudonym(f"{URL}|jane", b"p")
    with pytest.raises(Refused, match="unauthenticated"):
        await both.person({"authorization": "Bearer nonsense"}, ("read",))
