"""Personal text under its subject's key: AES-256-GCM, bound to tenant, subject and field.

Layout of a sealed field: version (1 byte, 1) · key generation (4, big-endian) · nonce (12) · ciphertext with tag.
The field name bound in is the one the text was first sealed as (`sealed_as` in the schema), so a stage
without a key can carry a sealed field on.
"""

import secrets
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sluice.key_store import KeyMissing, KeyStore, KeyUnusable
from sluice.safe_text import Sealed

_HEADER = struct.Struct(">BI")
_VERSION = 1
_NONCE_BYTES = 12


class CannotOpen(Exception):
    """The key is gone, or the field was changed or belongs to someone else."""


class CannotSeal(Exception):
    """The subject's key is there and cannot be used. Nothing may be written in the clear instead."""


class KeyGone(CannotOpen):
    """It was sealed under a key that was destroyed since: nobody can open it any more."""


class Sealer:
    """Seals and opens fields of one tenant."""

    def __init__(self, keys: KeyStore, tenant: str) -> None:
        self._keys = keys
        self._tenant = tenant

    def seal(self, plain: str, *, subject: str, field: str) -> Sealed:
        """`field` is `Event.field`, as `sealed_as` in the schema says. Raises CannotSeal or Unavailable."""
        try:
            key = self._keys.current(subject)
        except KeyUnusable:
            raise CannotSeal from None
        nonce = secrets.token_bytes(_NONCE_BYTES)
        ciphertext = AESGCM(key.secret).encrypt(nonce, plain.encode(), self._bound(subject, field))
        return Sealed(_HEADER.pack(_VERSION, key.generation) + nonce + ciphertext)

    def open(self, sealed: Sealed, *, subject: str, field: str) -> str:
        """The text. Raises CannotOpen, which says nothing of the content, or Unavailable."""
        start = _HEADER.size + _NONCE_BYTES
        if len(sealed) <= start or sealed[0] != _VERSION:
            raise CannotOpen("not a sealed field of a known version")
        generation = _HEADER.unpack_from(sealed)[1]
        try:
            key = self._keys.find(subject, generation)
            plain = AESGCM(key.secret).decrypt(
                sealed[_HEADER.size : start], sealed[start:], self._bound(subject, field)
            )
        except KeyMissing:
            raise KeyGone("no such key") from None
        except KeyUnusable:
            raise CannotOpen("the key cannot be unwrapped") from None
        except InvalidTag:
            raise CannotOpen("wrong key, field or subject, or changed bytes") from None
        return plain.decode()

    def _bound(self, subject: str, field: str) -> bytes:
        return "\x1f".join((self._tenant, subject, field)).encode()
