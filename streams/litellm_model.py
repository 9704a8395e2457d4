"""litellm behind the model port. It is slow to import (4 s, 160 MB), so only the respond stage does."""

import importlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from decimal import Decimal
from typing import Any

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # noqa: TID251 (read by litellm at import; else it asks the network)

import litellm
import openai

from agents.failures import FailureKind
from agents.ports import Ended, ModelFailed, Prompt, Said
from sluice.bots import Route
from sluice.events import Usage
from sluice.safe_text import SafeText
from sluice.tracing import HEADER, child_of

litellm.suppress_debug_info = True
litellm.turn_off_message_logging = True
litellm.telemetry = False

_REQUEST_ID = "X-Client-Request-Id"  # OpenAI's name for the caller's own id of a request
_OPENAI = "openai/"
_LONGEST_SECONDS = 3600.0
_FORBIDDEN = 403
# First match wins: several of these are subclasses of later ones.
_KINDS: tuple[tuple[type[Exception], FailureKind], ...] = (
    (litellm.ContextWindowExceededError, FailureKind.CONTEXT_TOO_LONG),
    (litellm.ContentPolicyViolationError, FailureKind.CONTENT_FILTERED),
    (litellm.AuthenticationError, FailureKind.REFUSED_KEY),
    (litellm.PermissionDeniedError, FailureKind.REFUSED_KEY),
    (litellm.RateLimitError, FailureKind.RATE_LIMITED),
    (litellm.Timeout, FailureKind.CONNECT_TIMEOUT),
    (litellm.BadRequestError, FailureKind.REFUSED_REQUEST),
    (litellm.NotFoundError, FailureKind.REFUSED_REQUEST),
    (litellm.ServiceUnavailableError, FailureKind.OVERLOADED),
    (litellm.InternalServerError, FailureKind.SERVER_ERROR),
)


class LitellmModel:
    """Any provider litellm knows. Retries and fail-over are not its business: they are ours.

    A model behind somebody's own OpenAI-compatible address, of which litellm knows nothing special, is asked through
    OpenAI's SDK as litellm would do, without what litellm does around it: that is two thirds of the CPU of a call.
    """

    def __init__(self, api_base: Callable[[Route], str | None], secret: Callable[[str], Any]) -> None:
        self._api_base = api_base
        self._secret = secret
        self._clients: dict[tuple[str, str], openai.AsyncOpenAI] = {}

    async def stream(self, route: Route, prompt: Prompt) -> AsyncGenerator[Said | Ended, None]:
        """See agents.ports.LanguageModel."""
        key = self._secret(route.api_key) if route.api_key else None
        response: Any = None
        spoke = False
        try:
            response = await self._ask(
                route,
                key.get_secret_value() if key else None,
                messages=[{"role": m.role, "content": m.content} for m in prompt.messages],
                max_tokens=prompt.output_tokens,
                stream=True,
                stream_options={"include_usage": True},
                timeout=_LONGEST_SECONDS,
                extra_headers={HEADER: child_of(prompt.traceparent), _REQUEST_ID: prompt.attempt_id},
            )
            call_id, finish_reason, usage = None, None, None
            async for chunk in _chunks(response):
                call_id = call_id or chunk.id
                usage = _usage(chunk) or usage
                for choice in chunk.choices[:1]:
                    finish_reason = choice.finish_reason or finish_reason
                    if choice.delta.content:
                        spoke = True
                        yield Said(SafeText(choice.delta.content))
            if finish_reason is None or not _ended_by_provider(response):
                raise ModelFailed(FailureKind.NO_END_MARK, call_id)
            yield Ended(finish_reason, usage if _usage_by_provider(response) else None, call_id)
        except ModelFailed:
            raise
        except Exception as error:
            raise ModelFailed(_kind_of(_as_litellm(error, route), spoke=spoke)) from None
        finally:
            await _close(response)

    async def aclose(self) -> None:
        """Let go of the connections to addresses of somebody's own; litellm keeps its own."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    async def _ask(self, route: Route, key: str | None, **request: Any) -> Any:
        base = self._api_base(route)
        name = route.model.removeprefix(_OPENAI)
        if base is None or name == route.model or name in litellm.open_ai_chat_completion_models:
            more = {"api_base": base, "api_key": key, "num_retries": 0, "max_retries": 0}
            return await litellm.acompletion(model=route.model, **request, **more)
        client = self._clients.get((base, key or ""))
        if client is None:
            web = openai.DefaultAioHttpClient()
            client = openai.AsyncOpenAI(base_url=base, api_key=key or "none", max_retries=0, http_client=web)
            self._clients[base, key or ""] = client
        return await client.chat.completions.create(model=name, **request)

    def count(self, route: Route, prompt: Prompt, answer: str) -> Usage:
        """See agents.ports.LanguageModel."""
        messages = [{"role": m.role, "content": m.content} for m in prompt.messages]
        return Usage(
            prompt_tokens=litellm.token_counter(model=route.model, messages=messages),
            completion_tokens=litellm.token_counter(model=route.model, text=answer) if answer else 0,
            estimated=True,
        )

    async def billed(self, _route: Route, _attempt_id: str, _call_id: str | None) -> Usage | None:
        """See agents.ports.LanguageModel."""
        return None

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


def _ended_by_provider(response: Any) -> bool:
    return _raw(response) or response.received_finish_reason is not None


def _usage_by_provider(response: Any) -> bool:
    return _raw(response) or any(getattr(chunk, "usage", None) is not None for chunk in response.chunks)


def _usage(chunk: Any) -> Usage | None:
    usage = getattr(chunk, "usage", None)
    if usage is None or usage.completion_tokens is None:
        return None
    return Usage(
        prompt_tokens=int(usage.prompt_tokens or 0), completion_tokens=int(usage.completion_tokens), estimated=False
    )


def _kind_of(error: Exception, *, spoke: bool) -> FailureKind:
    if spoke:
        return FailureKind.CUT
    if getattr(error, "status_code", None) == _FORBIDDEN:
        return FailureKind.REFUSED_KEY
    # Also where the SDK speaks of a time-out: ours come first, and httpx-aiohttp calls a connection that broke one.
    return next((kind for type_, kind in _KINDS if isinstance(error, type_)), FailureKind.UNREACHABLE)


def _as_litellm(error: Exception, route: Route) -> Exception:
    """A provider says in words what others only number, and litellm knows the words: a context too long, say."""
    if isinstance(error, openai.APIStatusError) and not type(error).__module__.startswith("litellm"):
        try:
            litellm.exception_type(model=route.model, original_exception=error, custom_llm_provider="openai")
        except Exception as named:
            return named
    return error


async def _close(response: Any) -> None:
    stream = None if response is None else _stream(response)
    close = getattr(stream, "close", None) or getattr(stream, "aclose", None)
    if close is not None:
        await close()
