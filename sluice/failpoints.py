"""Named places in the life of a record at which a test may kill the process.

Off unless `SLUICE_FAILPOINTS_DIR` is set. A file `<point>` in that folder arms the point once, for whichever process
comes by first: it takes the file away and kills itself with SIGKILL, as a power cut would. With the word `pause` in it,
the process stops there with SIGSTOP until somebody lets it go on with SIGCONT, as one that was left behind.
Source of the idea: FreeBSD's fail(9) and TiKV's fail-rs.
"""

import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

FailpointName = Literal[
    "gateway.before_produce",
    "gateway.accepted_not_told",
    "enrich.before_emit",
    "enrich.emitted",
    "enrich.before_commit",
    "redact.before_emit",
    "redact.emitted",
    "redact.before_commit",
    "respond.started",
    "respond.provider_called",
    "respond.provider_answered",
    "respond.metered",
    "respond.terminal_produced",
    "respond.before_commit",
    "landing.file_written",
    "landing.before_commit",
    "landing.committed",
    "bigquery.before_finalize",
    "bigquery.finalized",
    "bigquery.before_create_stream",
    "bigquery.stream_created",
    "bigquery.before_append",
    "bigquery.appended",
    "bigquery.before_commit",
    "bigquery.committed",
]
FAILPOINTS: tuple[FailpointName, ...] = get_args(FailpointName)


def die() -> None:
    """As a power cut: no handler runs, nothing is flushed."""
    os.kill(os.getpid(), signal.SIGKILL)


def pause() -> None:
    """As a machine that stands still."""
    os.kill(os.getpid(), signal.SIGSTOP)


@dataclass(frozen=True, slots=True)
class Failpoints:
    """`reach` costs one comparison where no folder is set."""

    folder: Path | None = None
    die: Callable[[], None] = die
    pause: Callable[[], None] = pause

    def reach(self, point: FailpointName) -> None:
        """Die or stop here if somebody armed the point."""
        if self.folder is None:
            return
        with contextlib.suppress(FileNotFoundError):
            file = self.folder / point
            ends = file.read_text() != "pause"
            file.unlink()
            (self.die if ends else self.pause)()
