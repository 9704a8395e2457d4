"""The mark of a stage whose fuse burnt: until a person clears it, the stage does not start."""

from datetime import datetime
from pathlib import Path

import msgspec

from sluice.durable_files import write_durably
from sluice.errors import ConfigurationError

_FILE = "fuse-burnt.json"


class BurntFuse(msgspec.Struct, frozen=True):
    """What burnt, why and when."""

    topic: str
    reason: str
    burnt_at: datetime


def mark(folder: Path, burnt: BurntFuse) -> None:
    """Put the mark into a state folder. Raises OSError where that cannot be written."""
    write_durably(folder / _FILE, msgspec.json.encode(burnt))


def check(folder: Path, stage: str) -> None:
    """Raises ConfigurationError where the folder is marked, also where the mark cannot be read."""
    try:
        raw = (folder / _FILE).read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigurationError(f"{folder / _FILE} cannot be read ({error.strerror}).") from None
    try:
        burnt = msgspec.json.decode(raw, type=BurntFuse)
        what = f"burnt at {burnt.burnt_at.isoformat(timespec='seconds')} on {burnt.topic}: {burnt.reason}"
    except msgspec.DecodeError:
        what = f"has burnt; {folder / _FILE} does not say why"
    raise ConfigurationError(
        f"The fuse of {stage} {what}. Look at the records with `sluice dlq list`, mend the cause, "
        f"clear the mark with `sluice fuse reset {stage}`, and start the stage again."
    )


def reset(folder: Path) -> bool:
    """Take the mark away. False where there was none."""
    try:
        (folder / _FILE).unlink()
    except FileNotFoundError:
        return False
    return True
