"""A stage without a model: `python -m benchmarks.passing_stage SERVERS SOURCE TARGET FOLDER`.

Transport, executor, claims and producer are the product's; the step hands the record on. Runs until SIGTERM.
"""

import os
import sys
from functools import partial
from typing import Any

import faust
import uvloop

from sluice import heap
from sluice.kafka_producer import KafkaProducer
from sluice.logs import configure
from streams.app import StageApp, source
from streams.executor import KeyedExecutor
from streams.intake import LogIntake, partition_of
from streams.transport.options import options_for

_RUNNING = 1024
_SESSION_SECONDS = 6.0


def main() -> None:
    """Consume, hand on, finish once the log has it."""
    servers, name, target, folder = sys.argv[1:]
    uvloop.install()
    configure("respond", sys.stdout)
    group = f"passing-{name}"
    producer = KafkaProducer(servers, group, _end)
    options = options_for(servers, group, "consumer", _SESSION_SECONDS, producer, _end)
    app = StageApp(
        group,
        options=options,
        broker=f"kafka://{servers}",
        datadir=folder,
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        stream_buffer_maxsize=4096,
        logging_config=None,
    )
    intake = LogIntake(app, lambda: None, _end)
    executor = KeyedExecutor(_RUNNING)

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
