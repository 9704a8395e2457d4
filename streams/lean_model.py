"""OpenAI-compatible servers without anybody in between: aiohttp, our own reading of the stream, msgspec.

A client library decodes each chunk into objects of its own: OpenAI's takes 0.2 ms of CPU for one, litellm 0.9, this
some hundredths. What it needs to know of the protocol is little and stays put.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec

from agents.failures import FailureKind
from agents.ports import Ended, ModelFailed, Prompt, Said
from sluice.bots import Route
from sluice.clock import Clock
from sluice.events import Usage
from sluice.tracing import HEADER, child_of
from streams.event_stream import EventStream
from streams.parameters import parameters
from streams.refusals import ErrorObject, error_in_stream, refusal_of, seconds_to_wait, words_of
from streams.told_usage import told_usage

REQUEST_ID = "X-Client-Request-Id"  # OpenAI's name for the caller's own id of a request
_DONE = b"[DONE]"
_REFUSAL_BYTES = 65_536
_IDLE_SECONDS = 30.0
_BILL_SECONDS = 1.0
"""The tokens come in a chunk of their own, right after the one with the finish reason."""
Key = Callable[[Route], str | None]


class _Delta(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Chunk(msgspec.Struct, frozen=True):
    id: str | None = None
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: ErrorObject | str | None = None


_CHUNK = msgspec.json.Decoder(_Chunk)


@dataclass(slots=True)
class _Heard:
    """What the stream has told so far besides its words."""

    call_id: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None

    def take(self, chunk: _Chunk) -> str | None:
        """The words of a chunk."""
        self.call_id, self.usage = self.call_id or chunk.id, _usage(chunk) or self.usage
        for choice in (chunk.choices or ())[:1]:
            self.finish_reason = choice.finish_reason or self.finish_reason
            return choice.delta.content if choice.delta is not None else None
        return None


class LeanModel:
    """One pool of connections for all routes."""

    def __init__(self, api_base: Callable[[Route], str | None], key: Key, clock: Clock) -> None:
        self._api_base, self._key, self._clock = api_base, key, clock
        self._session: aiohttp.ClientSession | None = None

    async def stream(self, route: Route, prompt: Prompt) -> AsyncGenerator[Said | Ended, None]:
        """See agents.ports.LanguageModel."""
        heard = _Heard()
        async with self._asked(route, prompt) as response:
            async for chunk in _chunks(response, heard):
                text = heard.take(chunk)
                if text:
                    yield Said(text, heard.usage if route.continuous_usage else None, heard.call_id)
        if heard.finish_reason is None:
            raise ModelFailed(FailureKind.NO_END_MARK, heard.call_id)
        yield Ended(heard.finish_reason, heard.usage, heard.call_id)

    def session(self) -> aiohttp.ClientSession:
        """The pool. Made at the first call, where an event loop runs."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS)
            self._session = aiohttp.ClientSession(connector=connector)
        return self._session

    async def aclose(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def _asked(self, route: Route, prompt: Prompt) -> AsyncIterator[aiohttp.ClientResponse]:
        """A response whose stream can be read. Raises ModelFailed; what was said of it stays here."""
        headers = {HEADER: child_of(prompt.traceparent), REQUEST_ID: prompt.attempt_id, "Accept": "text/event-stream"}
        key = self._key(route)
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        asking = self.session().post(
            f"{(self._api_base(route) or '').rstrip('/')}/chat/completions",
            data=msgspec.json.encode(request_body(route, prompt)),
            headers=headers | {"Content-Type": "application/json"},
            allow_redirects=False,  # the prompt goes to nobody but the route's own address
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=prompt.connect_seconds),
        )
        try:
            response = await asking
        except aiohttp.ServerTimeoutError:
            raise ModelFailed(FailureKind.CONNECT_TIMEOUT) from None
        except (aiohttp.ClientError, OSError):
            raise ModelFailed(FailureKind.UNREACHABLE) from None
        try:
            await self._check(response, prefilled=prompt.prefilled)
            yield response
        finally:
            response.close()

    async def _check(self, response: aiohttp.ClientResponse, *, prefilled: bool) -> None:
        if response.status != HTTPStatus.OK:
            try:
                body = await response.content.read(_REFUSAL_BYTES)
            except (aiohttp.ClientError, OSError):
                body = b""
            kind = refusal_of(response.status, words_of(body), prefilled=prefilled)
            raise ModelFailed(kind, None, seconds_to_wait(response.headers.get("Retry-After"), self._clock()))
        if response.content_type != "text/event-stream":
            raise ModelFailed(FailureKind.WRONG_CONTENT_TYPE)


def request_body(route: Route, prompt: Prompt) -> dict[str, Any]:
    """OpenAI's chat completion request."""
    options = {"include_usage": True} | ({"continuous_usage_stats": True} if route.continuous_usage else {})
    model = route.model.partition("/")[2] or route.model
    return parameters(prompt) | {"model": model, "stream": True, "stream_options": options}


async def _chunks(response: aiohttp.ClientResponse, heard: _Heard) -> AsyncIterator[_Chunk]:
    """Up to the end mark. Once the model has ended, nothing that follows makes its answer less whole.

    Raises ModelFailed.
    """
    events = EventStream()
    try:
        while received := await _received(response, ended=heard.finish_reason is not None):
            for data in _events(events, received, heard.call_id):
                if data == _DONE:
                    return
                yield _decoded(data, heard.call_id)
    except (aiohttp.ClientError, OSError):
        if heard.finish_reason is None:
            raise ModelFailed(FailureKind.CUT, heard.call_id) from None
    except ModelFailed:
        if heard.finish_reason is None:
            raise


async def _received(response: aiohttp.ClientResponse, *, ended: bool) -> bytes:
    """What came; nothing at the end. After the model's end only its bill is waited for. Raises OSError, ClientError."""
    if not ended:
        return await response.content.readany()
    async with asyncio.timeout(_BILL_SECONDS):
        return await response.content.readany()


def _events(events: EventStream, received: bytes, call_id: str | None) -> list[bytes]:
    try:
        return events.feed(received)
    except ValueError:
        raise ModelFailed(FailureKind.MALFORMED_CHUNK, call_id) from None


def _usage(chunk: _Chunk) -> Usage | None:
    return None if chunk.usage is None else told_usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)


def _decoded(data: bytes, call_id: str | None) -> _Chunk:
    try:
        chunk = _CHUNK.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ModelFailed(FailureKind.MALFORMED_CHUNK, call_id) from None
    if chunk.error is not None:
        words = chunk.error.words if isinstance(chunk.error, ErrorObject) else chunk.error
        raise ModelFailed(error_in_stream(words), call_id)
    if chunk.choices is None and chunk.usage is None:
        raise ModelFailed(FailureKind.MALFORMED_CHUNK, call_id)
    return chunk
