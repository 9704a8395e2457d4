"""A worker of one agent, for test_losses.py: `python loss_worker.py '{"transport": ..., ...}'`.

Every handled number is a line in a file. Numbers below zero are slow: they wait until a file `go` is there.
"""

import asyncio
import json
import os
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust

from sluice.kafka_producer import KafkaProducer
from sluice.logs import configure
from streams.app import StageApp
from streams.executor import KeyedExecutor
from streams.intake import LogIntake, partition_of
from streams.transport.options import GroupProtocol, options_for


def main() -> None:  # noqa: C901 (one flat script)
    asked = SimpleNamespace(**json.loads(sys.argv[1]))
    folder = Path(asked.folder)
    configure("respond", sys.stdout)
    protocol: GroupProtocol = "classic" if asked.transport == "classic" else "consumer"
    producer = KafkaProducer(asked.servers, asked.group, _crash)
    options = options_for(asked.servers, asked.group, protocol, 6.0, producer, _crash)
    app = StageApp(
        asked.group,
        options=None if asked.transport == "stock" else options,
        broker=f"kafka://{asked.servers}",
        datadir=str(folder / "state"),
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=6,
        broker_heartbeat_interval=1,
        broker_commit_interval=0.5,
        stream_wait_empty=asked.wait_empty,
        key_serializer="raw",
        value_serializer="raw",
        logging_config=None,
    )
    source = app.topic(asked.topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    overlapping: set[bytes] = set()

    async def handle(event: Any) -> None:
        number = int(event.value)
        if asked.fails and number < 0 and not (folder / "go").exists():
            raise RuntimeError("a bug, or a broken provider")
        if event.key in overlapping:
            _note(folder / "overlaps", number)
        overlapping.add(event.key)
        if number < 0:
            while not (folder / "go").exists():  # noqa: ASYNC110 (another process says when)
                await asyncio.sleep(0.02)
        await asyncio.sleep(asked.pause)
        overlapping.discard(event.key)
        _note(folder / "handled", number)

    async def obvious(stream: Any) -> None:
        async for event in stream.events():
            await handle(event)

    async def ours(stream: Any) -> None:
        executor = KeyedExecutor(64, 64)
        intake = LogIntake(app, lambda: None, _crash)

        async def one(event: Any, claim: Any) -> None:
            try:
                await handle(event)
            except RuntimeError:
                os._exit(70)
            claim.finish()

        async for event in stream.noack().events():
            claim = intake.claim(event)
            if claim is not None:
                await executor.submit(partition_of(event), event.key, partial(one, event, claim))

    if asked.transport == "stock":
        app.agent(source, concurrency=asked.concurrency)(obvious)
    else:
        app.agent(source)(ours)
    faust.Worker(app, loglevel="ERROR", redirect_stdouts=False, quiet=True).execute_from_commandline()


def _crash(_reason: str) -> None:
    os._exit(70)


def _note(file: Path, number: int) -> None:
    with file.open("a") as lines:
        lines.write(f"{number}\n")


if __name__ == "__main__":
    main()
