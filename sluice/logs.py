"""Log lines are JSON facts: a fixed message with fields. Fields are ids, names and numbers, never text of people."""

import faulthandler
import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NewType, Protocol, TextIO, cast

import structlog

from sluice.safe_text import SafeText

if TYPE_CHECKING:
    from typing import Never, Self

    class Fact(str):
        """An id, a name, a kind of error, a word of our own: never text of people. Made by `fact`."""

        __slots__ = ()

        def __new__(cls, _made_by_fact_only: Never) -> Self:
            """Nobody can call this."""

else:
    Fact = NewType("Fact", str)

Field = Fact | SafeText | int | float | bool | None | Sequence[Fact]
Message = Literal[
    "a damaged file was removed",
    "a dead letter is too large",
    "a finder process ended",
    "bigquery sink started",
    "bigquery sink stopped",
    "cannot start",
    "changelogs are not written yet",
    "commit refused",
    "connector restarted",
    "ending the process",
    "files merged",
    "files stay as they are",
    "flush failed, will be tried again",
    "erased",
    "erasing",
    "fuse burnt",
    "gateway listens",
    "kafka says",
    "landed",
    "landing sink started",
    "landing sink stopped",
    "partitions assigned",
    "partitions gone",
    "provider listens",
    "record put away",
    "record rejected",
    "marks will be tried again",
    "records put away by connect",
    "request failed",
    "retention applied",
    "policies will be looked at again",
    "retention will be tried again",
    "secrets stay as they were",
    "small model listens",
    "step failed",
    "stream finished",
    "steward runs",
    "text cannot be opened",
    "text not searched for personal data",
    "the erasure will be tried again",
    "the burnt fuse could not be marked",
    "the log answers again",
    "the log cannot be read",
    "the log does not answer",
    "the reader failed",
    "the warehouse stays as it was",
    "waiting for Kafka",
    "waiting for the schema registry",
    "waiting for what is away",
    "warehouse built",
    "worker ended",
    "worker runs",
]


class Logger(Protocol):
    """structlog's, with what it takes: a message of the catalogue above and fields that are no text of people."""

    def info(self, message: Message, /, **fields: Field) -> None:
        """What happened."""
        ...

    def warning(self, message: Message, /, **fields: Field) -> None:
        """What will be tried again."""
        ...

    def error(self, message: Message, /, **fields: Field) -> None:
        """What somebody must look at."""
        ...


def fact(text: object) -> Fact:
    """Of an id, a name, a kind of error or a word of our own, as a string."""
    return cast(Fact, str(text))


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
