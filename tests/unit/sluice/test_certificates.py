"""The development authority, with OpenSSL's own checks as the witness: Python's strict ones, as clients make them."""

import contextlib
import json
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sluice.certificates import (
    AUTHORITY_LIFE,
    CLIENT,
    LIFE,
    RENEWED_BEFORE,
    SERVERS,
    certificate_file,
    checked_host,
    make_certificates,
)
from sluice.cli.main import build
from sluice.durable_files import PRIVATE
from sluice.errors import ConfigurationError

NOW = datetime.now(UTC).replace(microsecond=0)


def outcomes(folder: Path, now: datetime = NOW, hosts: tuple[str, ...] = ()) -> dict[str, str]:
    return {one.name: one.outcome for one in make_certificates(folder, now, hosts)}


def shake_hands(folder: Path, server: str, host: str, trusted: Path | None = None, client: str | None = None) -> None:
    """A TLS handshake in memory. Raises ssl.SSLError as the client sees it."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate_file(folder, server))
    trusting = ssl.create_default_context(cafile=trusted or folder / "ca.pem")
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    if client is not None:
        serving.load_verify_locations(folder / "ca.pem")
        serving.verify_mode = ssl.CERT_REQUIRED
        trusting.load_cert_chain(certificate_file(folder, client))
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [trusting.wrap_bio(back, there, server_hostname=host), serving.wrap_bio(there, back, server_side=True)]
    while sides:
        for side in [*sides]:
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
                sides.remove(side)


def test_a_first_run_makes_all_and_a_second_one_nothing(tmp_path: Path):
    assert set(outcomes(tmp_path).values()) == {"made"}
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(outcomes(tmp_path).values()) == {"kept"}
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_only_the_owner_reads_keys(tmp_path: Path):
    folder = tmp_path / "certs"
    make_certificates(folder, NOW)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    private = {path.name for path in folder.iterdir() if stat.S_IMODE(path.stat().st_mode) == PRIVATE}
    assert private == {"ca.key", *(f"{name}.pem" for name in (*SERVERS, CLIENT))}
    assert b"PRIVATE" not in (folder / "ca.pem").read_bytes()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "gateway", "chat.example.org"])
def test_every_name_is_taken_by_a_strict_client(tmp_path: Path, host: str):
    make_certificates(tmp_path, NOW, ["Chat.Example.org."])
    shake_hands(tmp_path, "gateway", host)


def test_another_name_is_refused(tmp_path: Path):
    make_certificates(tmp_path, NOW)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(tmp_path, "gateway", "chat.example.org")


def test_another_authority_is_refused(tmp_path: Path):
    make_certificates(tmp_path / "one", NOW)
    make_certificates(tmp_path / "two", NOW)
    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed certificate in certificate chain"):
        shake_hands(tmp_path / "one", "gateway", "localhost", tmp_path / "two" / "ca.pem")


def test_an_expired_one_is_refused(tmp_path: Path):
    make_certificates(tmp_path, NOW - LIFE - timedelta(seconds=1))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shake_hands(tmp_path, "gateway", "localhost")


def test_the_clients_certificate_serves_nobody(tmp_path: Path):
    make_certificates(tmp_path, NOW)
    shake_hands(tmp_path, "enrich", "localhost", client=CLIENT)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(tmp_path, CLIENT, "localhost")


def test_what_ends_soon_is_renewed_and_names_given_once_stay(tmp_path: Path):
    make_certificates(tmp_path, NOW - LIFE + RENEWED_BEFORE, ["10.1.2.3"])
    found = outcomes(tmp_path)
    assert found.pop("authority") == "kept"
    assert set(found.values()) == {"renewed"}
    shake_hands(tmp_path, "gateway", "10.1.2.3")


def test_a_new_name_renews_servers_only(tmp_path: Path):
    make_certificates(tmp_path, NOW)
    found = outcomes(tmp_path, hosts=("::2",))
    assert {name for name, outcome in found.items() if outcome == "kept"} == {"authority", CLIENT}


def test_a_renewed_authority_vouches_for_what_it_signed_before(tmp_path: Path):
    then = NOW - AUTHORITY_LIFE + LIFE
    make_certificates(tmp_path, then)
    make_certificates(tmp_path, NOW - timedelta(seconds=1))  # leaves anew, the authority as it was
    old = (tmp_path / "ca.pem").read_bytes()
    found = outcomes(tmp_path)
    assert found["authority"] == "renewed"
    assert {found[name] for name in SERVERS} == {"kept"}
    assert (tmp_path / "ca.pem").read_bytes() != old
    shake_hands(tmp_path, "gateway", "localhost")


def test_no_certificate_outlives_its_authority(tmp_path: Path):
    authority, *others = make_certificates(tmp_path, NOW - AUTHORITY_LIFE + LIFE + timedelta(seconds=1))
    assert all(one.expires_at <= authority.expires_at for one in others)


def test_what_was_signed_by_another_authority_or_is_damaged_is_made_anew(tmp_path: Path):
    make_certificates(tmp_path / "one", NOW)
    make_certificates(tmp_path / "two", NOW)
    for name in ("broker", "redact"):
        certificate_file(tmp_path / "one", name).write_bytes(certificate_file(tmp_path / "two", name).read_bytes())
    other_key = certificate_file(tmp_path / "one", "landing").read_bytes().split(b"-----BEGIN CERT")[0]
    certificate = certificate_file(tmp_path / "one", "enrich").read_bytes().partition(b"-----BEGIN CERT")
    certificate_file(tmp_path / "one", "enrich").write_bytes(other_key + certificate[1] + certificate[2])
    certificate_file(tmp_path / "one", "gateway").write_bytes(b"half a fi")
    found = outcomes(tmp_path / "one")
    assert {name: found[name] for name in ("broker", "redact", "enrich", "gateway", "landing")} == {
        "broker": "renewed",
        "redact": "renewed",
        "enrich": "made",
        "gateway": "made",
        "landing": "kept",
    }
    for name in SERVERS:
        shake_hands(tmp_path / "one", name, "localhost")


def test_without_its_key_an_authority_signs_nothing_and_says_what_to_do(tmp_path: Path):
    make_certificates(tmp_path, NOW)
    (tmp_path / "ca.key").unlink()
    assert set(outcomes(tmp_path).values()) == {"kept"}
    certificate_file(tmp_path, "gateway").unlink()
    with pytest.raises(ConfigurationError, match=r"ca\.key is missing.*`sluice certs`"):
        make_certificates(tmp_path, NOW)


@pytest.mark.parametrize("later", [LIFE - RENEWED_BEFORE, AUTHORITY_LIFE - LIFE])
def test_with_another_authoritys_key_nothing_is_signed(tmp_path: Path, later: timedelta):
    """What it would sign, nobody could verify: neither a leaf nor the authority itself, once it is renewed."""
    for name in ("one", "two"):
        make_certificates(tmp_path / name, NOW)
    (tmp_path / "one" / "ca.key").write_bytes((tmp_path / "two" / "ca.key").read_bytes())
    before = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    with pytest.raises(ConfigurationError, match=r"ca\.key is not the key of .*ca\.pem, so nothing can be signed"):
        make_certificates(tmp_path / "one", NOW + later)
    assert {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()} == before


def test_a_file_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path):
    make_certificates(tmp_path, NOW)
    certificate_file(tmp_path, "gateway").unlink()
    certificate_file(tmp_path, "gateway").mkdir()
    with pytest.raises(ConfigurationError, match=r"gateway\.pem cannot be read"):
        make_certificates(tmp_path, NOW)


@pytest.mark.parametrize(
    "host", ["", "a b", "-a.org", "http://a", "a..b", "büro.example", "a" * 64 + ".org", "a." * 140]
)
def test_what_is_no_host_name(host: str):
    with pytest.raises(ValueError, match="is no host name"):
        checked_host(host)


def test_host_names():
    assert [checked_host(h) for h in ("A.example.", "*.example.org", "0:0::1")] == ["a.example", "*.example.org", "::1"]


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    sluice = CliRunner()
    first = sluice.invoke(build(), ["certs", "--json"])
    assert first.exit_code == 0
    assert {one["name"]: one["outcome"] for one in json.loads(first.stdout)}["gateway"] == "made"
    again = sluice.invoke(build(), ["certs"])
    assert again.exit_code == 0
    assert "kept" in again.stdout
    assert "made" not in again.stdout
    assert "make down" not in again.stdout
    assert str(tmp_path / "certs" / "ca.pem") in again.stdout
    renewed = sluice.invoke(build(), ["certs", "--host", "example.org"])
    assert "make down" in renewed.stdout
    assert sluice.invoke(build(), ["certs", "--host", "a b"]).exit_code == 2
    (tmp_path / "certs" / "ca.key").unlink()
    lost = sluice.invoke(build(), ["certs", "--host", "example.com"])
    assert lost.exit_code == 3
    assert "ca.key is missing" in lost.stderr
