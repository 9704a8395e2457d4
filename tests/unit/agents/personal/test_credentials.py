import pytest

from tests.unit.agents.personal.everything import found

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nabcdefghijklmnop\n-----END RSA PRIVATE KEY-----"
CUT = "-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKCAQEAabcdef\nabcdefghijklmnop0123\n"
PUTTY = "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nAAAAC3NzaC1lZDI1\nPrivate-MAC: 0f"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("use AKIAIOSFODNN7EXAMPLE here", "API_KEY", "AKIAIOSFODNN7EXAMPLE"),
        ("slk_" + "0a" * 8 + "_" + "1b" * 32, "API_KEY", "slk_" + "0a" * 8 + "_" + "1b" * 32),
        ("ghp_" + "a1B2" * 9, "API_KEY", "ghp_" + "a1B2" * 9),
        ("key=sk-proj-" + "aB3" * 12, "API_KEY", "sk-proj-" + "aB3" * 12),
        ("Authorization: Bearer abcdef0123456789ABCDEF", "API_KEY", "abcdef0123456789ABCDEF"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_123", "JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_123"),
        (PEM, "PRIVATE_KEY", PEM),
        (PEM.replace("\n", "\\n"), "PRIVATE_KEY", PEM.replace("\n", "\\n")),
        (CUT, "PRIVATE_KEY", CUT),
        (f"{CUT}0aB1c2D3", "PRIVATE_KEY", f"{CUT}0aB1c2D3"),
        (f"{PUTTY}\n\nthat is it", "PRIVATE_KEY", PUTTY),
        ("postgres://u:p@ss@db.host/x", "CONNECTION_STRING", "postgres://u:p@ss@db.host/x"),
        (
            "Server=db;Database=x;User Id=sa;Password=s3cret;",
            "CONNECTION_STRING",
            "Server=db;Database=x;User Id=sa;Password=s3cret",
        ),
    ],
)
def test_finds(text: str, kind: str, value: str):
    assert found(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "eyJ is how they begin",
        "https://example.com/a:b",
    ],
)
def test_leaves_alone(text: str):
    assert found(text) == []


def test_a_key_inside_a_key_counts_once():
    assert [kind for kind, _ in found(PEM.replace("abc", CUT))] == ["PRIVATE_KEY"]


def test_keys_after_each_other_are_found_one_by_one():
    assert found(f"{PEM}\n\n{PEM}") == [("PRIVATE_KEY", PEM)] * 2
