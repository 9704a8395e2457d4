"""Many people who are answered at once, a token each 20 ms, through gateway, log and one respond worker."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from benchmarks.measurement import NothingMeasured, Result, percentile, spread
from benchmarks.options import Options
from benchmarks.running import RunningPlatform, progress, running_platform
from sluice.chat_client import ChatClient
from sluice.cli.chat import development_token
from sluice.ids import new_id
from sluice.paths import data_folder

_PEOPLE, _BOT = 128, "storyteller"
_OVER_SECONDS, _PATIENCE_SECONDS = 5.0, 120.0
_ENDS = {"completed", "failed", "cancelled"}


def crowd(options: Options) -> Result:
    """First token of each of them, beside that of somebody alone."""
    result = Result(
        "crowd",
        notes=[
            f"{_PEOPLE} people with a socket each ask within {_OVER_SECONDS:g} s for a long story: send to first delta",
            "the model waits 100 ms and then says a token each 20 ms for 20 s, so all overlap",
            "floor: the same of one person alone. Everything shares the machine.",
        ],
    )
    with _bots() as folder, running_platform(options.port_offset, instant=False, **_settings(folder)) as platform:
        alone = asyncio.run(_ask(platform, 1)) + asyncio.run(_ask(platform, 1))
        before = platform.cpu_seconds()
        together = asyncio.run(_ask(platform, _PEOPLE))
        used = {name: round(seconds - before.get(name, 0.0), 2) for name, seconds in platform.cpu_seconds().items()}
    for percent in (50, 99):
        result.add(f"crowd.p{percent}", percentile(together, percent), "ms", percentile(alone, percent))
    result.details = {"alone_ms": spread(alone), "together_ms": spread(together), "cpu_seconds": used}
    progress(f"{result.details}")
    return result


@contextmanager
def _bots() -> Iterator[str]:
    """A folder with the shipped storyteller, who may tell as many stories at once as there are people."""
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        shipped = (data_folder("deploy") / "bots" / f"{_BOT}.yaml").read_text()
        busy = shipped.replace("- model:", f"- concurrency: {_PEOPLE}\n    model:")
        (Path(folder) / f"{_BOT}.yaml").write_text(busy)
        yield folder


def _settings(bots: str) -> dict[str, str]:
    return {"SLUICE_BOTS_DIR": bots, "SLUICE_RUNNING_TURNS": str(_PEOPLE)}


async def _ask(platform: RunningPlatform, people: int) -> list[float]:
    async with AsyncExitStack() as stack:
        token = development_token(platform.settings, "benchmark")
        url = platform.settings.gateway_url
        clients = [await stack.enter_async_context(ChatClient(url, token)) for _ in range(people)]
        asking = [_first_token(client, _OVER_SECONDS * number / people) for number, client in enumerate(clients)]
        return await asyncio.gather(*asking)


async def _first_token(client: ChatClient, delay: float) -> float:
    await asyncio.sleep(delay)
    message = {"client_msg_id": new_id(), "session_id": new_id(), "bot": _BOT, "text": "Tell me."}
    begun, first = time.perf_counter(), 0.0
    await client.send({"type": "message.send"} | message)
    async with asyncio.timeout(_PATIENCE_SECONDS):
        async for frame in client.frames():
            if frame["type"] == "delta" and not first:
                first = (time.perf_counter() - begun) * 1000
            if frame["type"] in _ENDS:
                if frame["type"] != "completed":
                    raise NothingMeasured(f"a turn ended with {frame}")
                return first
    raise NothingMeasured("the gateway closed a connection")
