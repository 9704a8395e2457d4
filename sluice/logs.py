"""Log lines are JSON facts: a fixed message with fields. Fields are ids, names and numbers, never text of people."""

import faulthandler
import logging
import sys
from typing import TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger

Logger = FilteringBoundLogger


def configure(process: str, stream: TextIO = sys.stdout) -> None:
    """Set up logging of this process, libraries included. They are heard from warning on.

    What crashes the interpreter itself leaves the stacks of all threads on standard error.
    """
    if sys.__stderr__ is not None:
        faulthandler.enable(sys.__stderr__)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(process=process)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def get_logger() -> Logger:
    """The process's logger."""
    return cast(Logger, structlog.get_logger())
