"""A stage without a model: `python -m benchmarks.passing_stage SERVERS SOURCE TARGET FOLDER`.

Faust app, transport, executor, claims, producer and all limits are the product's; the step hands the record on. Runs
until SIGTERM.
"""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import faust
import uvloop

from sluice import heap
from sluice.kafka_producer import KafkaProducer
from sluice.logs import configure
from sluice.settings import Settings
from streams.app import make_app, source
from streams.executor import KeyedExecutor
from streams.intake import LogIntake, partition_of
from streams.transport.options import options_for


def main() -> None:
    """Consume, hand on, finish once the log has it."""
    servers, name, target, folder = sys.argv[1:]
    uvloop.install()
    configure("respond", sys.stdout)
    settings = Settings(home=Path(folder), broker=servers)
    producer = KafkaProducer(servers, "sluice-respond", _end)
    session_seconds = settings.broker_session_seconds
    options = options_for(servers, "sluice-respond", settings.group_protocol, session_seconds, producer, _end)
    app = make_app("respond", settings, options)
    intake = LogIntake(app, lambda: None, _end)
    executor = KeyedExecutor(settings.running_turns, settings.running_turns * settings.session_turns)

    @app.task  # type: ignore[untyped-decorator]
    async def begin() -> None:
        producer.start()
        heap.settle()

    async def pass_on(event: Any, claim: Any) -> None:
        report = await producer.put(target, event.key.decode(), event.value, [])
        await report
        claim.finish()

    async def by_session(stream: Any) -> None:
        async for event in stream.noack().events():
            claim = intake.claim(event)
            if claim is not None:
                await executor.submit(partition_of(event), event.key, partial(pass_on, event, claim))

    app.agent(source(app, name))(by_session)
    faust.Worker(app, loglevel="ERROR", redirect_stdouts=False, quiet=True).execute_from_commandline()


def _end(reason: str) -> None:
    print(reason, file=sys.stderr, flush=True)
    os._exit(1)


if __name__ == "__main__":
    main()
