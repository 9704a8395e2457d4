"""The transport that Faust is given, and the check that it meets the internals it was written for."""

import inspect
from typing import Any

import confluent_kafka
import faust
from faust.transport.consumer import Consumer
from faust.transport.drivers import aiokafka

from sluice.errors import ConfigurationError
from streams.transport.consumer import LogConsumer
from streams.transport.options import Options
from streams.transport.producer import LogProducer

_TESTED_FAUST = {"0.15.3"}
_TESTED_LIBRDKAFKA = {(2, 16)}
_INTERNALS = {
    "callback": "__init__",
    "_drain_messages": "(self, fetcher",
    "_getmany": "(self, active_partitions",
    "_get_active_partitions": "(self)",
    "perform_seek": "(self)",
    "force_commit": "(self, topics",
    "on_partitions_revoked": "(self, revoked",
    "on_partitions_assigned": "(self, assigned",
}


class LogTransport(aiokafka.Transport):  # type: ignore[misc]
    """Consumes and produces through librdkafka. Faust's producer only writes the changelogs of tables."""

    Consumer = LogConsumer
    Producer = LogProducer
    driver_version = f"librdkafka={confluent_kafka.libversion()[0]}"

    def __init__(self, *args: Any, options: Options, **kwargs: Any) -> None:
        self.options = options
        super().__init__(*args, **kwargs)


def check_versions(
    faust_version: str = faust.__version__, librdkafka: str = confluent_kafka.libversion()[0], base: type = Consumer
) -> None:
    """Raises ConfigurationError where Faust or librdkafka is not what the commit rule was tested with.

    The commit rule lives in methods that Faust calls internally: with another version it could be bypassed silently.
    """
    if faust_version not in _TESTED_FAUST:
        raise ConfigurationError(
            f"faust-streaming {faust_version} is installed; the transport was tested with "
            f"{', '.join(sorted(_TESTED_FAUST))}. Install from constraints/, or run the transport's tests and add it."
        )
    if tuple(map(int, librdkafka.split(".")[:2])) not in _TESTED_LIBRDKAFKA:
        raise ConfigurationError(
            f"librdkafka {librdkafka} is installed; the transport was tested with "
            f"{', '.join('.'.join(map(str, v)) for v in _TESTED_LIBRDKAFKA)}. Install from constraints/."
        )
    for name, signature in _INTERNALS.items():
        found = getattr(base, name, None)
        missing = found is None and name not in inspect.signature(base.__init__).parameters  # type: ignore[misc]
        if missing or (found is not None and not str(inspect.signature(found)).startswith(signature)):
            raise ConfigurationError(f"Faust's Consumer.{name} is not what the transport was written for.")
    wanted = getattr(LogConsumer, "__abstractmethods__", ())
    if wanted:
        raise ConfigurationError(
            f"Faust's Consumer wants what the transport does not have: {', '.join(sorted(wanted))}."
        )
