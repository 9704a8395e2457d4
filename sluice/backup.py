"""Back up and restore what cannot be made again: keys, landed files, the warehouse.

A restored copy may hold people who were erased since and keys that were revoked. It carries a mark, and the steward
erases and revokes again before the mark goes.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from sluice.api_key_store import DatabaseApiKeys
from sluice.backup_check import API_KEYS, KEYS, LANDING, STORE, WAREHOUSE, check_backup
from sluice.durable_files import TEMPORARY, write_durably
from sluice.errors import ConfigurationError
from sluice.file_lock import REWRITING, locked
from sluice.key_store import DatabaseKeyStore
from sluice.key_wrapping import Wrapper
from sluice.settings import Settings

RESTORED_MARK = "restored"
_NOT_COPIED = shutil.ignore_patterns("_lock", "*.lock", f"*{TEMPORARY}", "building", "subjects", "machines")

Say = Callable[[str], None]


def back_up(
    settings: Settings,
    keys: DatabaseKeyStore,
    api_keys: DatabaseApiKeys,
    target: Path,
    say: Say,
    mark: Callable[[], None],
) -> None:
    """Nothing has to stop. `mark` is called before anything is copied.

    Raises ConfigurationError where the target is no new folder or cannot be written.
    """
    try:
        target.mkdir(parents=True, mode=0o700)
        mark()
        say("keys")
        shutil.copytree(settings.keys_dir, target / KEYS, ignore=_NOT_COPIED)
        keys.copy_to(target / STORE)
        api_keys.copy_to(target / API_KEYS)
        for name, source in _folders(settings).items():
            if source.exists():
                say(name)
                with locked(source / REWRITING):  # else files that become a larger one are missing from both
                    _copy(source, target / name)
    except FileExistsError:
        raise ConfigurationError(f"{target} is there already. A backup goes into a new folder.") from None
    except OSError as error:
        raise ConfigurationError(f"The backup {target} cannot be written ({error.strerror}).") from None


def restore(
    settings: Settings,
    source: Path,
    wrapper: Wrapper,
    say: Say,
    mark: Callable[[], None],
    *,
    with_unusable: bool = False,
) -> None:
    """Into a home that has none of this yet, and only what is whole: see `check_backup`. `mark` is called in between.

    Raises ConfigurationError, or Unavailable where the wrapper is away; nothing was touched then, unless the disk
    refuses. The mark comes before the keys: whoever has these has to erase again.
    """
    say("checking the backup")
    check_backup(source, wrapper, settings.warehouse_path.name, with_unusable=with_unusable)
    wanted = {settings.keys_dir: source / KEYS} | {at: source / name for name, at in _folders(settings).items()}
    there = [str(at) for at in wanted if at.exists()]
    if there:
        raise ConfigurationError(
            f"{', '.join(there)} would be overwritten. Restore into a new SLUICE_HOME, before its first `make up`."
        )
    mark()
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        write_durably(settings.home / RESTORED_MARK, b"")
        for at, copied in wanted.items():
            if copied.exists():
                say(copied.name)
                _copy(copied, at)
        for at, name in ((settings.key_store_path, STORE), (settings.api_keys_path, API_KEYS)):
            if (source / name).exists():
                at.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                shutil.copy2(source / name, at)
    except OSError as error:
        raise ConfigurationError(f"The backup {source} cannot be restored ({error.strerror}).") from None


def _folders(settings: Settings) -> dict[str, Path]:
    return {LANDING: settings.landing_dir, WAREHOUSE: settings.warehouse_path.parent}


def _copy(source: Path, target: Path) -> None:
    """Landed files are whole; a file of the warehouse that is replaced meanwhile is the old one or the new one."""
    shutil.copytree(source, target, ignore=_NOT_COPIED, copy_function=_copy_if_there)


def _copy_if_there(source: str, target: str) -> str:
    try:
        return shutil.copy2(source, target)
    except FileNotFoundError:
        return target
