"""Whether a backup can be restored, before anything is: databases whole, keys there, and what they wrap opens.

Reads only: not even SQLite's own files appear beside the copies.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from sluice.errors import ConfigurationError
from sluice.key_files import AUDIT_KEY, PSEUDONYM_KEY, TOKEN_KEY
from sluice.key_store import bound_to
from sluice.key_wrapping import KEY_BYTES, CannotUnwrap, Wrapper
from sluice.letter_box import PRIVATE_FILE, PUBLIC_FILE

KEYS, STORE, API_KEYS, LANDING, WAREHOUSE = "keys", "keys.sqlite", "api-keys.sqlite", "landing", "warehouse"
_NEEDED = (TOKEN_KEY, PSEUDONYM_KEY, AUDIT_KEY, PRIVATE_FILE, PUBLIC_FILE)
_FEWEST_BYTES = KEY_BYTES
_OTHER = "Take another backup."
_NAMED = 3


def check_backup(source: Path, wrapper: Wrapper, database: str, *, with_unusable: bool) -> None:
    """`database` is the warehouse's file. `with_unusable`: also where some people's keys cannot be unwrapped.

    Raises ConfigurationError, with `backup_incomplete`, `backup_damaged` or `backup_keys_unusable` in front, and
    Unavailable where who wraps the keys does not answer.
    """
    if not (source / STORE).exists():
        raise ConfigurationError(f"{source} is no backup: it has no {STORE}.")
    missing = [f"{KEYS}/{name}" for name in _NEEDED if not _is_key(source / KEYS / name)]
    if missing:
        raise ConfigurationError(
            f"backup_incomplete: {source} has no {', '.join(missing)}, or it is cut. Without it nothing that was kept "
            f"could be read or told whose it is. Nothing was restored. {_OTHER}"
        )
    keys = _rows(source / STORE, "select tenant, subject, generation, cast(wrapped as blob) from data_keys")
    if (source / API_KEYS).exists():
        _rows(source / API_KEYS, "select key_id, digest from api_keys")
    if (source / WAREHOUSE / database).exists():
        _open_warehouse(source / WAREHOUSE / database)
    closed = [*_closed(keys, wrapper)]
    if closed and not with_unusable:
        named = ", ".join(closed[:_NAMED]) + (", ..." if len(closed) > _NAMED else "")
        raise ConfigurationError(
            f"backup_keys_unusable: {len(closed)} of {len(keys)} keys of people cannot be unwrapped ({named}). Nothing "
            f"was restored. Where Vault or AWS KMS wraps them, set SLUICE_KEY_ENCRYPTION as it was. {_OTHER} Or give "
            "--with-unusable-keys: what these keys sealed stays closed for good."
        )


def _is_key(path: Path) -> bool:
    try:
        return len(path.read_bytes()) >= _FEWEST_BYTES
    except OSError:
        return False


def _rows(path: Path, query: str) -> list[tuple[str, str, int, bytes]]:
    """All that a database has. Raises ConfigurationError where it is not whole."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            told = str(db.execute("pragma integrity_check").fetchone()[0])
            if told != "ok":
                raise sqlite3.DatabaseError(told.splitlines()[-1])
            return db.execute(query).fetchall()
    except sqlite3.Error as error:
        raise _damaged(path, error, _OTHER) from None


def _closed(keys: Iterable[tuple[str, str, int, bytes]], wrapper: Wrapper) -> Iterator[str]:
    """Whose keys cannot be unwrapped."""
    for tenant, subject, generation, wrapped in keys:
        try:
            opened = wrapper.unwrap(wrapped, bound_to(tenant, subject, generation))
        except CannotUnwrap:
            opened = b""
        if len(opened) != KEY_BYTES:
            yield subject


def _open_warehouse(path: Path) -> None:
    """Where DuckDB is installed: it comes with the connectors."""
    try:
        import duckdb  # noqa: PLC0415 (an extra)
    except ModuleNotFoundError:
        return
    try:
        with duckdb.connect(path, read_only=True) as database:
            database.execute("select count(*) from information_schema.tables").fetchall()
    except duckdb.Error as error:
        told = f"Remove the folder {path.parent} from the backup: `make warehouse` builds it anew from what has landed."
        raise _damaged(path, error, told) from None


def _damaged(path: Path, error: Exception, remedy: str) -> ConfigurationError:
    reason = str(error).splitlines()[0]
    return ConfigurationError(f"backup_damaged: {path} is not whole ({reason}). Nothing was restored. {remedy}")
