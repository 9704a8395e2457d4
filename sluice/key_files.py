"""The key files of one platform. Key-encryption keys are rotated by `sluice keys`; the others are made once."""

import secrets
from pathlib import Path

from sluice.durable_files import create_secret_file
from sluice.errors import ConfigurationError
from sluice.key_wrapping import FileWrapper
from sluice.letter_box import make_letter_box

TOKEN_KEY = "token-signing.key"  # noqa: S105 (a file name)
PSEUDONYM_KEY = "pseudonym.key"
AUDIT_KEY = "audit.key"


def make_key_files(folder: Path) -> None:
    """Create what is missing: token signing, pseudonyms, audit, dead letters, key encryption."""
    for name in (TOKEN_KEY, PSEUDONYM_KEY, AUDIT_KEY):
        create_secret_file(folder / name, secrets.token_hex(32).encode())
    make_letter_box(folder)
    wrapper = FileWrapper(folder)
    if not wrapper.numbers:
        wrapper.rotate()


def read_key_file(folder: Path, name: str) -> bytes:
    """Raises ConfigurationError where it was not made or cannot be read."""
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(f"{folder / name} is missing. `make up` creates it.") from None
    except OSError as error:
        raise ConfigurationError(f"{folder / name} cannot be read ({error.strerror}).") from None
