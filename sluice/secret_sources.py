"""Secrets by name, from where they are kept: mounted files, Vault, the environment, in this order.

Files are read at each use and Vault's answer is fetched anew every half minute, so that a secret that was rotated is
used without a restart. A Vault that does not answer leaves what it said last.
"""

import re
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx
from pydantic import SecretStr

from sluice.errors import Unavailable
from sluice.logs import fact, get_logger

NAME = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
"""Of secrets, as of environment variables."""
_AGAIN_SECONDS = 30.0
_TIMEOUT_SECONDS = 5.0

Source = Callable[[str], SecretStr | None]


class Environment:
    """Variables of the process."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def __call__(self, name: str) -> SecretStr | None:
        """None where it is not set, or empty."""
        value = self._variables.get(name)
        return SecretStr(value) if value else None


@dataclass(frozen=True, slots=True)
class MountedFiles:
    """One file a secret, named like it, as Kubernetes and Docker mount them. A line end at its end does not count."""

    folder: Path

    def __call__(self, name: str) -> SecretStr | None:
        """None where there is no such file, or it cannot be read."""
        try:
            value = (self.folder / name).read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            return None
        return SecretStr(value) if value else None


class Fetched(Protocol):
    """All secrets at once, from far away."""

    def __call__(self) -> Mapping[str, str]:
        """Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class VaultSecrets:
    """One secret of Vault's key-value engine, version 2; its fields are the secrets. `path` is `mount/name`.

    API: developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2.
    """

    address: str
    token: Callable[[], SecretStr | None]
    path: str

    def __call__(self) -> Mapping[str, str]:
        """See Fetched."""
        mount, _, name = self.path.partition("/")
        token = self.token()
        headers = {"X-Vault-Token": token.get_secret_value()} if token else {}
        try:
            url = f"{self.address.rstrip('/')}/v1/{mount}/data/{name}"
            answer = httpx.get(url, headers=headers, timeout=_TIMEOUT_SECONDS)
            answer.raise_for_status()
            return {key: str(value) for key, value in answer.json()["data"]["data"].items()}
        except httpx.HTTPStatusError as error:
            raise Unavailable(
                f"Vault at {self.address} answers {error.response.status_code} for {self.path}."
            ) from None
        except (httpx.HTTPError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise Unavailable(f"Vault at {self.address} does not give {self.path} ({type(error).__name__}).") from None


@dataclass(slots=True, weakref_slot=True)
class Remembered:
    """What was fetched last. The first use waits for it; later ones never do: a thread fetches anew, as long as
    somebody holds this.
    """

    fetch: Fetched
    again_seconds: float = _AGAIN_SECONDS
    _answer: "_Answer | None" = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, name: str) -> SecretStr | None:
        """Raises Unavailable where it was never fetched and cannot be now."""
        with self._lock:
            if self._answer is None:
                self._answer = _Answer(self.fetch, self.fetch())
                weakref.finalize(self, self._answer.unused.set)
                keep = self._answer.keep_current
                threading.Thread(target=keep, args=(self.again_seconds,), name="secrets", daemon=True).start()
        value = self._answer.fields.get(name)
        return SecretStr(value) if value else None


@dataclass(slots=True)
class _Answer:
    """Knows nothing of who holds it, so that its thread does not keep them."""

    fetch: Fetched
    fields: Mapping[str, str]
    unused: threading.Event = field(default_factory=threading.Event)

    def keep_current(self, seconds: float) -> None:
        while not self.unused.wait(seconds):
            try:
                self.fields = self.fetch()
            except Unavailable as error:
                get_logger().warning("secrets stay as they were", reason=fact(error))


@dataclass(frozen=True, slots=True)
class Secrets:
    """The first source that has it."""

    sources: tuple[Source, ...]

    def __call__(self, name: str) -> SecretStr | None:
        """None where nobody has it, or the name cannot be one's."""
        if not NAME.fullmatch(name):
            return None
        return next((found for source in self.sources if (found := source(name)) is not None), None)
