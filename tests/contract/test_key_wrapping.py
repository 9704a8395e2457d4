"""One suite over all who wrap keys. Vault's transit engine and AWS KMS are spoken to over real HTTP.

Vault is played by a class below, AWS KMS by moto's server.
"""

import base64
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from sluice import wiring
from sluice.aws_kms import AwsKmsWrapper
from sluice.errors import ConfigurationError, Unavailable
from sluice.key_wrapping import CannotUnwrap, FileWrapper, VaultWrapper, Wrapper
from sluice.settings import Settings


class Transit:
    """The part of Vault's transit API that is used, with AES-256-GCM and versions as Vault has them."""

    def __init__(self) -> None:
        self.keys = [AESGCM.generate_key(256)]
        self.token, self.answers = "s.token", {}

    def handle(self, path: str, token: str | None, body: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if token is None or token != self.token:
            return 403, {"errors": ["permission denied"]}
        if path in self.answers:
            return self.answers[path]
        bound = base64.b64decode(body.get("associated_data", ""))
        if path == "/v1/transit/encrypt/sluice":
            nonce = b"\x00" * 11 + bytes([len(self.keys)])
            sealed = nonce + AESGCM(self.keys[-1]).encrypt(nonce, base64.b64decode(body["plaintext"]), bound)
            return 200, {"data": {"ciphertext": f"vault:v{len(self.keys)}:{base64.b64encode(sealed).decode()}"}}
        if path == "/v1/transit/decrypt/sluice":
            _, version, text = body["ciphertext"].split(":")
            raw = base64.b64decode(text)
            try:
                plain = AESGCM(self.keys[int(version[1:]) - 1]).decrypt(raw[:12], raw[12:], bound)
            except (InvalidTag, IndexError, ValueError):
                return 400, {"errors": ["cipher: message authentication failed"]}
            return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}
        return 404, {"errors": []}


@pytest.fixture
def transit() -> Iterator[tuple[Transit, str]]:
    known = Transit()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, answer = known.handle(self.path, self.headers["x-vault-token"], body)
            raw = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield known, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def vault(transit: tuple[Transit, str]) -> VaultWrapper:
    return VaultWrapper(transit[1], lambda: SecretStr("s.token"))


class Kms:
    """AWS KMS as moto has it, with an alias that is pointed at a first key."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.client: Any = boto3.client("kms", endpoint_url=address)
        self.client.create_alias(AliasName=ALIAS, TargetKeyId=self.new_key())

    def new_key(self) -> str:
        return str(self.client.create_key()["KeyMetadata"]["KeyId"])

    def rotate(self) -> None:
        self.client.update_alias(AliasName=ALIAS, TargetKeyId=self.new_key())


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kms]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Kms(f"http://{host}:{port}")
    httpx.post(f"http://{host}:{port}/moto-api/reset")
    server.stop()


@pytest.fixture(params=["file", "vault", "aws-kms"])
def wrapper(request, tmp_path: Path, vault: VaultWrapper) -> Wrapper:
    if request.param == "aws-kms":
        return AwsKmsWrapper(ALIAS, request.getfixturevalue("kms").address)
    files = FileWrapper(tmp_path)
    files.rotate()
    return files if request.param == "file" else vault


ALIAS = "alias/sluice"
KMS = b"aws-kms:arn:aws:kms:eu-central-1:123456789012:key/of-nobody:"
SECRET, BOUND = b"\x01" * 32, b"tenant\x1fusr_1\x1f7"


def test_what_is_wrapped_comes_back(wrapper: Wrapper):
    wrapped = wrapper.wrap(SECRET, BOUND)
    assert SECRET not in wrapped
    assert wrapper.unwrap(wrapped, BOUND) == SECRET


def test_it_opens_for_nothing_else(wrapper: Wrapper):
    wrapped = wrapper.wrap(SECRET, BOUND)
    with pytest.raises(CannotUnwrap):
        wrapper.unwrap(wrapped, BOUND.replace(b"usr_1", b"usr_2"))


@pytest.mark.parametrize(
    "wrapped",
    [
        b"",
        b"\x01",
        b"nothing of the kind",
        b"vault:v1:AAAA",
        b"vault:v9:" + b"A" * 80,
        KMS,
        KMS + b"A" * 80,
        KMS + b"??",
    ],
)
def test_what_was_never_wrapped_does_not_open(wrapper: Wrapper, wrapped: bytes):
    with pytest.raises(CannotUnwrap):
        wrapper.unwrap(wrapped, BOUND)


def test_old_wrappings_open_after_a_rotation_and_are_known_for_old(
    request: pytest.FixtureRequest, wrapper: Wrapper, tmp_path: Path, transit: tuple[Transit, str]
):
    old = wrapper.wrap(SECRET, BOUND)
    assert wrapper.is_current(old)
    if isinstance(wrapper, FileWrapper):
        FileWrapper(tmp_path).rotate()
    elif isinstance(wrapper, AwsKmsWrapper):
        request.getfixturevalue("kms").rotate()
        wrapper.wrap(SECRET, BOUND)
    else:
        transit[0].keys.append(AESGCM.generate_key(256))
        wrapper.wrap(SECRET, BOUND)
    assert not wrapper.is_current(old)
    assert wrapper.is_current(wrapper.wrap(SECRET, BOUND))
    assert wrapper.unwrap(old, BOUND) == SECRET


def test_vault_is_asked_once_for_its_newest_version(vault: VaultWrapper, transit: tuple[Transit, str]):
    transit[0].keys.append(AESGCM.generate_key(256))
    assert not vault.is_current(b"vault:v1:AAAA")
    assert vault.is_current(b"vault:v2:AAAA")


@pytest.mark.parametrize(
    ("answer", "said"),
    [((503, {}), "answers 503"), ((200, {"data": {"plaintext": "??"}}), "no key")],
)
def test_answers_that_are_none(vault: VaultWrapper, transit: tuple[Transit, str], answer, said: str):
    transit[0].answers["/v1/transit/decrypt/sluice"] = answer
    with pytest.raises((Unavailable, CannotUnwrap), match=said):
        vault.unwrap(b"vault:v1:AAAA", BOUND)


def test_a_token_that_may_not_is_named_without_being_said(transit: tuple[Transit, str]):
    with pytest.raises(Unavailable, match="refuses the token for transit/encrypt/sluice") as refused:
        VaultWrapper(transit[1], lambda: SecretStr("s.another")).wrap(SECRET, BOUND)
    assert "s.another" not in str(refused.value)


def test_without_a_token_vault_refuses(transit: tuple[Transit, str]):
    transit[0].token = ""
    with pytest.raises(Unavailable, match="refuses the token"):
        VaultWrapper(transit[1], lambda: None).wrap(SECRET, BOUND)


def test_a_vault_that_is_away_is_unavailable():
    with pytest.raises(Unavailable, match="does not answer"):
        VaultWrapper("http://127.0.0.1:9", lambda: None).unwrap(b"vault:v1:AAAA", BOUND)


def test_kms_is_asked_once_which_key_is_newest(kms: Kms):
    old = AwsKmsWrapper(ALIAS, kms.address).wrap(SECRET, BOUND)
    kms.rotate()
    later = AwsKmsWrapper(ALIAS, kms.address)
    assert not later.is_current(old)
    assert not later.is_current(b"vault:v1:AAAA")
    assert later.is_current(later.wrap(SECRET, BOUND))


def test_a_kms_key_that_is_not_there_is_named(kms: Kms):
    with pytest.raises(Unavailable, match="refuses to encrypt with alias/another: NotFoundException"):
        AwsKmsWrapper("alias/another", kms.address).wrap(SECRET, BOUND)


def test_a_kms_that_is_away_is_unavailable(kms: Kms):
    with pytest.raises(Unavailable, match="AWS KMS does not answer"):
        AwsKmsWrapper(ALIAS, "http://127.0.0.1:9").wrap(SECRET, BOUND)


def test_kms_without_a_region_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(ConfigurationError, match="Set AWS_REGION"):
        AwsKmsWrapper(ALIAS)


def test_kms_without_its_client_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "sluice.aws_kms", None)
    with pytest.raises(ConfigurationError, match="`make up` with this setting installs it"):
        wiring.key_wrapper(Settings(home=tmp_path, key_encryption="aws-kms"))


def test_who_wraps_is_a_setting(tmp_path: Path, kms: Kms):
    assert isinstance(wiring.key_wrapper(Settings(home=tmp_path)), FileWrapper)
    with pytest.raises(ConfigurationError, match="SLUICE_VAULT_TOKEN"):
        wiring.key_wrapper(Settings(home=tmp_path, key_encryption="vault"))
    with_token = Settings(home=tmp_path, key_encryption="vault", vault_token=SecretStr("t"))
    assert isinstance(wiring.key_wrapper(with_token), VaultWrapper)
    with_kms = Settings(home=tmp_path, key_encryption="aws-kms", aws_kms_endpoint=kms.address)
    assert isinstance(wiring.key_wrapper(with_kms), AwsKmsWrapper)
