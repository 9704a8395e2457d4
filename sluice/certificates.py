"""A development authority and a certificate for each process that listens, in `SLUICE_HOME/certs`.

`ca.pem` is what clients trust, `ca.key` signs. Each other file holds a private key, its certificate and the authority,
in that order: one file, so that key and certificate change together. Only the owner may read it.
Shape of the certificates: RFC 5280; names are in the subject alternative name alone (RFC 9525).
"""

import ipaddress
import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sluice.durable_files import PRIVATE, create_secret_file, write_durably
from sluice.errors import ConfigurationError

SERVERS = ("broker", "gateway", "enrich", "redact", "respond", "landing", "steward", "warehouse", "mirror", "bigquery")
CLIENT = "client"
"""For who reads metrics, where those ask for a certificate."""
AUTHORITY_FILE, AUTHORITY_KEY_FILE = "ca.pem", "ca.key"
LIFE = timedelta(days=90)
RENEWED_BEFORE = timedelta(days=30)
AUTHORITY_LIFE = timedelta(days=5 * 365)
_SKEW = timedelta(hours=1)
"""Clocks differ: good from a little before it was made."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_HOST = 253

Outcome = Literal["made", "renewed", "kept"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """One file and what became of it. `hosts` are the names under which it may be shown."""

    name: str
    path: Path
    hosts: tuple[str, ...]
    expires_at: datetime
    outcome: Outcome


def certificate_file(folder: Path, name: str) -> Path:
    """Of one process."""
    return folder / f"{name}.pem"


def checked_host(host: str) -> str:
    """A DNS name, with `*.` in front if need be, or an IP address. Raises ValueError."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    name = host.lower().rstrip(".")
    if len(name) > _LONGEST_HOST or not _HOST.fullmatch(name):
        raise ValueError(f"{host} is no host name: letters a-z, digits, dashes and dots, or an IP address")
    return name


def make_certificates(folder: Path, now: datetime, hosts: Iterable[str] = ()) -> list[Certificate]:
    """Make what is missing, renew what ends soon or lacks a name; the rest stays. The authority comes first.

    `hosts` are added to the names of this machine, and stay for later renewals. Raises ConfigurationError, and
    ValueError for what is no host name.
    """
    wanted = [checked_host(host) for host in hosts]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority, outcome = _authority(folder, now)
    found = [Certificate("authority", folder / AUTHORITY_FILE, (), authority.not_valid_after_utc, outcome)]
    for name in (*SERVERS, CLIENT):
        path = certificate_file(folder, name)
        own = _read(path)
        names = tuple(dict.fromkeys([*_LOOPBACK, name, *_names(own), *wanted])) if name != CLIENT else ()
        if own is not None and _is_good(own, authority, names, now):
            found.append(Certificate(name, path, names, own.not_valid_after_utc, "kept"))
            continue
        made = _issue(path, name, names, authority, _signing_key(folder, authority), now)
        found.append(Certificate(name, path, names, made.not_valid_after_utc, "made" if own is None else "renewed"))
    return found


def _authority(folder: Path, now: datetime) -> tuple[x509.Certificate, Outcome]:
    """A renewed authority keeps name and key: what it signed before stays good."""
    path = folder / AUTHORITY_FILE
    known = _read(path)
    if known is not None and known.not_valid_after_utc - now > LIFE:
        return known, "kept"
    if known is None:
        create_secret_file(folder / AUTHORITY_KEY_FILE, _pem(generate_private_key(SECP256R1())))
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Sluice"),
                x509.NameAttribute(NameOID.COMMON_NAME, f"Sluice development authority {secrets.token_hex(4)}"),
            ]
        )
    else:
        name = known.subject
    key = _signing_key(folder, known)
    made = (
        _builder(name, name, key, now, now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_durably(path, made.public_bytes(Encoding.PEM))
    return made, "made" if known is None else "renewed"


def _issue(
    path: Path,
    name: str,
    hosts: Collection[str],
    authority: x509.Certificate,
    signer: EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    key = generate_private_key(SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Sluice"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"sluice {name}"),
        ]
    )
    uses = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if hosts else [])]
    builder = (
        _builder(subject, authority.subject, key, now, min(now + LIFE, authority.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    made = builder.sign(signer, hashes.SHA256())
    chain = made.public_bytes(Encoding.PEM) + authority.public_bytes(Encoding.PEM)
    write_durably(path, _pem(key) + chain, PRIVATE)
    return made


def _builder(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, now: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _names(certificate: x509.Certificate | None) -> list[str]:
    if certificate is None:
        return []
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]


def _is_good(own: x509.Certificate, authority: x509.Certificate, names: Collection[str], now: datetime) -> bool:
    try:
        own.verify_directly_issued_by(authority)
    except (ValueError, InvalidSignature):
        return False
    return own.not_valid_after_utc - now > RENEWED_BEFORE and set(names) <= set(_names(own))


def _read(path: Path) -> x509.Certificate | None:
    """None where there is no file, or one that holds no key and certificate that fit."""
    try:
        content = path.read_bytes()
        certificate = x509.load_pem_x509_certificate(content)
        if path.name == AUTHORITY_FILE:
            return certificate
        key = load_pem_private_key(content, None)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}).") from None
    return certificate if _public(key.public_key()) == _public(certificate.public_key()) else None


def _public(key: object) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return encoded


def _signing_key(folder: Path, authority: x509.Certificate | None) -> EllipticCurvePrivateKey:
    """The authority's own: what another one signs in its name nobody can verify. Raises ConfigurationError."""
    path = folder / AUTHORITY_KEY_FILE
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        key = None
    if not isinstance(key, EllipticCurvePrivateKey):
        raise _cannot_sign(folder, "is missing or cannot be read")
    if authority is not None and _public(key.public_key()) != _public(authority.public_key()):
        raise _cannot_sign(folder, f"is not the key of {folder / AUTHORITY_FILE}")
    return key


def _cannot_sign(folder: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{folder / AUTHORITY_KEY_FILE} {why}, so nothing can be signed. Put the right one back, or delete {folder} "
        "and run `sluice certs`: that makes another authority, which clients must trust anew."
    )


def _pem(key: EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
