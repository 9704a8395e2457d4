"""What `POST /openai/v1/chat/completions` takes: checked by name, so that nothing asked for is silently left out."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from gateway.mistakes import mistake
from gateway.openai_errors import RefusedParameter
from gateway.protocol import has_control_characters
from sluice.errors import ErrorCode, Refused
from sluice.events import ContextRole, Sampling
from sluice.own_context import MESSAGE_BYTES, MOST_BYTES, OwnContext, OwnMessage

MOST_BODY_BYTES = 1_000_000
"""JSON may need three bytes for one."""

Penalty = Annotated[float, Meta(ge=-2, le=2)]
Tokens = Annotated[int, Meta(ge=1, le=2**31 - 1)]
StopText = Annotated[str, Meta(min_length=1)]


class TextPart(Struct, frozen=True, forbid_unknown_fields=True):
    """A piece of a message."""

    type: Literal["text"]
    text: str


class Message(Struct, frozen=True):
    """One message of the client's list."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]


class StreamOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """`include_obfuscation` is taken and not used: nothing is ever added to the text."""

    include_usage: bool = False
    include_obfuscation: bool = False


class ChatBody(Struct, frozen=True):
    """The body, without what is taken and not used (`USELESS`) or only at its default (`AT_DEFAULT`)."""

    model: str
    messages: Annotated[list[Message], Meta(min_length=1)]
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    stop: StopText | Annotated[list[StopText], Meta(max_length=4)] | None = None


USELESS = {
    *("user", "metadata", "store", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"),
}
"""Says something about the request, nothing about the answer."""
AT_DEFAULT: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "service_tier": ("auto", "default"),
}
"""Taken where it asks for what is done anyway."""
_ROLES: dict[str, ContextRole] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_FIELDS = set(ChatBody.__struct_fields__)
_PLACE = re.compile(r" - at `\$\.?([^`]*)`$")
_MISSING = re.compile(r"missing required field `([^`]*)`")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that can be answered."""

    bot: str
    question: str
    context: OwnContext
    sampling: Sampling | None
    stream: bool
    include_usage: bool


def read_chat(raw: bytes) -> Asked:
    """Raises Refused; RefusedParameter where one parameter is to blame."""
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(ErrorCode.INVALID_JSON) from None
    if not isinstance(document, dict):
        raise RefusedParameter(ErrorCode.INVALID_FRAME, None, "The body must be a JSON object.")
    given = {name: value for name, value in document.items() if value is not None and name not in USELESS}
    for name, value in given.items():
        if name not in _FIELDS and not any(_same(value, default) for default in AT_DEFAULT.get(name, ())):
            raise unsupported(name)
    messages = given.get("messages")
    for number, message in enumerate(messages if isinstance(messages, list) else ()):
        _check_message(message, f"messages[{number}]")
    body = _convert(given, ChatBody, "")
    return Asked(
        bot=body.model,
        question=_text(body.messages[-1]),
        context=_context(body),
        sampling=_sampling(body),
        stream=body.stream,
        include_usage=body.stream_options is not None and body.stream_options.include_usage,
    )


def unsupported(name: str) -> RefusedParameter:
    """Refused by name."""
    return RefusedParameter(ErrorCode.UNSUPPORTED_PARAMETER, name[:64], f"{name[:64]!r} is not supported here.")


def _same(value: object, default: object) -> bool:
    """1 is not True."""
    return type(value) is type(default) and value == default


def _check_message(message: object, place: str) -> None:
    """Only role and text. What is empty says nothing: answers that come back as messages have such fields."""
    if not isinstance(message, dict):
        raise RefusedParameter(ErrorCode.INVALID_FRAME, place, f"{place} must be an object.")
    for name, value in message.items():
        if name not in ("role", "content") and value not in (None, [], {}):
            raise unsupported(f"{place}.{name}")
    parts = message.get("content")
    for number, part in enumerate(parts if isinstance(parts, list) else ()):
        if isinstance(part, dict) and part.get("type") != "text":
            raise unsupported(f"{place}.content[{number}].type")
    text = _text(_convert(message, Message, place))
    if has_control_characters(text):
        raise RefusedParameter(ErrorCode.TEXT_CONTROL_CHARACTERS, f"{place}.content")


def _convert(document: object, shape: type[Any], place: str) -> Any:
    try:
        return msgspec.convert(document, shape)
    except msgspec.ValidationError as error:
        text = str(error)
        where = [part for part in (place, *_PLACE.findall(text), *_MISSING.findall(text)) if part]
        detail = _PLACE.sub("", mistake(error))
        raise RefusedParameter(ErrorCode.INVALID_FRAME, ".".join(where) or None, f"{detail}.") from None


def _text(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text for part in message.content)


def _context(body: ChatBody) -> OwnContext:
    last = f"messages[{len(body.messages) - 1}]"
    if body.messages[-1].role != "user":
        raise RefusedParameter(ErrorCode.INVALID_FRAME, f"{last}.role", "The last message must be the user's.")
    question = _text(body.messages[-1])
    if not question.strip():
        raise RefusedParameter(ErrorCode.TEXT_EMPTY, f"{last}.content")
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    context = OwnContext(
        tuple(OwnMessage(_ROLES[message.role], _text(message)) for message in body.messages[:-1]), stop
    )
    size = context.size_bytes + len(question.encode()) + MESSAGE_BYTES
    if size > MOST_BYTES:
        detail = f"The messages are {size:,} bytes together, {MESSAGE_BYTES} counted for each; at most {MOST_BYTES:,}."
        raise RefusedParameter(ErrorCode.MESSAGES_TOO_LARGE, "messages", detail)
    return context


def _sampling(body: ChatBody) -> Sampling | None:
    """Without the stop strings, which may be personal and go with the sealed context."""
    if body.stream_options is not None and not body.stream:
        raise RefusedParameter(ErrorCode.INVALID_FRAME, "stream_options", "stream_options goes with stream=true.")
    if body.max_tokens is not None and body.max_completion_tokens is not None:
        detail = "Give max_tokens or max_completion_tokens, not both."
        raise RefusedParameter(ErrorCode.INVALID_FRAME, "max_tokens", detail)
    sampling = Sampling(
        temperature=body.temperature,
        top_p=body.top_p,
        presence_penalty=body.presence_penalty,
        frequency_penalty=body.frequency_penalty,
        seed=body.seed,
        max_tokens=body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens,
        stop=(),
    )
    return None if sampling == Sampling(stop=()) else sampling
