"""TLS of our own endpoints, both sides, and words for what is wrong with a certificate."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from sluice.certificates import AUTHORITY_FILE, certificate_file
from sluice.errors import ConfigurationError
from sluice.settings import ProcessName, Settings

_PROBE_SECONDS = 2.0
_HTTP_PORT = 80
# X509_V_ERR_* of OpenSSL's x509_vfy.h
_NOT_YET, _EXPIRED = 9, 10
_UNKNOWN_AUTHORITY = {2, 7, 18, 19, 20, 21, 27}
_OTHER_NAME = {62, 64}


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """What a process shows: its certificate with those above it, and its key."""

    certificate: Path
    key: Path

    def context(self, clients: Path | None = None) -> ssl.SSLContext:
        """TLS 1.2 or later. With `clients`, who comes must show a certificate of that authority."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=clients)
        context.load_cert_chain(self.certificate, self.key, password="")
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def server_files(settings: Settings, name: ProcessName, now: datetime) -> ServerFiles | None:
    """None where this process speaks no TLS. Raises ConfigurationError where what it would show is no good."""
    if settings.tls_certificate_file is not None:
        chosen = settings.tls_certificate_file
        files, remedy = ServerFiles(chosen, settings.tls_key_file or chosen), "Look at SLUICE_TLS_CERTIFICATE_FILE."
    elif settings.secure:
        own = certificate_file(settings.certs_dir, name)
        files, remedy = ServerFiles(own, own), "`sluice certs` makes it anew."
    else:
        return None
    try:
        files.context(settings.metrics_client_ca_file)
        until = x509.load_pem_x509_certificate(files.certificate.read_bytes()).not_valid_after_utc
    except OSError as error:  # ssl.SSLError is one of them
        raise ConfigurationError(
            f"{files.certificate} is no certificate with its key ({error.strerror or error}). {remedy}"
        ) from None
    if until <= now:
        raise ConfigurationError(f"{files.certificate} expired at {until.isoformat(timespec='seconds')}. {remedy}")
    return files


def authority(settings: Settings) -> Path | None:
    """Whom clients of our own endpoints trust. None: whom the system trusts."""
    if settings.ca_file is not None or not settings.secure:
        return settings.ca_file
    return settings.certs_dir / AUTHORITY_FILE


def client_context(settings: Settings) -> ssl.SSLContext | None:
    """For clients of the gateway. None where it speaks no TLS. Raises ConfigurationError."""
    return trusting(authority(settings)) if settings.gateway_url.startswith("https") else None


def trusting(authority_file: Path | None) -> ssl.SSLContext:
    """A client's side that checks certificate and name. Raises ConfigurationError."""
    try:
        return ssl.create_default_context(cafile=authority_file)
    except OSError as error:
        raise ConfigurationError(
            f"{authority_file} holds no authority to trust ({error.strerror or error}). `sluice certs` makes one; "
            "SLUICE_CA_FILE and SLUICE_KAFKA_CA_FILE name others."
        ) from None


def complaint(error: BaseException, whom: str) -> str | None:
    """What is wrong with the certificate that was shown, and what to do. None where it was something else."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"The certificate of {whom} {_fault(cause)}"
        if isinstance(cause, ssl.SSLError) and cause.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
            return (
                f"{whom} does not speak TLS. Was it started without SLUICE_SECURE? Then set SLUICE_SECURE=0 here too."
            )
    return None


def _fault(error: ssl.SSLCertVerificationError) -> str:
    code = error.verify_code
    if code == _EXPIRED:
        return "has expired. Renew it with `sluice certs` (or where it comes from) and start that process again."
    if code == _NOT_YET:
        return "is not valid yet. Look at the clocks of both machines."
    if code in _UNKNOWN_AUTHORITY:
        return (
            "is not of an authority that we trust. Is this the right server? Then name its authority with "
            "SLUICE_CA_FILE (Kafka's: SLUICE_KAFKA_CA_FILE); without them `certs/ca.pem` of SLUICE_HOME counts."
        )
    if code in _OTHER_NAME:
        return "is for other names than this one. Use one of its names, or add this one: `sluice certs --host NAME`."
    return f"is no good: {error.verify_message}."


def look_at(host: str, port: int, context: ssl.SSLContext) -> str | None:
    """Shake hands once, to tell what is wrong there: see `complaint`. Blocks for a few seconds at most."""
    try:
        with (
            socket.create_connection((host, port), _PROBE_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return None
    except OSError as error:
        return complaint(error, f"{host}:{port}")


def speaks_tls(host: str, port: int) -> bool:
    """Whether somebody there answers a handshake, with whatever certificate. Blocks for a few seconds at most."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), _PROBE_SECONDS) as plain, context.wrap_socket(plain):
            return True
    except OSError:
        return False


def plain_to_tls(url: str) -> str | None:
    """What to do where an address without TLS answers with it. None where that is not so."""
    place = urlsplit(url)
    if place.scheme != "http" or not place.hostname or not speaks_tls(place.hostname, place.port or _HTTP_PORT):
        return None
    return f"{url} speaks TLS. Set SLUICE_SECURE=1."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
