"""A real OpenID provider (certified, from npm) signs; the gateway checks."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import jwt
import pytest

from gateway.issuer import Issuer
from local.page import find_npm
from sluice.clock import utc_now
from sluice.errors import ErrorCode, Refused
from sluice.ids import pseudonym
from sluice.paths import checkout
from tests.ports import free_ports


@dataclass(frozen=True)
class Provider:
    url: str
    algorithm: str
    process: "subprocess.Popen[str]"

    def token(self) -> str:
        asked = {"grant_type": "client_credentials"}
        answer = httpx.post(f"{self.url}/token", data=asked, auth=("jane", "jane"), timeout=30).json()
        return str(answer["access_token"])

    def issuer(self, client: httpx.AsyncClient, audience: str = "urn:sluice") -> Issuer:
        return Issuer(self.url, audience, "roles", b"p", utc_now, client)


@pytest.fixture(params=["RS256", "ES256", "EdDSA"])
def provider(request: pytest.FixtureRequest) -> Iterator[Provider]:
    (port,) = free_ports(1)
    node = Path(find_npm()[0]).with_name("node")
    command = [str(node), "provider.mjs", str(port), request.param]
    folder = checkout() / "tests" / "oidc"
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "listens":
            break
    else:
        raise AssertionError("The provider ended.")
    yield Provider(f"http://127.0.0.1:{port}", request.param, process)
    process.terminate()
    process.stdout.close()
    process.wait(10)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as opened:
        yield opened


async def test_its_people_are_known_with_their_roles(provider: Provider, client: httpx.AsyncClient):
    token = provider.token()
    assert jwt.get_unverified_header(token)["alg"] == provider.algorithm
    person = await provider.issuer(client).verify(token)
    assert person.user_id == pseudonym(f"{provider.url}|jane", b"p")
    assert person.roles == {"user", "analyst"}
    assert person.expires_at > utc_now()


async def test_its_tokens_for_somebody_else_are_refused(provider: Provider, client: httpx.AsyncClient):
    with pytest.raises(Refused) as refused:
        await provider.issuer(client, "urn:another").verify(provider.token())
    assert refused.value.code is ErrorCode.UNAUTHENTICATED


async def test_when_it_is_gone_who_is_known_stays_known_and_a_new_gateway_says_so(
    provider: Provider, client: httpx.AsyncClient
):
    token, issuer = provider.token(), provider.issuer(client)
    await issuer.verify(token)
    provider.process.terminate()
    provider.process.wait(10)
    await issuer.verify(token)
    with pytest.raises(Refused) as refused:
        await provider.issuer(client).verify(token)
    assert refused.value.code is ErrorCode.IDENTITY_UNAVAILABLE
