"""Data keys at rest are wrapped by a key-encryption key, which a provider keeps: files for one machine, Vault beyond.

What a wrapped key belongs to (tenant, subject, generation) is bound in: it opens nowhere else.
"""

import base64
import re
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from sluice.durable_files import create_secret_file
from sluice.errors import ConfigurationError, Unavailable

KEY_BYTES = 32
_NONCE_BYTES = 12
_HEADER = struct.Struct(">BI")
_VERSION = 1
_FILE = re.compile(r"key-encryption-(\d{1,6})\.key")
_VAULT_SECONDS = 5.0
_FORBIDDEN, _BAD_REQUEST = 403, 400


class CannotUnwrap(Exception):
    """The wrapped key was changed, belongs to something else, or its key-encryption key is gone."""


class Wrapper(Protocol):
    """A provider of key-encryption keys. Both ways raise Unavailable where it does not answer."""

    def wrap(self, secret: bytes, bound: bytes) -> bytes:
        """Under the newest key."""
        ...

    def unwrap(self, wrapped: bytes, bound: bytes) -> bytes:
        """Under whichever key it was wrapped with. Raises CannotUnwrap."""
        ...

    def is_current(self, wrapped: bytes) -> bool:
        """Whether it is under the newest key; else it should be wrapped anew."""
        ...


@dataclass(slots=True)
class FileWrapper:
    """Keys in files of one folder, `key-encryption-<number>.key`; the highest number is the newest.

    Several processes may share the folder, and one that is running finds a key that another one made.
    """

    folder: Path
    _keys: dict[int, bytes] = field(default_factory=dict)

    def rotate(self) -> int:
        """Make a new key for all that is wrapped from now on. Gives its number."""
        number = max(self._numbers(), default=0) + 1
        create_secret_file(self.folder / f"key-encryption-{number}.key", secrets.token_hex(KEY_BYTES).encode())
        return number

    def retire(self, number: int) -> None:
        """Delete a key under which nothing is wrapped any more."""
        self._keys.pop(number, None)
        (self.folder / f"key-encryption-{number}.key").unlink(missing_ok=True)

    @property
    def numbers(self) -> list[int]:
        """Of all keys, oldest first."""
        return sorted(self._numbers())

    def wrap(self, secret: bytes, bound: bytes) -> bytes:
        """See Wrapper. Layout: version (1 byte), number of the key (4, big-endian), nonce (12), ciphertext with tag."""
        number = self._newest()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _HEADER.pack(_VERSION, number) + nonce + AESGCM(self._key(number)).encrypt(nonce, secret, bound)

    def unwrap(self, wrapped: bytes, bound: bytes) -> bytes:
        """See Wrapper."""
        start = _HEADER.size + _NONCE_BYTES
        if len(wrapped) <= start or wrapped[0] != _VERSION:
            raise CannotUnwrap("not a wrapped key of a known version")
        try:
            key = self._key(_HEADER.unpack_from(wrapped)[1])
            return AESGCM(key).decrypt(wrapped[_HEADER.size : start], wrapped[start:], bound)
        except InvalidTag:
            raise CannotUnwrap("changed bytes, or wrapped for something else") from None
        except ConfigurationError:
            raise CannotUnwrap("its key-encryption key is gone") from None

    def is_current(self, wrapped: bytes) -> bool:
        """See Wrapper."""
        return wrapped[:1] == bytes([_VERSION]) and _HEADER.unpack_from(wrapped)[1] == self._newest()

    def _newest(self) -> int:
        number = max(self._numbers(), default=0)
        if not number:
            raise ConfigurationError(f"There is no key-encryption key in {self.folder}. `make up` creates one.")
        return number

    def _numbers(self) -> list[int]:
        return [int(match[1]) for path in self.folder.glob("*.key") if (match := _FILE.fullmatch(path.name))]

    def _key(self, number: int) -> bytes:
        if number not in self._keys:
            path = self.folder / f"key-encryption-{number}.key"
            try:
                key = bytes.fromhex(path.read_text())
            except (OSError, ValueError):
                key = b""
            if len(key) != KEY_BYTES:
                raise ConfigurationError(f"{path} is missing or no key.")
            self._keys[number] = key
        return self._keys[number]


@dataclass(slots=True)
class VaultWrapper:
    """HashiCorp Vault's transit engine: the key-encryption key never leaves it, and is rotated there.

    `mount/key` is its name, of an AEAD type such as aes256-gcm96. Vault 1.9 or later, for associated data.
    API: developer.hashicorp.com/vault/api-docs/secret/transit.
    """

    address: str
    token: Callable[[], SecretStr | None]
    key: str = "transit/sluice"
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=_VAULT_SECONDS))
    _newest: int | None = None

    def wrap(self, secret: bytes, bound: bytes) -> bytes:
        """See Wrapper. As Vault writes it: `vault:v<version>:<base64>`."""
        wrapped = str(self._ask("encrypt", {"plaintext": _text(secret), "associated_data": _text(bound)})["ciphertext"])
        self._newest = _vault_version(wrapped.encode())
        return wrapped.encode()

    def unwrap(self, wrapped: bytes, bound: bytes) -> bytes:
        """See Wrapper."""
        if _vault_version(wrapped) is None:
            raise CannotUnwrap("not a key that Vault wrapped")
        asked = {"ciphertext": wrapped.decode(), "associated_data": _text(bound)}
        try:
            return base64.b64decode(self._ask("decrypt", asked)["plaintext"], validate=True)
        except ValueError:
            raise CannotUnwrap("Vault answered with no key") from None

    def is_current(self, wrapped: bytes) -> bool:
        """See Wrapper. What is newest is learned by wrapping."""
        if self._newest is None:
            self.wrap(secrets.token_bytes(KEY_BYTES), b"which version")
        return _vault_version(wrapped) == self._newest

    def _ask(self, action: str, body: dict[str, str]) -> dict[str, str]:
        mount, _, name = self.key.rpartition("/")
        url = f"{self.address.rstrip('/')}/v1/{mount}/{action}/{name}"
        token = self.token()
        headers = {"X-Vault-Token": token.get_secret_value()} if token else {}
        try:
            answer = self.client.post(url, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise Unavailable(f"Vault at {self.address} does not answer ({type(error).__name__}).") from None
        if answer.status_code == _BAD_REQUEST and action == "decrypt":
            raise CannotUnwrap("changed bytes, or wrapped for something else")
        if answer.status_code == _FORBIDDEN:
            raise Unavailable(f"Vault at {self.address} refuses the token for {mount}/{action}/{name}.")
        if not answer.is_success:
            raise Unavailable(f"Vault at {self.address} answers {answer.status_code} to {action}.")
        data: dict[str, str] = answer.json()["data"]
        return data


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _vault_version(wrapped: bytes) -> int | None:
    match = re.match(rb"vault:v([0-9]{1,9}):", wrapped)
    return int(match[1]) if match else None
