from datetime import timedelta

import jwt
import pytest
from typer.testing import CliRunner

from sluice.audit import Mark
from sluice.cli.main import build
from sluice.errors import Refused
from sluice.ids import pseudonym
from sluice.key_files import PSEUDONYM_KEY, make_key_files
from sluice.owed_marks import OwedMarks
from sluice.tokens import AUDIENCE, ISSUER, issue, verify
from tests.doubles import NOON

KEY, OTHER = b"k" * 64, b"o" * 64
CLAIMS = {"sub": "jane", "iss": ISSUER, "aud": AUDIENCE, "exp": int(NOON.timestamp()) + 60}


def test_who_holds_a_token_is_known_by_pseudonym():
    person = verify(issue("jane", KEY, NOON, 60), KEY, OTHER, NOON)
    assert person.user_id.startswith("usr_")
    assert person.expires_at == NOON + timedelta(seconds=60)


def test_an_expired_token_says_so():
    with pytest.raises(Refused) as refused:
        verify(issue("jane", KEY, NOON, 60), KEY, OTHER, NOON + timedelta(seconds=60))
    assert refused.value.code == "token_expired"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "garbage",
        "a.b.c",
        "x" * 100_000,
        issue("jane", OTHER, NOON, 60),
        jwt.encode(CLAIMS, None, algorithm="none"),
        jwt.encode(CLAIMS, KEY, algorithm="HS384"),
        jwt.encode(CLAIMS | {"aud": "someone"}, KEY, algorithm="HS256"),
        jwt.encode(CLAIMS | {"iss": "someone"}, KEY, algorithm="HS256"),
        jwt.encode(CLAIMS | {"exp": 10**30}, KEY, algorithm="HS256"),
        jwt.encode(CLAIMS | {"exp": []}, KEY, algorithm="HS256"),
        jwt.encode(CLAIMS | {"exp": {}}, KEY, algorithm="HS256"),
        jwt.encode(CLAIMS | {"sub": "\ud800"}, KEY, algorithm="HS256"),
        jwt.encode({k: v for k, v in CLAIMS.items() if k != "exp"}, KEY, algorithm="HS256"),
        jwt.encode({k: v for k, v in CLAIMS.items() if k != "sub"}, KEY, algorithm="HS256"),
    ],
    ids=[
        "empty",
        "garbage",
        "dots",
        "long",
        "key",
        "none",
        "algorithm",
        "audience",
        "issuer",
        "far",
        "list-exp",
        "map-exp",
        "surrogate",
        "no-exp",
        "no-sub",
    ],
)
def test_anything_else_is_refused(token: str):
    with pytest.raises(Refused) as refused:
        verify(token, KEY, OTHER, NOON)
    assert refused.value.code == "unauthenticated"


def test_the_command_gives_roles_that_exist(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    make_key_files(tmp_path / "keys")
    done = CliRunner().invoke(build(), ["token", "--role", "privacy_officer", "--role", "analyst"])
    claims = jwt.decode(done.stdout.strip(), options={"verify_signature": False})
    assert claims["roles"] == ["privacy_officer", "analyst"]
    marks: list[Mark] = []
    assert OwedMarks(tmp_path / "marks").settle(marks.extend) == 1
    whose = pseudonym(claims["sub"], (tmp_path / "keys" / PSEUDONYM_KEY).read_bytes())
    assert (marks[0].action, marks[0].outcome, marks[0].subject_id) == ("token.issue", "allowed", whose)
    assert (marks[0].reason or "").startswith("user privacy_officer analyst, noted ")
    refused = CliRunner().invoke(build(), ["token", "--role", "king"])
    assert refused.exit_code == 2
    assert OwedMarks(tmp_path / "marks").settle(marks.extend) == 0
    assert "There is no role king. There are admin, analyst" in refused.stderr
