"""The key files of one platform. Key-encryption keys are rotated by `sluice keys`; the others are made once."""

import secrets
from collections.abc import Iterable
from pathlib import Path

from sluice.durable_files import PRIVATE, create_secret_file, write_durably
from sluice.errors import ConfigurationError
from sluice.key_wrapping import FileWrapper
from sluice.letter_box import PUBLIC_FILE, make_letter_box

TOKEN_KEY = "token-signing.key"  # noqa: S105 (a file name)
PSEUDONYM_KEY = "pseudonym.key"
AUDIT_KEY = "audit.key"
OWN_FOLDERS = "processes"
CONNECT_FOLDER = "connect"
POSTGRES_PASSWORD = "postgres.password"  # noqa: S105 (a file name; nosecret)
"""Of Kafka Connect's tables, where they are in use."""


def make_key_files(folder: Path) -> None:
    """Create what is missing: token signing, pseudonyms, audit, dead letters, key encryption."""
    for name in (TOKEN_KEY, PSEUDONYM_KEY, AUDIT_KEY):
        create_secret_file(folder / name, secrets.token_hex(32).encode())
    make_letter_box(folder)
    wrapper = FileWrapper(folder)
    if not wrapper.numbers:
        wrapper.rotate()


def password_file(principal: str) -> str:
    """Of a Kafka user."""
    return f"kafka-{principal}.password"


def make_passwords(folder: Path, principals: Iterable[str]) -> None:
    """Create what is missing. 256 bits each: nobody types them."""
    for principal in principals:
        create_secret_file(folder / password_file(principal), secrets.token_urlsafe(32).encode())


def make_own_folder(folder: Path, process: str, principal: str) -> Path:
    """A folder with the few keys of a process that opens nothing: it is told of no other.

    Dead letters are sealed to a public key, and Kafka asks for a password where it is secured.
    """
    own = folder / OWN_FOLDERS / process
    own.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in (PUBLIC_FILE, password_file(principal)):
        if (folder / name).exists():
            write_durably(own / name, (folder / name).read_bytes(), PRIVATE)
    return own


def read_key_file(folder: Path, name: str) -> bytes:
    """Raises ConfigurationError where it was not made or cannot be read."""
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(f"{folder / name} is missing. `make up` creates it.") from None
    except OSError as error:
        raise ConfigurationError(f"{folder / name} cannot be read ({error.strerror}).") from None
