"""What the composition roots of all stages share: tools built from the settings, and the agent loop."""

import os
import sys
from dataclasses import dataclass
from functools import partial
from typing import Any

import faust

from sluice import wiring
from sluice.clock import utc_now
from sluice.codec import Codec
from sluice.dead_letters import DeadLetters
from sluice.events import Event
from sluice.kafka_admin import KafkaAdmin, wait_for_topics
from sluice.kafka_producer import KafkaProducer
from sluice.key_files import read_key_file
from sluice.letter_box import PUBLIC_FILE
from sluice.logs import Logger, configure, get_logger
from sluice.metrics import Metrics, make_metrics
from sluice.settings import ProcessName, Settings, load_settings
from sluice.topics import catalogue
from streams.app import make_app, source
from streams.executor import KeyedExecutor
from streams.runner import Runner, Step

_CRASHED = 70


@dataclass(frozen=True, slots=True)
class Worker:
    """One process of one stage."""

    stage: ProcessName
    settings: Settings
    app: faust.App
    codec: Codec
    producer: KafkaProducer
    dead_letters: DeadLetters
    metrics: Metrics
    log: Logger

    def consume(self, topic: str, expected: tuple[type[Any], ...], step: Step[Any], limit: int | None = None) -> None:
        """Run the step for every record of the topic; with `limit`, many sessions at the same time."""
        runner: Runner[Event] = Runner(
            expected, step, self.codec, self.producer, self.dead_letters, self.metrics, self.log, crash
        )

        async def one_by_one(stream: Any) -> None:
            async for event in stream.noack().events():
                await runner(event)

        async def by_session(stream: Any) -> None:
            executor = KeyedExecutor(limit or 1)
            try:
                async for event in stream.noack().events():
                    await executor.submit(event.message.key or b"", partial(runner, event))
            finally:
                await executor.stop()

        self.app.agent(source(self.app, topic), name=f"{self.stage}-{topic}")(by_session if limit else one_by_one)

    def run(self) -> None:
        """Until SIGTERM."""
        self.metrics.serve(self.settings.metrics_port(self.stage))
        wait_for_topics(KafkaAdmin(self.settings.bootstrap_servers), catalogue())

        @self.app.task  # type: ignore[untyped-decorator]
        async def start_producer() -> None:
            self.producer.start()
            self.log.info("worker runs", stage=self.stage, broker=self.settings.bootstrap_servers)

        worker = faust.Worker(self.app, loglevel="WARNING", redirect_stdouts=False, quiet=True, override_logging=False)
        worker.execute_from_commandline()


def make_worker(stage: ProcessName) -> Worker:
    """Read the settings and build the tools."""
    settings = load_settings()
    configure(stage, sys.stdout)
    log = get_logger()
    codec = wiring.codec(settings)

    def on_fatal(reason: str) -> None:
        log.error("producer failed, ending the process", reason=reason)
        crash()

    return Worker(
        stage=stage,
        settings=settings,
        app=make_app(stage, settings),
        codec=codec,
        producer=KafkaProducer(settings.bootstrap_servers, f"sluice-{stage}", on_fatal),
        dead_letters=DeadLetters(codec, read_key_file(settings.keys_dir, PUBLIC_FILE), f"sluice-{stage}", utc_now),
        metrics=make_metrics(),
        log=log,
    )


def crash() -> None:
    """End at once, without acknowledging anything more; the process manager starts the worker again."""
    sys.stdout.flush()
    os._exit(_CRASHED)
