"""Schemas have their numbers from one place for as long as a log lasts: those of another place mean other schemas."""

from sluice.durable_files import write_durably
from sluice.errors import ConfigurationError
from sluice.settings import Settings
from sluice.settings_fields import NUMBERS_MARK

_LOCK_FILE = "the lock file"


def keep_numbering(settings: Settings) -> None:
    """Note it at the first start. Raises ConfigurationError where it is another one now."""
    mark = settings.home / NUMBERS_MARK
    now = "local" if settings.registry == "local" else settings.schema_registry_url or _LOCK_FILE
    known = mark.read_text() if mark.exists() else _LOCK_FILE if (settings.home / "kafka").exists() else now
    if known != now:
        raise ConfigurationError(
            f"This platform's log was written with the schema numbers of {_name(known)}, and now they would be of "
            f"{_name(now)}: nothing of it could be read. Start it as before, or set SLUICE_HOME to a new folder."
        )
    write_durably(mark, now.encode())


def _name(place: str) -> str:
    return "its own registry" if place == "local" else place
