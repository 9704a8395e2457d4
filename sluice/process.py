"""How a process of the platform ends. Process managers rely on the codes; their names are those of sysexits.h."""

import sys
import time
from collections.abc import Callable
from enum import IntEnum

from sluice.errors import ConfigurationError, Unavailable
from sluice.logs import configure, fact, get_logger

_PAUSE_SECONDS = 1.5
"""supervisord takes an end within its `startsecs` for a failed start and tries again, whatever the code."""


class ProcessExit(IntEnum):
    """70: a crash, to be started again. 75: something was away. 78: a person must put something right first."""

    SOFTWARE = 70
    TEMPFAIL = 75
    CONFIG = 78


def run_process(name: str, main: Callable[[], None], pause: Callable[[float], None] = time.sleep) -> None:
    """Run a composition root. What keeps it from starting is one line in the log, and the exit code."""
    configure(name, sys.stdout)
    try:
        main()
    except (ConfigurationError, Unavailable) as error:
        get_logger().error("cannot start", reason=fact(error))
        sys.stdout.flush()
        pause(_PAUSE_SECONDS)
        sys.exit(ProcessExit.TEMPFAIL if isinstance(error, Unavailable) else ProcessExit.CONFIG)
