"""Delta events a second through one respond worker and one gateway to WebSockets, beside a plain consumer."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, Producer

from benchmarks.chain import make_topics, reader
from benchmarks.measurement import NothingMeasured, Result
from benchmarks.options import Options
from benchmarks.running import INSTANT, RunningPlatform, progress, running_platform
from sluice import wiring
from sluice.chat_client import ChatClient
from sluice.cli.chat import development_token
from sluice.clock import utc_now
from sluice.events import AttemptStarted, DeltaProduced, TurnEvent
from sluice.ids import new_id
from sluice.kafka_config import producer_config
from sluice.safe_text import own_words
from sluice.tracing import new_traceparent

_SESSIONS, _DELTAS = 32, 3000
_FLOOR_TOPIC, _WARM_TOPIC = "bare-deltas", "bare-warm"
_PATIENCE_SECONDS = 120.0
Record = tuple[bytes, bytes]
"""Key and value."""


@dataclass(slots=True)
class Arrivals:
    """What came over all sockets. `deltas` counts events, also those that were gathered into one frame."""

    deltas: int = 0
    frames: int = 0
    first: float = 0.0
    last: float = 0.0
    _next: dict[str, int] = field(default_factory=dict)

    def take(self, frame: dict[str, Any], now: float) -> None:
        """Count a delta frame. Raises NothingMeasured where one is missing or comes twice."""
        expected = self._next.get(frame["turn_id"], 0)
        if frame["first_seq"] != expected:
            raise NothingMeasured(f"delta {frame['first_seq']} came where {expected} was due")
        self._next[frame["turn_id"]] = frame["seq"] + 1
        self.first = self.first or now
        self.deltas += frame["seq"] - frame["first_seq"] + 1
        self.frames += 1
        self.last = now


def deltas(options: Options) -> Result:
    """From the model on; and without respond, once with a socket for each session, once with all of them on one."""
    result = Result(
        "deltas",
        notes=[
            (
                f"{_SESSIONS} sessions with {_DELTAS} deltas each, produced as fast as librdkafka takes them, "
                "in turns, so neighbours on the log are of different sessions. First produce to last frame received."
            ),
            "floor: the same records from the same producer to one librdkafka consumer that only counts.",
            (
                f"through_respond: {_SESSIONS} people ask at once for {_DELTAS} tokens each from a model without think "
                "time; one respond worker, one gateway, a socket each. First to last delta; floor as own_sockets."
            ),
            "own_sockets: a socket for each session; one_socket: all of them on one, where little can be gathered.",
            "The client shares the machine with gateway and broker.",
        ],
    )
    with running_platform(options.port_offset) as platform:
        make_topics(platform.settings.bootstrap_servers, (_WARM_TOPIC,))
        for name, sockets in (("own_sockets", _SESSIONS), ("one_socket", 1)):
            topic = f"{_FLOOR_TOPIC}-{name}"
            records, arrivals, seconds, cpu = asyncio.run(_through_gateway(platform, sockets))
            floor = asyncio.run(_plain(platform.settings.bootstrap_servers, topic, records))
            result.add(f"deltas.{name}", arrivals.deltas / seconds, "deltas/s", floor)
            result.details[name] = {"frames": arrivals.frames, "deltas": arrivals.deltas, "seconds": seconds} | cpu
            progress(f"{name}: {result.details[name]}")
            if name == "own_sockets":
                arrivals, cpu = asyncio.run(_through_respond(platform))
                seconds = arrivals.last - arrivals.first
                result.add("deltas.through_respond", arrivals.deltas / seconds, "deltas/s", floor)
                result.details["through_respond"] = {"frames": arrivals.frames, "seconds": seconds} | cpu
                progress(f"through_respond: {result.details['through_respond']}")
    return result


async def _through_respond(platform: RunningPlatform) -> tuple[Arrivals, dict[str, float]]:
    arrivals = Arrivals()
    async with AsyncExitStack() as stack:
        token = development_token(platform.settings, "benchmark")
        url = platform.settings.gateway_url
        clients = [await stack.enter_async_context(ChatClient(url, token)) for _ in range(_SESSIONS)]
        readers = [asyncio.create_task(_count(client, arrivals)) for client in clients]
        before = platform.cpu_seconds()
        for client in clients:
            message = {"client_msg_id": new_id(), "session_id": new_id(), "bot": INSTANT, "text": "a " * _DELTAS}
            await client.send({"type": "message.send"} | message)
        await _complete(arrivals, readers)
        used = platform.cpu_seconds()
    return arrivals, {f"{name}_cpu_seconds": round(used[name] - before[name], 2) for name in ("respond", "gateway")}


async def _through_gateway(
    platform: RunningPlatform, sockets: int
) -> tuple[list[Record], Arrivals, float, dict[str, float]]:
    arrivals = Arrivals()
    async with AsyncExitStack() as stack:
        token = development_token(platform.settings, "benchmark")
        url = platform.settings.gateway_url
        clients = [await stack.enter_async_context(ChatClient(url, token)) for _ in range(sockets)]
        names = [new_id() for _ in range(_SESSIONS)]
        for number, name in enumerate(names):
            await clients[number % sockets].ask("Hi", session_id=name, bot=INSTANT, client_msg_id=new_id())
        records = list(_records(platform, clients[0].ready["user_id"], names))
        producer = _warm(platform.settings.bootstrap_servers)
        before = platform.cpu_seconds()["gateway"]
        begun = time.perf_counter()
        readers = [asyncio.create_task(_count(client, arrivals)) for client in clients]
        producing = asyncio.to_thread(produce, producer, "chat-replies", records)
        await asyncio.gather(producing, _complete(arrivals, readers))
        seconds = arrivals.last - begun
        cpu = {"gateway_cpu_seconds": round(platform.cpu_seconds()["gateway"] - before, 2)}
    return records, arrivals, seconds, cpu


async def _count(client: ChatClient, arrivals: Arrivals) -> None:
    async for frame in client.frames():
        if frame["type"] == "delta":
            arrivals.take(frame, time.perf_counter())
        elif frame["type"] in ("error", "failed"):
            raise NothingMeasured(f"the platform says {frame['code']}")


async def _complete(arrivals: Arrivals, readers: list[asyncio.Task[None]]) -> None:
    """Until all deltas are there. Raises what a reader raises, and NothingMeasured when it takes too long."""
    deadline = time.perf_counter() + _PATIENCE_SECONDS
    expected = _SESSIONS * _DELTAS
    while arrivals.deltas < expected:
        for ended in (task for task in readers if task.done()):
            ended.result()
            raise NothingMeasured(f"a socket was closed after {arrivals.deltas} of {expected} deltas")
        if time.perf_counter() > deadline:
            raise NothingMeasured(f"{arrivals.deltas} of {expected} deltas arrived")
        await asyncio.sleep(0.01)
    for task in readers:
        task.cancel()
    await asyncio.gather(*readers, return_exceptions=True)


def _records(platform: RunningPlatform, user_id: str, sessions: list[str]) -> Iterator[Record]:
    """A new turn in each session: started, then its deltas, in turns."""
    codec = wiring.codec(platform.settings)
    turns = {session_id: new_id() for session_id in sessions}

    def event(kind: type[TurnEvent], session_id: str, **more: Any) -> Record:
        head: dict[str, Any] = {"event_id": new_id(), "occurred_at": utc_now(), "traceparent": new_traceparent()}
        owner: dict[str, Any] = {"turn_id": turns[session_id], "session_id": session_id, "user_id": user_id}
        made = kind(**head, **owner, **more)
        return session_id.encode(), codec.encode(made)

    for session_id in sessions:
        yield event(AttemptStarted, session_id, attempt=1, model="openai/instant")
    for seq in range(_DELTAS):
        for session_id in sessions:
            yield event(DeltaProduced, session_id, attempt=1, seq=seq, text=own_words(" sluice"))


def _warm(servers: str) -> Producer:
    """The first record of an idempotent producer waits half a second for its id: that one goes beside."""
    producer = Producer(producer_config(servers, "bare-deltas"))
    producer.produce(_WARM_TOPIC, b"")
    producer.flush(10)
    return producer


def produce(producer: Producer, topic: str, records: list[Record]) -> None:
    """As fast as it goes, with the platform's producer settings. Raises NothingMeasured where records stay behind."""
    for key, value in records:
        producer.produce(topic, value, key)
        producer.poll(0)
    if producer.flush(30):
        raise NothingMeasured("librdkafka did not deliver all records")


async def _plain(servers: str, topic: str, records: list[Record]) -> float:
    """Records a second from the first produce to the last one read, written and read at the same time."""
    make_topics(servers, (topic,))
    producer, consumer = _warm(servers), reader(servers, topic)
    consumer.poll(1.0)
    begun = time.perf_counter()
    _, ended = await asyncio.gather(
        asyncio.to_thread(produce, producer, topic, records), asyncio.to_thread(_read, consumer, len(records))
    )
    consumer.close()
    return len(records) / (ended - begun)


def _read(consumer: Consumer, expected: int) -> float:
    """When the last record came. Raises NothingMeasured where it does not."""
    count, deadline = 0, time.perf_counter() + _PATIENCE_SECONDS
    while count < expected:
        first = consumer.poll(0.1)
        found = [] if first is None else [first, *consumer.consume(500, 0)]
        count += sum(message.error() is None for message in found)
        if time.perf_counter() > deadline:
            raise NothingMeasured(f"{count} of {expected} records came back")
    return time.perf_counter()
