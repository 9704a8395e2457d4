"""Apply how long things are kept: landed days, keys, the stages' state. Topics go by Kafka's own hand."""

import contextlib
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from connectors.landing_zone import LandingZone
from sluice.api_keys import ApiKeys
from sluice.catalogue_file import StoreName
from sluice.clock import Clock
from sluice.events import StateExpired
from sluice.ids import new_id
from sluice.key_store import DatabaseKeyStore
from sluice.stores import keep
from sluice.topics import catalogue
from sluice.tracing import new_traceparent

_AT_LEAST = timedelta(days=1)
_DAY = re.compile(r"date=(\d{4}-\d\d-\d\d)")


@dataclass(frozen=True, slots=True)
class Applied:
    """What went."""

    folders: int
    keys: int
    api_keys: int


@dataclass(frozen=True, slots=True)
class Retention:
    """The clock decides; nothing else is asked."""

    zone: LandingZone
    keys: DatabaseKeyStore
    api_keys: ApiKeys
    tell_stages: Callable[[StateExpired], None]
    rebuild: Callable[[], None]
    clock: Clock

    def apply(self) -> Applied:
        """May be repeated. Raises OSError or Unavailable."""
        now = self.clock()
        self.tell_stages(
            StateExpired(
                event_id=new_id(), occurred_at=now, traceparent=new_traceparent(), before=_before(now, "stage-state")
            )
        )
        keys = self.keys.destroy_unused(_before(now, "keys"))
        api_keys = self.api_keys.forget_ended(_before(now, "api-keys"))
        folders = self._drop_days(_before(now, "landing").date())
        if folders:
            self.rebuild()
        self.zone.erased.forget(now - longest_in_log())
        return Applied(folders, keys, api_keys)

    def _drop_days(self, first_kept: date) -> int:
        """Whole days, of every topic."""
        dropped = 0
        with self.zone.rewriting():
            for folder in self.zone.root.glob("*/date=*"):
                day = _day_of(folder.name)
                if day is not None and day < first_kept:
                    shutil.rmtree(folder)
                    dropped += 1
        return dropped


def _before(now: datetime, store: StoreName) -> datetime:
    """What is older goes. Never what is of today or later, whatever a number says."""
    return min(now - keep(store), now - _AT_LEAST)


def _day_of(folder: str) -> date | None:
    """None where the name is somebody else's: 30 February is no day."""
    match = _DAY.fullmatch(folder)
    with contextlib.suppress(ValueError):
        return date.fromisoformat(match[1]) if match else None
    return None


def longest_in_log() -> timedelta:
    """For so long a landed topic may be landed once more."""
    return max(timedelta(hours=t.retention_hours) for t in catalogue().values() if "connectors" in t.consumers)
