"""What the OpenAI-compatible endpoint answers, as OpenAI's reference names it."""

import msgspec


class Usage(msgspec.Struct):
    """Tokens of the turn."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnswerMessage(msgspec.Struct):
    """The whole answer."""

    content: str
    role: str = "assistant"
    refusal: str | None = None


class Choice(msgspec.Struct):
    """There is one."""

    message: AnswerMessage
    finish_reason: str
    index: int = 0
    logprobs: None = None


class ChatCompletion(msgspec.Struct):
    """The answer without `stream`."""

    id: str
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    system_fingerprint: str | None = None
    object: str = "chat.completion"


class ChunkDelta(msgspec.Struct, omit_defaults=True):
    """What is new."""

    role: str | None = None
    content: str | None = None


class ChunkChoice(msgspec.Struct):
    """There is one."""

    delta: ChunkDelta
    finish_reason: str | None = None
    index: int = 0
    logprobs: None = None


class ChatCompletionChunk(msgspec.Struct):
    """One event of the stream. `usage` is there where it was asked for, and null before the last chunk."""

    id: str
    created: int
    model: str
    choices: list[ChunkChoice]
    system_fingerprint: str | None = None
    object: str = "chat.completion.chunk"
    usage: Usage | msgspec.UnsetType | None = msgspec.UNSET


class Model(msgspec.Struct):
    """A bot. When it was made is nobody's business: 0."""

    id: str
    object: str = "model"
    created: int = 0
    owned_by: str = "sluice"


class ModelList(msgspec.Struct):
    """All bots."""

    data: list[Model]
    object: str = "list"
