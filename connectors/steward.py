"""The steward's composition root: `python -m connectors.steward`. Erases people and applies retention.

Requests are read by a consumer group and committed when they are carried out, so that one that was begun is carried
out whatever dies meanwhile.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pyarrow as pa
from confluent_kafka import Consumer, KafkaException

from connectors.catching_up import Patience
from connectors.dbt_environment import DbtEnvironment
from connectors.erasing.eraser import Eraser
from connectors.erasing.letters import Letters
from connectors.landing import landed_topics
from connectors.landing_zone import LandingZone
from connectors.log_scan import LogScan, whole
from connectors.rejections import DeadLetterOffice, KafkaDeadLetters
from connectors.retention import Retention
from connectors.steward_metrics import StewardMetrics
from connectors.warehouse.build import Warehouse
from sluice import wiring
from sluice.acknowledged import AcknowledgedWriter
from sluice.api_keys import revoke_again
from sluice.backup import RESTORED_MARK
from sluice.catalogue_file import TopicName
from sluice.clock import utc_now
from sluice.codec import Codec
from sluice.dead_letters import DeadLetters, Origin
from sluice.errors import ConfigurationError, Rejected, Unavailable
from sluice.events import ErasureCompleted, ErasureRequested
from sluice.kafka_access import connection
from sluice.kafka_admin import KafkaAdmin, wait_for_topics
from sluice.kafka_config import consumer_config
from sluice.kafka_records import origin_of
from sluice.key_files import PSEUDONYM_KEY, read_key_file
from sluice.letter_box import PRIVATE_FILE, PUBLIC_FILE
from sluice.logs import Logger, fact, get_logger
from sluice.owed_marks import OwedMarks
from sluice.paths import checkout, data_folder
from sluice.policy_watch import PolicyWatch
from sluice.process import run_process
from sluice.settings import Settings, load_settings
from sluice.tls import server_files
from sluice.topics import seen_by

PRINCIPAL: Final = "steward"
GROUP: Final = "steward"
REQUESTS: Final[TopicName] = "erasure-requests"
_POLL_SECONDS = 0.5
_AGAIN_SECONDS = 5.0
_STILL_SECONDS = 60.0
_RETENTION_SECONDS = 6 * 3600.0
_LOOK_SECONDS = 60.0
_AWAY = (Unavailable, OSError, KafkaException, pa.ArrowException)
"""What is tried again."""
_WAREHOUSE_SECONDS = 600.0
"""For a build that is at work already."""


class Steward:
    """One request after the other; between them, retention when it is due."""

    def __init__(
        self,
        consumer: Consumer,
        codec: Codec,
        office: DeadLetterOffice,
        eraser: Eraser,
        retention: Retention,
        policies: PolicyWatch,
        metrics: StewardMetrics,
        log: Logger,
        revoke_again: Callable[[], object],
        settle_marks: Callable[[], object],
    ) -> None:
        self._revoke_again, self._settle_marks = revoke_again, settle_marks
        self._consumer, self._codec, self._office, self._policies = consumer, codec, office, policies
        self._eraser, self._retention, self._metrics, self._log = eraser, retention, metrics, log

    def catch_up(self, mark: Path, stopping: threading.Event) -> None:
        """After a restore, the log's revocations and erasures once more on what was restored; then the mark goes."""
        while mark.exists() and not stopping.is_set():
            try:
                self._revoke_again()
                for completed in erasures(self._eraser.scan, self._codec):
                    self._eraser.erase_again(completed)
                self._eraser.rebuild()
                mark.unlink()
            except _AWAY as error:
                self._log.warning("the erasure will be tried again", reason=fact(f"{type(error).__name__}: {error}"))
                stopping.wait(_AGAIN_SECONDS)

    def run(self, stopping: threading.Event) -> None:
        """Until told to stop. What is not committed then comes again."""
        due_at = look_at = marks_at = 0.0
        self._consumer.subscribe([REQUESTS])
        while not stopping.is_set():
            message = self._consumer.poll(_POLL_SECONDS)
            if message is not None and message.error() is None:
                self._take(origin_of(message), stopping)
                if not stopping.is_set():
                    self._consumer.commit(message=message, asynchronous=False)
            if time.monotonic() >= look_at:
                self._look()
                look_at = time.monotonic() + _LOOK_SECONDS
            if time.monotonic() >= marks_at and not self._put_marks():
                marks_at = time.monotonic() + _AGAIN_SECONDS
            if time.monotonic() >= due_at and self._keep_in_order():
                due_at = time.monotonic() + _RETENTION_SECONDS

    def _take(self, origin: Origin, stopping: threading.Event) -> None:
        """Returns when it is done, or when the process is told to stop."""
        while not stopping.is_set():
            try:
                event = self._codec.decode(origin.value)
                if isinstance(event, ErasureRequested):
                    self._erase(event)
            except _AWAY as error:
                self._metrics.failures.inc()
                self._log.warning("the erasure will be tried again", reason=fact(f"{type(error).__name__}: {error}"))
                stopping.wait(_AGAIN_SECONDS)
            except Rejected as rejected:
                self._office.put(origin, rejected)
                self._office.settle()
                return
            else:
                return

    def _erase(self, request: ErasureRequested) -> None:
        if any(done.request_id == request.event_id for done in erasures(self._eraser.scan, self._codec)):
            self._eraser.forget(request)  # carried out, but not committed
            return
        begun = time.monotonic()
        person = fact(request.user_id)
        done = self._eraser.erase(request, lambda step: self._log.info("erasing", person=person, step=fact(step)))
        seconds = time.monotonic() - begun
        self._metrics.seconds.observe(seconds)
        self._log.info("erased", person=person, keys=done.keys, rows=done.rows, letters=done.letters, seconds=seconds)

    def _put_marks(self) -> bool:
        """What commands owe the audit log."""
        try:
            self._settle_marks()
        except _AWAY as error:
            self._log.warning("marks will be tried again", reason=fact(f"{type(error).__name__}: {error}"))
            return False
        return True

    def _look(self) -> None:
        try:
            self._policies.look()
        except _AWAY as error:
            self._log.warning("policies will be looked at again", reason=fact(f"{type(error).__name__}: {error}"))

    def _keep_in_order(self) -> bool:
        try:
            done = self._retention.apply()
        except _AWAY as error:
            self._log.warning("retention will be tried again", reason=fact(f"{type(error).__name__}: {error}"))
            return False
        self._log.info("retention applied", folders=done.folders, keys=done.keys, api_keys=done.api_keys)
        return True


def erasures(scan: LogScan, codec: Codec) -> Iterator[ErasureCompleted]:
    """All that were carried out, as far as the log reaches. Raises Unavailable."""
    for record in scan.records(whole(scan, [REQUESTS])):
        with contextlib.suppress(Rejected):
            event = codec.decode(record.value)
            if isinstance(event, ErasureCompleted):
                yield event


def revoked_again(settings: Settings) -> int:
    """Machines' keys that the audit log knows to be revoked. Raises Unavailable or ConfigurationError."""
    records = (record for _, record in wiring.audit_log(settings, PRINCIPAL).records())
    return revoke_again(wiring.api_keys(settings), records, read_key_file(settings.keys_dir, PSEUDONYM_KEY))


def rebuild_warehouse(settings: Settings, stopping: threading.Event) -> None:
    """From what has landed; where there is no warehouse yet, only what failed builds left goes.

    Raises Unavailable where dbt fails.
    """
    environment = DbtEnvironment(checkout())
    house = Warehouse(settings.warehouse_path, data_folder("dbt"), environment.dbt, os.environ)  # noqa: TID251 (handed to dbt)
    until = time.monotonic() + _WAREHOUSE_SECONDS
    try:
        if not settings.warehouse_path.exists():
            house.forget_failed()
            return
        if not environment.ready:
            environment.make()
        built = house.build(
            LandingZone(settings.landing_dir),
            landed_topics(),
            lambda _line: None,
            full_refresh=True,
            wait=lambda: not stopping.wait(0.5) and time.monotonic() < until,
        )
    except ConfigurationError as error:
        raise Unavailable(str(error)) from error
    if built.failures:
        raise Unavailable(f"The warehouse could not be built: {built.failures[0]}")


def make_eraser(settings: Settings, codec: Codec, stopping: threading.Event) -> Eraser:
    """Raises ConfigurationError where a key is missing."""
    kafka = connection(settings, PRINCIPAL)
    scan, admin, writer = LogScan(kafka, GROUP), KafkaAdmin(kafka), AcknowledgedWriter(kafka, "sluice-steward")
    audit_log, log = wiring.audit_log(settings, PRINCIPAL), get_logger()
    return Eraser(
        scan=scan,
        admin=admin,
        writer=writer,
        codec=codec,
        keys=wiring.key_store(settings),
        zone=LandingZone(settings.landing_dir),
        letters=Letters(scan, admin, writer, codec, read_key_file(settings.keys_dir, PRIVATE_FILE)),
        rebuild=partial(rebuild_warehouse, settings, stopping),
        mark=lambda mark: audit_log.append([mark]),
        gone=lambda path, kind: log.warning("a damaged file was removed", file=fact(path), reason=fact(kind)),
        notes=settings.state_of("steward") / "erasures",
        clock=utc_now,
        patience=Patience(_STILL_SECONDS, time.monotonic, lambda seconds: _rest(stopping, seconds)),
    )


def watched_policies(settings: Settings) -> PolicyWatch:
    """Who may what and how long things are kept, and where questions go. Raises ConfigurationError.

    Who changed a file nobody knows here: the marks are the steward's own. What is replaced the stage itself marks.
    """
    audit_log = wiring.audit_log(settings, PRINCIPAL)
    files: dict[str, Callable[[], Iterable[Path]]] = {
        "bots": lambda: settings.bots_dir.glob("*.yaml"),
        "avro": lambda: [data_folder("avro") / "topics.yaml"],
    }
    state = settings.state_of("steward") / "policies.json"
    return PolicyWatch(files, state, PRINCIPAL, audit_log.append)


def _rest(stopping: threading.Event, seconds: float) -> None:
    if stopping.wait(seconds):
        raise SystemExit


def main() -> None:
    """The process. Stops on SIGTERM and SIGINT."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    settings, log = load_settings(), get_logger()
    kafka, shown = connection(settings, PRINCIPAL), server_files(settings, "steward", utc_now())
    codec = wiring.resolved_codec(settings, partial(_rest, stopping))
    wait_for_topics(KafkaAdmin(kafka), seen_by(PRINCIPAL), partial(_rest, stopping), log)
    metrics = StewardMetrics()
    metrics.serve(settings.metrics_port("steward"), shown, settings.metrics_client_ca_file)
    eraser = make_eraser(settings, codec, stopping)
    stores = wiring.key_store(settings), wiring.api_keys(settings)
    retention = Retention(eraser.zone, *stores, eraser.tell_stages, eraser.rebuild, utc_now)
    policies, marks = watched_policies(settings), wiring.audit_log(settings, PRINCIPAL)
    consumer = Consumer(consumer_config(kafka, GROUP, GROUP, {"max.poll.interval.ms": 900_000}))
    letters = DeadLetters(codec, read_key_file(settings.keys_dir, PUBLIC_FILE), GROUP, utc_now)
    office = KafkaDeadLetters(kafka, letters)
    log.info("steward runs")
    try:
        steward = Steward(
            consumer,
            codec,
            office,
            eraser,
            retention,
            policies,
            metrics,
            log,
            partial(revoked_again, settings),
            partial(OwedMarks(settings.marks_dir).settle, marks.append),
        )
        steward.catch_up(settings.home / RESTORED_MARK, stopping)
        steward.run(stopping)
    finally:
        consumer.close()
    sys.exit(0)


if __name__ == "__main__":
    run_process("steward", main)
