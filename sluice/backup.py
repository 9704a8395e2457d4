"""Back up and restore what cannot be made again: keys, landed files, the warehouse.

A restored copy may hold people who were erased since and keys that were revoked. It carries a mark, and the steward
erases and revokes again before the mark goes.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from sluice.api_key_store import DatabaseApiKeys
from sluice.durable_files import TEMPORARY, write_durably
from sluice.errors import ConfigurationError
from sluice.file_lock import REWRITING, locked
from sluice.key_store import DatabaseKeyStore
from sluice.settings import Settings

RESTORED_MARK = "restored"
_KEYS, _STORE, _API_KEYS, _LANDING, _WAREHOUSE = "keys", "keys.sqlite", "api-keys.sqlite", "landing", "warehouse"
_NOT_COPIED = shutil.ignore_patterns("_lock", "*.lock", f"*{TEMPORARY}", "building", "subjects", "machines")

Say = Callable[[str], None]


def back_up(settings: Settings, keys: DatabaseKeyStore, api_keys: DatabaseApiKeys, target: Path, say: Say) -> None:
    """Nothing has to stop. Raises ConfigurationError where the target is no new folder or cannot be written."""
    try:
        target.mkdir(parents=True, mode=0o700)
        say("keys")
        shutil.copytree(settings.keys_dir, target / _KEYS, ignore=_NOT_COPIED)
        keys.copy_to(target / _STORE)
        api_keys.copy_to(target / _API_KEYS)
        for name, source in _folders(settings).items():
            if source.exists():
                say(name)
                with locked(source / REWRITING):  # else files that become a larger one are missing from both
                    _copy(source, target / name)
    except FileExistsError:
        raise ConfigurationError(f"{target} is there already. A backup goes into a new folder.") from None
    except OSError as error:
        raise ConfigurationError(f"The backup {target} cannot be written ({error.strerror}).") from None


def restore(settings: Settings, source: Path, say: Say) -> None:
    """Into a home that has none of this yet. Raises ConfigurationError elsewhere, and where there is no backup."""
    if not (source / _STORE).exists():
        raise ConfigurationError(f"{source} is no backup: it has no {_STORE}.")
    wanted = {settings.keys_dir: source / _KEYS} | {at: source / name for name, at in _folders(settings).items()}
    there = [str(at) for at in wanted if at.exists()]
    if there:
        raise ConfigurationError(
            f"{', '.join(there)} would be overwritten. Restore into a new SLUICE_HOME, before its first `make up`."
        )
    try:
        for at, copied in wanted.items():
            if copied.exists():
                say(copied.name)
                _copy(copied, at)
        for at, name in ((settings.key_store_path, _STORE), (settings.api_keys_path, _API_KEYS)):
            if (source / name).exists():
                at.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                shutil.copy2(source / name, at)
        write_durably(settings.home / RESTORED_MARK, b"")
    except OSError as error:
        raise ConfigurationError(f"The backup {source} cannot be restored ({error.strerror}).") from None


def _folders(settings: Settings) -> dict[str, Path]:
    return {_LANDING: settings.landing_dir, _WAREHOUSE: settings.warehouse_path.parent}


def _copy(source: Path, target: Path) -> None:
    """Landed files are whole; a file of the warehouse that is replaced meanwhile is the old one or the new one."""
    shutil.copytree(source, target, ignore=_NOT_COPIED, copy_function=_copy_if_there)


def _copy_if_there(source: str, target: str) -> str:
    try:
        return shutil.copy2(source, target)
    except FileNotFoundError:
        return target
