"""One request for an answer, as far as the development provider looks at it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, and how the answer is wanted."""

    model: str
    messages: list[dict[str, str]]
    limit: int | None
    stream: bool
    with_usage: bool
    usage_in_every_chunk: bool

    @property
    def begun(self) -> str | None:
        """The beginning of the answer that was given."""
        return self.messages[-1]["content"] if self.messages and self.messages[-1]["role"] == "assistant" else None

    @property
    def asked(self) -> str:
        """The last question."""
        if self.begun is None:
            return self.messages[-1]["content"] if self.messages else ""
        return next((m["content"] for m in reversed(self.messages) if m["role"] == "user"), "")


def question_of(body: Any) -> Question:
    """Raises ValueError, KeyError, TypeError or AttributeError where it is no chat completion request."""
    options = body.get("stream_options") or {}
    return Question(
        model=str(body["model"]),
        messages=[{"role": str(m["role"]), "content": _text(m["content"])} for m in body["messages"]],
        limit=_limit(body),
        stream=bool(body.get("stream")),
        with_usage=bool(options.get("include_usage")),
        usage_in_every_chunk=bool(options.get("continuous_usage_stats")),
    )


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(part["text"]) for part in content if part.get("type") == "text")
    raise TypeError


def _limit(body: dict[str, Any]) -> int | None:
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return int(limit) if limit else None
