"""Secrets come from files, Vault and the environment, in this order, and change while a process runs."""

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from sluice.errors import Unavailable
from sluice.secret_sources import Environment, MountedFiles, Remembered, Secrets, VaultSecrets
from sluice.settings import Settings
from tests.waiting import until


class KeyValue:
    """The part of Vault's key-value API that is used."""

    def __init__(self) -> None:
        self.fields: object = {"MODEL_KEY": "from vault"}
        self.status = 200
        self.tokens: list[str | None] = []


def nobody_fetches() -> bool:
    return all(thread.name != "secrets" for thread in threading.enumerate())


@pytest.fixture
def vault() -> Iterator[tuple[KeyValue, str]]:
    known = KeyValue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.tokens.append(self.headers["x-vault-token"])
            status = known.status if self.path == "/v1/secret/data/sluice/prod" else 404
            raw = json.dumps({"data": {"data": known.fields}}).encode()
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
    assert until(nobody_fetches)  # a thread that outlives its owner would warn in somebody else's test
    server.shutdown()
    thread.join()
    server.server_close()


def shown(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def test_the_first_source_that_has_it_counts(tmp_path: Path, vault: tuple[KeyValue, str]):
    far = Remembered(VaultSecrets(vault[1], lambda: SecretStr("s.t"), "secret/sluice/prod"))
    near = Environment({"MODEL_KEY": "from environment", "ONLY_HERE": "here", "EMPTY": ""})
    secrets = Secrets((MountedFiles(tmp_path), far, near))
    assert shown(secrets("MODEL_KEY")) == "from vault"
    (tmp_path / "MODEL_KEY").write_text("from file\n")
    assert shown(secrets("MODEL_KEY")) == "from file"
    (tmp_path / "MODEL_KEY").write_text("rotated")
    assert shown(secrets("MODEL_KEY")) == "rotated"
    assert shown(secrets("ONLY_HERE")) == "here"
    assert (secrets("EMPTY"), secrets("NOWHERE")) == (None, None)
    assert vault[0].tokens == ["s.t"]


@pytest.mark.parametrize("name", ["../MODEL_KEY", "", "lower", "A B", "A" * 101])
def test_names_that_are_none_are_never_looked_up(tmp_path: Path, name: str):
    (tmp_path / "MODEL_KEY").write_text("secret")
    assert Secrets((MountedFiles(tmp_path / "sub"), Environment({name: "x"})))(name) is None


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_file_without_a_secret_is_passed_over(tmp_path: Path, content: bytes):
    (tmp_path / "MODEL_KEY").write_bytes(content)
    assert MountedFiles(tmp_path)("MODEL_KEY") is None


def test_what_changes_in_vault_is_used_and_what_it_said_last_stays(vault: tuple[KeyValue, str]):
    known, address = vault
    secret = Remembered(VaultSecrets(address, lambda: None, "secret/sluice/prod"), again_seconds=0.01)
    assert shown(secret("MODEL_KEY")) == "from vault"
    known.fields = {"MODEL_KEY": "rotated", "EMPTY": ""}
    assert until(lambda: shown(secret("MODEL_KEY")) == "rotated")
    asked = len(known.tokens)
    known.status = 503
    assert until(lambda: len(known.tokens) > asked + 2)
    assert shown(secret("MODEL_KEY")) == "rotated"
    assert secret("EMPTY") is None


@pytest.mark.parametrize("fields", [None, "text"])
def test_an_answer_that_has_no_fields_is_none(vault: tuple[KeyValue, str], fields: object):
    vault[0].fields = fields
    with pytest.raises(Unavailable, match="does not give secret/sluice/prod"):
        VaultSecrets(vault[1], lambda: None, "secret/sluice/prod")()


def test_a_vault_that_refuses_or_is_away_is_unavailable(vault: tuple[KeyValue, str]):
    with pytest.raises(Unavailable, match="answers 404 for secret/nothing"):
        VaultSecrets(vault[1], lambda: None, "secret/nothing")()
    with pytest.raises(Unavailable, match="ConnectError"):
        Remembered(VaultSecrets("http://127.0.0.1:9", lambda: None, "secret/x"))("MODEL_KEY")


def test_settings_say_where_secrets_are(tmp_path: Path, vault: tuple[KeyValue, str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(os.environ, "MODEL_KEY", "from environment")
    (tmp_path / "SLUICE_VAULT_TOKEN").write_text("s.mounted\n")
    plain = Settings(home=tmp_path, vault_token=SecretStr("s.set"))
    assert (shown(plain.secret("MODEL_KEY")), shown(plain.secret("SLUICE_DEV_KEY"))) == ("from environment", "dev-key")
    assert shown(plain.current_vault_token()) == "s.set"
    own = {"secrets_dir": tmp_path, "vault_address": vault[1], "vault_secrets": "secret/sluice/prod"}
    mounted = Settings(home=tmp_path, **own)
    assert shown(mounted.secret("MODEL_KEY")) == "from vault"
    assert vault[0].tokens == ["s.mounted"]
    (tmp_path / "SLUICE_DEV_KEY").write_text("another")
    assert shown(mounted.secret("SLUICE_DEV_KEY")) == "another"
