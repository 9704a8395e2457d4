"""Both sides of TLS, and the words for what is wrong, over real handshakes on loopback."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from sluice.certificates import LIFE, certificate_file, make_certificates
from sluice.errors import ConfigurationError
from sluice.settings import Settings
from sluice.tls import authority, client_context, complaint, look_at, plain_to_tls, server_files, speaks_tls, trusting
from tests.tls_server import listening, tls

NOW = datetime.now(UTC).replace(microsecond=0)


def plain(peer: socket.socket) -> None:
    peer.recv(1)
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.fixture
def secured(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path, secure=True)
    make_certificates(settings.certs_dir, NOW)
    return settings


def test_a_good_certificate_is_no_reason_to_complain(secured: Settings):
    with listening(tls(secured.certs_dir)) as port:
        assert look_at("127.0.0.1", port, trusting(authority(secured))) is None
        assert speaks_tls("127.0.0.1", port)


def test_one_of_another_authority(secured: Settings, tmp_path: Path):
    make_certificates(tmp_path / "other", NOW)
    with listening(tls(tmp_path / "other")) as port:
        said = look_at("127.0.0.1", port, trusting(authority(secured)))
    assert said is not None
    assert f"certificate of 127.0.0.1:{port} is not of an authority that we trust" in said
    assert "SLUICE_CA_FILE" in said


@pytest.mark.parametrize(
    ("made_at", "words"),
    [
        (NOW - LIFE - timedelta(hours=1), "has expired. Renew it with `sluice certs`"),
        (NOW + timedelta(days=1), "not valid yet. Look at the clocks"),
    ],
)
def test_one_at_another_time(tmp_path: Path, made_at: datetime, words: str):
    make_certificates(tmp_path / "now", NOW)  # an authority that is good now, to sign what is not
    for name in ("ca.pem", "ca.key"):
        (tmp_path / "then" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "then" / name).write_bytes((tmp_path / "now" / name).read_bytes())
    make_certificates(tmp_path / "then", made_at)
    with listening(tls(tmp_path / "then")) as port:
        assert words in str(look_at("127.0.0.1", port, trusting(tmp_path / "now" / "ca.pem")))


def test_one_for_another_name(secured: Settings):
    context = trusting(authority(secured))
    with listening(tls(secured.certs_dir)) as port:
        assert "sluice certs --host NAME" in str(look_at("127.0.0.2", port, context))


def test_one_that_is_for_something_else(secured: Settings):
    certificate_file(secured.certs_dir, "broker").write_bytes(
        certificate_file(secured.certs_dir, "client").read_bytes()
    )
    with listening(tls(secured.certs_dir)) as port:
        said = look_at("127.0.0.1", port, trusting(authority(secured)))
    assert "is no good: unsuitable certificate purpose" in str(said)


def test_who_speaks_no_tls(secured: Settings):
    with listening(plain) as port:
        assert "does not speak TLS" in str(look_at("127.0.0.1", port, trusting(authority(secured))))
        assert not speaks_tls("127.0.0.1", port)


def test_who_is_away_is_not_complained_about(secured: Settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert look_at("127.0.0.1", port, trusting(authority(secured))) is None
        assert not speaks_tls("127.0.0.1", port)


def test_a_client_library_may_have_wrapped_the_fault(secured: Settings):
    with listening(tls(secured.certs_dir)) as port, pytest.raises(httpx.ConnectError) as raised:
        httpx.get(f"https://127.0.0.1:{port}/", trust_env=False)
    assert "authority" in str(complaint(raised.value, "it"))


def test_an_address_without_tls_that_answers_with_it(secured: Settings):
    with listening(tls(secured.certs_dir)) as port:
        assert "Set SLUICE_SECURE=1" in str(plain_to_tls(f"http://127.0.0.1:{port}/readyz"))
        assert plain_to_tls(f"https://127.0.0.1:{port}/readyz") is None
    with listening(plain) as port:
        assert plain_to_tls(f"http://127.0.0.1:{port}") is None


def test_what_a_process_shows(secured: Settings):
    files = server_files(secured, "gateway", NOW)
    assert files is not None
    assert files.certificate == files.key == certificate_file(secured.certs_dir, "gateway")
    assert files.context().minimum_version >= ssl.TLSVersion.TLSv1_2
    assert files.context().verify_mode == ssl.CERT_NONE
    assert files.context(secured.certs_dir / "ca.pem").verify_mode == ssl.CERT_REQUIRED


def test_without_security_nothing_is_shown(tmp_path: Path):
    settings = Settings(home=tmp_path)
    assert server_files(settings, "gateway", NOW) is None
    assert client_context(settings) is None
    assert authority(settings) is None
    assert settings.gateway_url.startswith("http://")


def test_a_certificate_of_ones_own(secured: Settings, tmp_path: Path):
    mine = certificate_file(secured.certs_dir, "gateway")
    settings = Settings(home=tmp_path, tls_certificate_file=mine, ca_file=secured.certs_dir / "ca.pem")
    files = server_files(settings, "respond", NOW)
    assert files is not None
    assert files.key == mine
    assert settings.gateway_url.startswith("https://")
    assert authority(settings) == settings.ca_file
    assert client_context(settings) is not None
    other = Settings(
        home=tmp_path, tls_certificate_file=mine, tls_key_file=certificate_file(secured.certs_dir, "enrich")
    )
    with pytest.raises(ConfigurationError, match="SLUICE_TLS_CERTIFICATE_FILE"):
        server_files(other, "respond", NOW)


def test_what_is_missing_expired_or_no_certificate_stops_the_start(secured: Settings):
    with pytest.raises(ConfigurationError, match=r"gateway\.pem expired at .*`sluice certs` makes it anew"):
        server_files(secured, "gateway", NOW + LIFE)
    certificate_file(secured.certs_dir, "gateway").write_text("nothing")
    with pytest.raises(ConfigurationError, match="no certificate with its key"):
        server_files(secured, "gateway", NOW)
    certificate_file(secured.certs_dir, "gateway").unlink()
    with pytest.raises(ConfigurationError, match=r"No such file.*`sluice certs`"):
        server_files(secured, "gateway", NOW)


def test_an_authority_that_is_none(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="SLUICE_CA_FILE"):
        client_context(Settings(home=tmp_path, secure=True))
