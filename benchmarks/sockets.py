"""Ten thousand idle sockets, and two thousand readers that come back at the same moment."""

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psutil
import uvloop
from confluent_kafka import Producer

from benchmarks.deltas import Record, produce
from benchmarks.measurement import NothingMeasured, Result, percentile, spread
from benchmarks.options import Options
from benchmarks.raw_socket import RawSocket, Target, allow_files, open_socket
from benchmarks.running import INSTANT, RunningPlatform, progress, running_platform
from sluice import wiring
from sluice.chat_client import ChatClient
from sluice.cli.chat import development_token
from sluice.clock import utc_now
from sluice.events import AttemptStarted, DeltaProduced, TurnCancelled, TurnEvent, TurnFinished, Usage
from sluice.ids import new_id
from sluice.kafka_config import producer_config
from sluice.safe_text import own_words
from sluice.tracing import new_traceparent

_SOCKETS, _READERS = 10_000, 2_000
_SEEN, _MISSED = 20, 20
_BAR_KB = 60.0
_AT_ONCE = 200
_SETTLE_SECONDS = 2.0
_PATIENCE_SECONDS = 120.0
_QUIET_CPU_SECONDS = 0.5
"""Of all processes of the platform in a second."""


def sockets(options: Options) -> Result:
    """Memory of the gateway for each socket, and how long a storm of reconnects takes."""
    result = Result(
        "sockets",
        notes=[
            f"{_SOCKETS} WebSockets from another process; unique memory (USS) of the gateway, by the kernel's account.",
            "idle: connected and greeted. listening: each has resumed a session of its own as well.",
            "floor of the memory: the design's bar.",
            (
                f"storm: {_READERS} readers lose their sockets in the middle of an answer of their own; it goes on to "
                f"its end ({_MISSED} deltas and the terminal); then all connect at once and resume at their cursor. "
                "From the moment of the storm until a reader has the last frame it missed; every text is checked."
            ),
            "floor of the storm: the same connections at once, only until they are greeted.",
            "The client shares the machine with gateway and broker.",
        ],
    )
    allow_files(_SOCKETS)
    with (
        running_platform(options.port_offset) as platform,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_Benchmark(platform, result).run())
    return result


@dataclass(slots=True)
class _Reader:
    """One person's session with an answer in it."""

    session_id: str
    turn_id: str
    text: str = ""
    seq: int = -1
    greeted: float | None = None
    done: float | None = None
    resuming: bool = True
    socket: RawSocket | None = None

    wrong: str = ""

    def take(self, socket: RawSocket, frame: dict[str, Any]) -> None:
        """Notes what is `wrong`: something that comes twice, is missing or is refused."""
        now = time.perf_counter()
        self.socket = socket
        match frame["type"]:
            case "ready":
                self.greeted = now
                if self.resuming:
                    self.resume()
            case "snapshot":
                self.text, self.seq = frame["text"], frame["seq"]
            case "delta":
                if frame["first_seq"] != self.seq + 1:
                    self.wrong = f"delta {frame['first_seq']} came where {self.seq + 1} was due"
                self.text, self.seq = self.text + frame["text"], frame["seq"]
            case "cancelled":
                self.done = now
            case "error" | "resync_required":
                self.wrong = f"the gateway said {frame}"

    def resume(self) -> None:
        """From where it stands."""
        cursor = f"{self.turn_id}:1:{self.seq}" if self.seq >= 0 else None
        if self.socket is not None:
            self.socket.send({"type": "session.resume", "session_id": self.session_id, "cursor": cursor})


class _Benchmark:
    def __init__(self, platform: RunningPlatform, result: Result) -> None:
        self._platform, self._result = platform, result
        self._codec = wiring.codec(platform.settings)
        self._target = Target(platform.settings.gateway_port, development_token(platform.settings, "benchmark"))
        self._gateway = platform.processes()["gateway"]
        self._user_id = ""

    async def run(self) -> None:
        """The idle ones first, then the storm."""
        most = self._gateway.rlimit(psutil.RLIMIT_NOFILE)[0]
        if most != resource.RLIM_INFINITY and most < _SOCKETS + 100:
            raise NothingMeasured(f"the gateway may open {most} files; raise `ulimit -n` above {_SOCKETS + 100}")
        async with ChatClient(self._platform.settings.gateway_url, self._target.token) as client:
            self._user_id = client.ready["user_id"]
            await client.ask("Hi", session_id=new_id(), bot=INSTANT, client_msg_id=new_id())
        readers = [_Reader(new_id(), new_id()) for _ in range(_SOCKETS)]
        self._produce("chat-turns", (self._owned(reader) for reader in readers))
        await self._idle(readers)
        await self._storm(readers[:_READERS])

    async def _idle(self, readers: Sequence[_Reader]) -> None:
        before = self._memory()
        begun = time.perf_counter()
        for reader in readers:
            reader.resuming = False
        await self._connect(readers, _AT_ONCE)
        await _until(lambda: all(reader.greeted for reader in readers), "greeted")
        progress(f"{len(readers)} connected in {time.perf_counter() - begun:.1f} s")
        await self._note("sockets.idle", before, len(readers))
        for reader in readers:
            reader.resume()
        await asyncio.sleep(_SETTLE_SECONDS)
        await self._note("sockets.listening", before, len(readers))
        lost = sum(reader.socket is None or reader.socket.gone for reader in readers)
        if lost:
            raise NothingMeasured(f"{lost} sockets were lost")
        await self._drop(readers)

    async def _note(self, name: str, before: int, count: int) -> None:
        await asyncio.sleep(_SETTLE_SECONDS)
        memory = self._memory()
        self._result.add(name, (memory - before) / count / 1000, "kB", _BAR_KB)
        self._result.details[name] = {"sockets": count, "uss_before": before, "uss_after": memory}

    async def _storm(self, readers: Sequence[_Reader]) -> None:
        self._produce("chat-replies", (record for reader in readers for record in self._beginning(reader)))
        for reader in readers:
            reader.resuming = True
        await self._connect(readers, _AT_ONCE)
        await _until(lambda: all(reader.seq == _SEEN - 1 for reader in readers), "in the middle of their answer")
        await self._drop(readers)
        self._produce("chat-replies", (record for reader in readers for record in self._end(reader)))
        await self._quiet()
        cpu = [self._cpu()]
        floor = await self._greetings(len(readers))
        cpu.append(self._cpu())
        await self._quiet()
        begun = time.perf_counter()
        await self._connect(readers, len(readers))
        await _until(lambda: all(reader.done or reader.wrong for reader in readers), "given what they missed")
        cpu.append(self._cpu())
        expected = "".join(f" w{seq}" for seq in range(_SEEN + _MISSED))
        wrong = [reader.wrong or "another text" for reader in readers if reader.wrong or reader.text != expected]
        if wrong:
            raise NothingMeasured(f"{len(wrong)} of {len(readers)} readers did not get what they missed: {wrong[0]}")
        times = [(reader.done or 0.0) - begun for reader in readers]
        progress(f"all {len(readers)} readers have all they missed, each in order")
        for name, value, bar in (
            ("p50", percentile(times, 50), percentile(floor, 50)),
            ("p95", percentile(times, 95), percentile(floor, 95)),
            ("max", max(times), max(floor)),
        ):
            self._result.add(f"sockets.storm_{name}", value, "s", bar)
        self._result.details["storm"] = {
            "readers": len(readers),
            "seconds": spread(times),
            "greeted": spread(floor),
            "gateway_cpu_seconds": round(cpu[2] - cpu[1], 2),
            "gateway_cpu_seconds_greeted": round(cpu[1] - cpu[0], 2),
        }
        progress(f"{self._result.details['storm']}")
        await self._drop(readers)

    async def _greetings(self, count: int) -> list[float]:
        bare = [_Reader("", "", resuming=False) for _ in range(count)]
        begun = time.perf_counter()
        await self._connect(bare, count)
        await _until(lambda: all(reader.greeted for reader in bare), "greeted")
        await self._drop(bare)
        return [(reader.greeted or 0.0) - begun for reader in bare]

    async def _connect(self, readers: Sequence[_Reader], at_once: int) -> None:
        gate = asyncio.Semaphore(at_once)

        async def one(number: int, reader: _Reader) -> None:
            async with gate:
                reader.greeted = reader.done = None
                await open_socket(self._target, number, reader.take)

        await _all(one(number, reader) for number, reader in enumerate(readers))

    async def _drop(self, readers: Sequence[_Reader]) -> None:
        for reader in readers:
            if reader.socket is not None:
                reader.socket.drop()
        await asyncio.sleep(_SETTLE_SECONDS)

    async def _quiet(self) -> None:
        """Until the platform has digested what was written."""
        deadline = time.perf_counter() + _PATIENCE_SECONDS / 2
        used = sum(self._platform.cpu_seconds().values())
        while time.perf_counter() < deadline:
            await asyncio.sleep(1.0)
            before, used = used, sum(self._platform.cpu_seconds().values())
            if used - before < _QUIET_CPU_SECONDS:
                return

    def _memory(self) -> int:
        return int(self._gateway.memory_full_info().uss)

    def _cpu(self) -> float:
        return sum(self._gateway.cpu_times()[:2])

    def _produce(self, topic: str, records: Iterator[Record]) -> None:
        servers = self._platform.settings.bootstrap_servers
        produce(Producer(producer_config(servers, "bench-sockets")), topic, list(records))

    def _event(self, kind: type[TurnEvent], reader: _Reader, turn_id: str, **more: Any) -> Record:
        head: dict[str, Any] = {"event_id": new_id(), "occurred_at": utc_now(), "traceparent": new_traceparent()}
        owner: dict[str, Any] = {"turn_id": turn_id, "session_id": reader.session_id, "user_id": self._user_id}
        return reader.session_id.encode(), self._codec.encode(kind(**head, **owner, **more))

    def _owned(self, reader: _Reader) -> Record:
        """An earlier turn, which makes the session this person's."""
        usage = Usage(prompt_tokens=1, completion_tokens=1, estimated=True)
        answer: dict[str, Any] = {"question": own_words("Hi"), "answer": own_words("Hi"), "attempts": 1, "usage": usage}
        template: dict[str, Any] = {"template_id": "assistant@1", "template_hash": "0", "redacted_types": {}}
        numbers: dict[str, Any] = {"cost_usd": Decimal(0), "total_ms": 1.0, "accepted_at": utc_now(), "hops": ()}
        kind: dict[str, Any] = {"bot": INSTANT, "state": "completed"}
        return self._event(TurnFinished, reader, new_id(), **kind, **answer, **template, **numbers)

    def _beginning(self, reader: _Reader) -> Iterator[Record]:
        yield self._event(AttemptStarted, reader, reader.turn_id, attempt=1, model="openai/instant")
        yield from (self._delta(reader, seq) for seq in range(_SEEN))

    def _end(self, reader: _Reader) -> Iterator[Record]:
        yield from (self._delta(reader, seq) for seq in range(_SEEN, _SEEN + _MISSED))
        yield self._event(TurnCancelled, reader, reader.turn_id, attempt=1, deltas=_SEEN + _MISSED)

    def _delta(self, reader: _Reader, seq: int) -> Record:
        return self._event(DeltaProduced, reader, reader.turn_id, attempt=1, seq=seq, text=own_words(f" w{seq}"))


async def _all(work: Iterator[Awaitable[None]]) -> None:
    await asyncio.gather(*work)


async def _until(happened: Callable[[], bool], what: str) -> None:
    deadline = time.perf_counter() + _PATIENCE_SECONDS
    while not happened():
        if time.perf_counter() > deadline:
            raise NothingMeasured(f"not all were {what} within {_PATIENCE_SECONDS:.0f} s")
        await asyncio.sleep(0.05)
