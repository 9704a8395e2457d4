"""What the composition roots of all stages share: tools built from the settings, and the agent loop."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import faust
import uvloop

from sluice import burnt_fuse, heap, wiring
from sluice.burnt_fuse import BurntFuse
from sluice.clock import utc_now
from sluice.codec import Codec
from sluice.dead_letters import DeadLetters
from sluice.errors import ConfigurationError
from sluice.events import Event
from sluice.failpoints import FAILPOINTS, Failpoints
from sluice.kafka_access import connection
from sluice.kafka_admin import KafkaAdmin, wait_for_topics
from sluice.kafka_config import Connection, consumer_config
from sluice.kafka_producer import KafkaProducer
from sluice.key_files import read_key_file
from sluice.letter_box import PUBLIC_FILE
from sluice.logs import Logger, fact, get_logger
from sluice.metrics import Metrics, make_metrics
from sluice.process import ProcessExit
from sluice.settings import Settings, load_settings
from sluice.tls import server_files
from sluice.topics import seen_by
from streams.app import make_app, source
from streams.executor import KeyedExecutor
from streams.fuse import Fuse
from streams.intake import Intake, LogIntake, StockIntake, partition_of
from streams.ready import check_partitions, check_state
from streams.runner import Runner, Step
from streams.transport.driver import check_versions
from streams.transport.lag import Lag
from streams.transport.member import Partition
from streams.transport.options import Options, options_for
from streams.transport.queries import Queries
from streams.watchdog import Watchdog

Stage = Literal["enrich", "redact", "respond"]
_LAG_SECONDS = 3.0
_LEAVE_SECONDS, _CLOSE_SECONDS = 10.0, 2.0


async def _nothing_to_close() -> None:
    return


@dataclass(slots=True)
class Worker:
    """One process of one stage."""

    stage: Stage
    settings: Settings
    kafka: Connection
    app: faust.App
    codec: Codec
    producer: KafkaProducer
    dead_letters: DeadLetters
    metrics: Metrics
    log: Logger
    intake: Intake
    watchdog: Watchdog
    failpoints: Failpoints
    on_gone: Callable[[set[Partition]], None] = lambda _partitions: None
    """Called once partitions have another owner."""
    on_end: Callable[[], Awaitable[None]] = _nothing_to_close
    """Awaited last at an orderly end, for a bounded time."""
    _executors: dict[str, KeyedExecutor] = field(default_factory=dict)
    begun: bool = False
    told_to_end: bool = False

    def consume(self, topic: str, expected: tuple[type[Any], ...], step: Step[Any]) -> None:
        """Run the step for every record of the topic: ordered within a session, parallel across sessions."""
        runner: Runner[Event] = Runner(
            expected,
            step,
            self.codec,
            self.producer,
            self.dead_letters,
            self.metrics,
            self.log,
            self.crash,
            Fuse(self.settings.fuse_share, self.settings.fuse_window, partial(self._mark_fuse, topic)),
            self.watchdog.moved,
            partial(self.reach, "before_emit"),
            partial(self.reach, "emitted"),
        )
        running = self.settings.running_turns
        executor = self._executors[topic] = KeyedExecutor(running, running * self.settings.session_turns)

        async def by_session(stream: Any) -> None:
            async for event in stream.noack().events():
                claim = self.intake.claim(event)
                if claim is not None:
                    self.watchdog.moved()
                    key = event.message.key or b""
                    await executor.submit(partition_of(event), key, partial(runner, event, claim))

        self.app.agent(source(self.app, topic), name=f"{self.stage}-{topic}")(by_session)

    def full(self, topic: str) -> bool:
        """Whether no more of this topic can be begun before something ends."""
        return self._executors[topic].full

    def reach(self, point: str) -> None:
        """A failpoint of this stage, where it has one of this name."""
        if self.failpoints.folder is not None and (name := f"{self.stage}.{point}") in FAILPOINTS:
            self.failpoints.reach(name)

    def crash(self, reason: str) -> None:
        """End at once, finishing nothing more; the process manager starts the worker again."""
        self.log.error("ending the process", reason=fact(reason))
        sys.stdout.flush()
        os._exit(ProcessExit.SOFTWARE)

    def run(self) -> None:
        """Until SIGTERM. Raises ConfigurationError where it must not start."""
        burnt_fuse.check(self.settings.state_of(self.stage), self.stage)
        shown = server_files(self.settings, self.stage, utc_now())
        self.metrics.serve(self.settings.metrics_port(self.stage), shown, self.settings.metrics_client_ca_file)
        admin = KafkaAdmin(self.kafka)
        wait_for_topics(admin, seen_by(self.stage), log=self.log)
        check_partitions(admin, self._executors)
        check_state(self.settings.state_of(self.stage), admin.cluster_id())

        @self.app.task  # type: ignore[untyped-decorator]
        async def begin() -> None:
            self.producer.start()
            if isinstance(self.intake, LogIntake):
                self.intake.consumer.when_gone(self._drain, self._let_go)
            heap.settle()
            self.begun = True
            self.log.info("worker runs", stage=fact(self.stage), broker=fact(self.settings.bootstrap_servers))

        if isinstance(self.intake, LogIntake):
            self.watchdog.start()
        try:
            _Process(self).execute_from_commandline()
        finally:
            if self.told_to_end:
                os._exit(0)
            self.crash("Faust ended")

    def _mark_fuse(self, topic: str, reason: str) -> None:
        try:
            burnt_fuse.mark(self.settings.state_of(self.stage), BurntFuse(topic, reason, utc_now()))
        except OSError as error:
            self.log.error("the burnt fuse could not be marked", reason=fact(error.strerror))

    async def _drain(self, partitions: set[Partition]) -> None:
        grace = self.settings.rebalance_grace_seconds
        await asyncio.gather(*(executor.drain(partitions, grace) for executor in self._executors.values()))

    def _let_go(self, partitions: set[Partition]) -> None:
        cancelled = sum(executor.cancel(partitions) for executor in self._executors.values())
        self.on_gone(partitions)
        self.log.info("partitions gone", partitions=len(partitions), cancelled=cancelled)

    async def hand_over(self) -> None:
        """Finish what runs within the grace time, commit it, leave the group, end. The rest comes again elsewhere."""
        if not self.begun:
            os._exit(0)
        ended = await asyncio.gather(*(e.finish(self.settings.grace_seconds) for e in self._executors.values()))
        if isinstance(self.intake, LogIntake):
            await leave(self.intake.consumer.hand_over(), _LEAVE_SECONDS)
        await self.producer.stop()
        await asyncio.wait({asyncio.ensure_future(self.on_end())}, timeout=_CLOSE_SECONDS)
        self.log.info("worker ended", handed_over=sum(ended))
        sys.stdout.flush()
        os._exit(0)


class _Process(faust.Worker):  # type: ignore[misc]
    """Faust's worker with our way to end: its own takes 10 s and finishes nothing."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._ending: asyncio.Task[None] | None = None
        super().__init__(worker.app, loglevel="WARNING", redirect_stdouts=False, quiet=True, override_logging=False)
        self.spinner = None  # it writes a terminal's codes into the log

    def _schedule_shutdown(self, sig: signal.Signals) -> None:
        self._worker.told_to_end = True
        if isinstance(self._worker.intake, StockIntake):
            super()._schedule_shutdown(sig)
        elif self._ending is None:
            self._ending = self.loop.create_task(self._end())

    async def _end(self) -> None:
        try:
            await self._worker.hand_over()
        except Exception as error:
            self._worker.crash(f"hand-over failed: {type(error).__name__}: {error}")


async def leave(handing_over: Awaitable[None], seconds: float) -> None:
    """Raises TimeoutError saying what took too long."""
    try:
        async with asyncio.timeout(seconds):
            await handing_over
    except TimeoutError:
        raise TimeoutError(f"the last commit and leaving the group took more than {seconds:g} s") from None


def make_worker(stage: Stage) -> Worker:
    """Read the settings and build the tools."""
    settings = load_settings()
    uvloop.install()
    log = get_logger()
    codec = wiring.resolved_codec(settings)
    failpoints = Failpoints(settings.failpoints_dir)
    stock = settings.transport == "stock"

    def crash(reason: str) -> None:
        worker.crash(reason)

    def reach(point: str) -> None:
        worker.reach(point)

    def full(topic: str) -> bool:
        return worker.full(topic)

    kafka = connection(settings, stage)
    if stock and kafka.protocol != "PLAINTEXT":
        raise ConfigurationError("SLUICE_TRANSPORT=stock is for comparisons on a Kafka without TLS and passwords.")
    producer = KafkaProducer(kafka, f"sluice-{stage}", lambda reason: crash(f"producer: {reason}"))
    options = None if stock else _options(stage, settings, kafka, producer, crash, reach)
    app = make_app(stage, settings, options)
    lag_queries = Queries(consumer_config(kafka, f"sluice-{stage}-lag", f"sluice-{stage}"), _LAG_SECONDS)
    lag = Lag(lag_queries, lambda: app.consumer if worker.begun else None, full)
    watchdog = Watchdog(lag.behind, settings.broker_session_seconds, crash)
    intake: Intake = StockIntake(app) if stock else LogIntake(app, watchdog.stood_still, crash)
    worker = Worker(
        stage=stage,
        settings=settings,
        kafka=kafka,
        app=app,
        codec=codec,
        producer=producer,
        dead_letters=DeadLetters(codec, read_key_file(settings.keys_dir, PUBLIC_FILE), f"sluice-{stage}", utc_now),
        metrics=make_metrics(),
        log=log,
        intake=intake,
        watchdog=watchdog,
        failpoints=failpoints,
    )
    return worker


def _options(
    stage: Stage,
    settings: Settings,
    kafka: Connection,
    producer: KafkaProducer,
    crash: Callable[[str], None],
    reach: Callable[[str], None],
) -> Options:
    check_versions()
    protocol, seconds = settings.group_protocol, settings.broker_session_seconds
    grace = settings.rebalance_grace_seconds
    return options_for(kafka, f"sluice-{stage}", protocol, seconds, producer, crash, reach, grace)
