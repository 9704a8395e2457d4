"""Bytes that every service may put away and only the operator may read again: dead letters.

A service that must not read personal text can still meet a record it cannot decode, so dead letters are sealed
to a public key: ephemeral X25519, HKDF-SHA256, AES-256-GCM (the shape of RFC 9180's base mode).
Layout: version (1 byte, 1) · ephemeral public key (32) · nonce (12) · ciphertext with tag.
"""

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sluice.durable_files import create_secret_file
from sluice.safe_text import Sealed
from sluice.sealing import CannotOpen

PRIVATE_FILE = "dead-letters.private"
PUBLIC_FILE = "dead-letters.public"
_RAW = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"


def make_letter_box(folder: Path) -> None:
    """Create the key pair if there is none."""
    private = folder / PRIVATE_FILE
    create_secret_file(private, X25519PrivateKey.generate().private_bytes_raw())
    public = X25519PrivateKey.from_private_bytes(private.read_bytes()).public_key()
    create_secret_file(folder / PUBLIC_FILE, public.public_bytes_raw())


def put_in(public_key: bytes, content: bytes) -> Sealed:
    """Seal to the owner of the private key."""
    ephemeral = X25519PrivateKey.generate()
    sender = ephemeral.public_key().public_bytes_raw()
    key = _derive(ephemeral.exchange(X25519PublicKey.from_public_bytes(public_key)), sender, public_key)
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return Sealed(_VERSION + sender + nonce + AESGCM(key).encrypt(nonce, content, _VERSION))


def take_out(private_key: bytes, sealed: Sealed) -> bytes:
    """The bytes again. Raises CannotOpen."""
    own = X25519PrivateKey.from_private_bytes(private_key)
    body = bytes(sealed)
    if len(body) < 1 + _RAW + _NONCE_BYTES or body[:1] != _VERSION:
        raise CannotOpen("not a sealed letter of a known version")
    sender, nonce, rest = body[1 : 1 + _RAW], body[1 + _RAW : 1 + _RAW + _NONCE_BYTES], body[1 + _RAW + _NONCE_BYTES :]
    shared = own.exchange(X25519PublicKey.from_public_bytes(sender))
    try:
        return AESGCM(_derive(shared, sender, own.public_key().public_bytes_raw())).decrypt(nonce, rest, _VERSION)
    except InvalidTag:
        raise CannotOpen("wrong key or changed bytes") from None


def _derive(shared: bytes, sender: bytes, receiver: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=b"sluice dead letter" + sender + receiver).derive(shared)
