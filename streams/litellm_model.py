"""litellm behind the model port. It is slow to import (4 s, 160 MB), so only the respond stage does."""

import importlib
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from decimal import Decimal
from json import JSONDecodeError
from typing import Any

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # noqa: TID251 (read by litellm at import; else it asks the network)

import httpx
import litellm  # noqa: TID251 (here it was told first)
import openai

from agents.failures import FailureKind
from agents.ports import Ended, ModelFailed, Prompt, Said
from sluice.bots import Route
from sluice.clock import Clock
from sluice.events import Usage
from sluice.tracing import HEADER, child_of
from streams.lean_model import REQUEST_ID, Key
from streams.parameters import parameters
from streams.refusals import error_in_stream, refusal_of, seconds_to_wait
from streams.told_usage import told_usage

litellm.suppress_debug_info = True
litellm.turn_off_message_logging = True
litellm.telemetry = False
litellm.REPEATED_STREAMING_CHUNK_LIMIT = sys.maxsize  # whether a model runs in circles is judged in one place

OPENAI_MODELS: frozenset[str] = frozenset(litellm.open_ai_chat_completion_models)
"""OpenAI's own."""
_LONGEST_SECONDS = 3600.0


class LitellmModel:
    """Any provider litellm knows. Retries and fail-over are not its business: they are ours."""

    def __init__(self, api_base: Callable[[Route], str | None], key: Key, clock: Clock) -> None:
        self._api_base, self._key, self._clock = api_base, key, clock

    async def stream(self, route: Route, prompt: Prompt) -> AsyncGenerator[Said | Ended, None]:
        """See agents.ports.LanguageModel."""
        response: Any = None
        call_id, finish_reason, usage = None, None, None
        try:
            response = await self._ask(route, prompt)
            _check(response)
            async for chunk in _chunks(response):
                call_id, usage = call_id or chunk.id, _usage(chunk) or usage
                for choice in chunk.choices[:1]:
                    finish_reason = choice.finish_reason or finish_reason
                    if choice.delta.content:
                        yield Said(choice.delta.content, None, call_id)
            if finish_reason is None or not _ended_by_provider(response):
                raise ModelFailed(FailureKind.NO_END_MARK, call_id)
            yield Ended(finish_reason, usage if _usage_by_provider(response) else None, call_id)
        except ModelFailed:
            raise
        except Exception as error:
            if response is None:
                raise self._refused(error, prompt) from None
            raise ModelFailed(_broken(error), call_id) from None
        finally:
            await _close(response)

    async def _ask(self, route: Route, prompt: Prompt) -> Any:
        return await litellm.acompletion(
            model=route.model,
            api_base=self._api_base(route),
            api_key=self._key(route),
            num_retries=0,
            max_retries=0,
            stream=True,
            stream_options={"include_usage": True},
            timeout=httpx.Timeout(_LONGEST_SECONDS, connect=prompt.connect_seconds),
            extra_headers={HEADER: child_of(prompt.traceparent), REQUEST_ID: prompt.attempt_id},
            **parameters(prompt),
        )

    def _refused(self, error: Exception, prompt: Prompt) -> ModelFailed:
        """An error before the first chunk. Its words are looked at, never kept."""
        if isinstance(error, litellm.ContextWindowExceededError):
            return ModelFailed(FailureKind.CONTEXT_TOO_LONG)
        if isinstance(error, litellm.ContentPolicyViolationError):
            return ModelFailed(FailureKind.CONTENT_FILTERED)
        status = _status_of(error)
        if status is None:
            timed_out = any(isinstance(cause, httpx.ConnectTimeout | httpx.PoolTimeout) for cause in _causes(error))
            return ModelFailed(FailureKind.CONNECT_TIMEOUT if timed_out else FailureKind.UNREACHABLE)
        wait = seconds_to_wait(_retry_after(error), self._clock())
        return ModelFailed(refusal_of(status, str(error), prefilled=prompt.prefilled), None, wait)

    def count(self, route: Route, prompt: Prompt, answer: str) -> Usage:
        """See agents.ports.LanguageModel."""
        messages = [{"role": m.role, "content": m.content} for m in prompt.messages]
        return Usage(
            prompt_tokens=litellm.token_counter(model=route.model, messages=messages),
            completion_tokens=litellm.token_counter(model=route.model, text=answer) if answer else 0,
            estimated=True,
        )

    async def warm_up(self) -> None:
        """The first call builds what later ones use; let no person wait for that."""
        response = await litellm.acompletion(
            model="openai/warm-up",
            messages=[{"role": "user", "content": "hello"}],
            mock_response="hello",
            stream=True,
            api_key="none",
        )
        async for _ in response:
            pass


def preload() -> None:
    """Import what litellm and its clients import at their first call: 2 s in which an event loop would stand still."""
    importlib.import_module("openai.resources.chat")
    litellm.token_counter(model="openai/warm-up", text="hello")


class LitellmPrices:
    """litellm's table of prices, as of its version."""

    version = "litellm-1.106.2"

    def cost_usd(self, model: str, usage: Usage) -> Decimal | None:
        """See agents.account.Prices."""
        try:
            prompt, completion = litellm.cost_per_token(
                model=model, prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens
            )
        except Exception:
            return None
        return Decimal(str(prompt)) + Decimal(str(completion))


def _raw(response: Any) -> bool:
    """An OpenAI-compatible stream as its client gives it. litellm's wrapper around it doubles the CPU of each token,
    and makes up what the provider did not send: a `stop` where the stream just ended, and a token count.
    """
    return isinstance(_stream(response), openai.AsyncStream)


def _stream(response: Any) -> Any:
    return getattr(response, "completion_stream", response)


def _chunks(response: Any) -> AsyncIterator[Any]:
    chunks: AsyncIterator[Any] = _stream(response) if _raw(response) else response
    return chunks


def _check(response: Any) -> None:
    """A login page is read as a stream without events."""
    stream = _stream(response)
    answer = getattr(stream, "response" if _raw(response) else "http_response", None)
    if isinstance(answer, httpx.Response) and "text/event-stream" not in answer.headers.get("content-type", ""):
        raise ModelFailed(FailureKind.WRONG_CONTENT_TYPE)


def _ended_by_provider(response: Any) -> bool:
    return _raw(response) or response.received_finish_reason is not None


def _usage_by_provider(response: Any) -> bool:
    return _raw(response) or any(getattr(chunk, "usage", None) is not None for chunk in response.chunks)


def _usage(chunk: Any) -> Usage | None:
    usage = getattr(chunk, "usage", None)
    return None if usage is None else told_usage(usage.prompt_tokens, usage.completion_tokens)


def _status_of(error: Exception) -> int | None:
    """Of an answer the provider gave. litellm gives connections that broke a 500 of its own."""
    if isinstance(error, litellm.APIConnectionError | litellm.Timeout | openai.APIConnectionError):
        return None
    broken = (httpx.TransportError, openai.APIConnectionError)
    if any(isinstance(cause, broken) for cause in _causes(error)):
        return None
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _retry_after(error: Exception) -> str | None:
    """Litellm's own exceptions have lost the headers; those they come from have them."""
    headers = (getattr(getattr(cause, "response", None), "headers", None) for cause in _causes(error))
    return next((found for each in headers if each is not None and (found := each.get("retry-after"))), None)


def _broken(error: Exception) -> FailureKind:
    """Of an error after the stream began."""
    causes = _causes(error)
    if any(isinstance(cause, JSONDecodeError | UnicodeDecodeError) for cause in causes):
        return FailureKind.MALFORMED_CHUNK
    if any(isinstance(cause, httpx.TransportError | openai.APIConnectionError) for cause in causes):
        return FailureKind.CUT
    status = getattr(causes[-1], "status_code", None)
    words = getattr(causes[-1], "body", None) or (status and f"{status} {causes[-1]}")
    return error_in_stream(str(words)) if words else FailureKind.CUT


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found:
        found.append(following)
        following = following.__cause__ or following.__context__
    return found


async def _close(response: Any) -> None:
    stream = None if response is None else _stream(response)
    close = getattr(stream, "close", None) or getattr(stream, "aclose", None)
    if close is not None:
        await close()
