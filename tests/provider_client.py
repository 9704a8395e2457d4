"""A client of the development provider that notes all it sees, and a server to ask."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from local.provider.answers import story, tokens_of
from local.provider.server import Provider
from tests.waiting import meanwhile

KEY = {"Authorization": "Bearer the-key"}
FAST = {"first_token_seconds": 0, "token_seconds": 0}
STORY = story("")
TWENTY = "".join(tokens_of(STORY)[:20])
USER = {"role": "user", "content": "Go"}


@dataclass
class Heard:
    """What a client saw of one streamed answer."""

    status: int = 0
    headers: Any = None
    events: list[str] = field(default_factory=list)
    raw: str = ""
    broken: bool = False

    @property
    def chunks(self) -> list[Any]:
        return [json.loads(event) for event in self.events if event.startswith("{") and event != "{not json"]

    @property
    def text(self) -> str:
        return "".join(c["delta"].get("content", "") for chunk in self.chunks for c in chunk.get("choices", []))

    @property
    def finish(self) -> list[str]:
        reasons = [c["finish_reason"] for chunk in self.chunks for c in chunk.get("choices", [])]
        return [reason for reason in reasons if reason]

    @property
    def done(self) -> bool:
        return self.events[-1:] == ["[DONE]"]


class Client:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    def asking(self, model: str, script: dict[str, Any] | None = None, **over: Any) -> Any:
        own = over.pop("request_id", "")
        headers = {"X-Client-Request-Id": own} | ({"x-dev-script": json.dumps(script)} if script is not None else {})
        body = {"model": model, "messages": [USER], "stream": True} | over
        return self.session.post("/v1/chat/completions", json=body, headers=headers)

    async def ask(self, model: str, script: dict[str, Any] | None = None, heard: Heard | None = None, **over) -> Heard:
        heard = heard or Heard()
        try:
            async with self.asking(model, script, **over) as answer:
                heard.status, heard.headers = answer.status, answer.headers
                async for line in answer.content:
                    heard.raw += line.decode()
                    if line.startswith(b"data: "):
                        heard.events.append(line.decode().removeprefix("data: ").strip())
        except aiohttp.ClientError:
            heard.broken = True
        return heard

    async def whole(self, model: str, script: dict[str, Any] | None = None, **over: Any) -> Any:
        async with self.asking(model, FAST | (script or {}), stream=False, **over) as answer:
            return await answer.json()

    async def send(self, method: str, path: str, data: Any = None) -> tuple[int, Any]:
        async with self.session.request(method, path, data=data) as answer:
            return answer.status, await answer.json() if answer.status != 204 else None


@asynccontextmanager
async def served(provider: Provider) -> AsyncIterator[Client]:
    runner = web.AppRunner(provider.app(), handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession(f"http://{host}:{port}", headers=KEY) as session:
        yield Client(session)
    await runner.cleanup()


def bill(provider: Provider) -> tuple[str, int, int]:
    call = provider.meter.calls[-1]
    return call.state, call.prompt_tokens, call.completion_tokens


PROMPT = 1 + 3


async def leave_when(client: Client, ready: Any, heard: Heard, *asked: Any, **over: Any) -> None:
    listening = asyncio.create_task(client.ask(*asked, heard=heard, **over))
    await meanwhile(ready)
    assert not listening.done()
    listening.cancel()
    await asyncio.wait([listening])
