"""OpenAI-compatible servers without anybody in between: aiohttp, our own reading of the stream, msgspec.

A client library decodes each chunk into objects of its own: OpenAI's takes 0.2 ms of CPU for one, litellm 0.9, this
some hundredths. What it needs to know of the protocol is little and stays put.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec

from agents.failures import FailureKind
from agents.ports import Ended, ModelFailed, Prompt, Said
from sluice.bots import Route
from sluice.clock import Clock
from sluice.events import Usage
from sluice.safe_text import SafeText
from sluice.tracing import HEADER, child_of
from streams.event_stream import EventStream
from streams.parameters import parameters
from streams.refusals import ErrorObject, error_in_stream, refusal_of, seconds_to_wait, words_of

REQUEST_ID = "X-Client-Request-Id"  # OpenAI's name for the caller's own id of a request
_DONE = b"[DONE]"
_REFUSAL_BYTES = 65_536
_IDLE_SECONDS = 30.0
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


class LeanModel:
    """One pool of connections for all routes."""

    def __init__(self, api_base: Callable[[Route], str | None], key: Key, clock: Clock) -> None:
        self._api_base, self._key, self._clock = api_base, key, clock
        self._session: aiohttp.ClientSession | None = None

    async def stream(self, route: Route, prompt: Prompt) -> AsyncGenerator[Said | Ended, None]:
        """See agents.ports.LanguageModel."""
        events = EventStream()
        call_id: str | None = None
        finish_reason: str | None = None
        usage: Usage | None = None
        async with self._asked(route, prompt) as response:
            try:
                async for received in response.content.iter_any():
                    for data in _events(events, received, call_id):
                        if data == _DONE:
                            continue
                        chunk = _decoded(data, call_id)
                        call_id, usage = call_id or chunk.id, _usage(chunk) or usage
                        for choice in (chunk.choices or ())[:1]:
                            finish_reason = choice.finish_reason or finish_reason
                            if choice.delta is not None and choice.delta.content:
                                yield Said(SafeText(choice.delta.content), usage, call_id)
            except (aiohttp.ClientError, OSError):
                raise ModelFailed(FailureKind.CUT, call_id) from None
        if finish_reason is None:
            raise ModelFailed(FailureKind.NO_END_MARK, call_id)
        yield Ended(finish_reason, usage, call_id)

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


def _events(events: EventStream, received: bytes, call_id: str | None) -> list[bytes]:
    try:
        return events.feed(received)
    except ValueError:
        raise ModelFailed(FailureKind.MALFORMED_CHUNK, call_id) from None


def _usage(chunk: _Chunk) -> Usage | None:
    told = chunk.usage
    if told is None or told.completion_tokens is None:
        return None
    return Usage(prompt_tokens=told.prompt_tokens or 0, completion_tokens=told.completion_tokens, estimated=False)


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
