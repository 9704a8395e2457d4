"""What each model of the development provider does. `GET /v1/models` lists this table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from local.provider.answers import assistant, echo, story

Fault = Literal[
    "none",
    "rate_limited",
    "rate_limited_bare",
    "error_once",
    "unavailable",
    "reset_before_headers",
    "no_response",
    "slow_first_token",
    "cut",
    "stall",
    "malformed_chunk",
]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One model."""

    name: str
    description: str
    answer: Callable[[str], str] = story
    fault: Fault = "none"
    after_tokens: int = 0
    token_seconds: float = 0.02
    first_token_seconds: float = 0.1


_ALL = (
    Behaviour("assistant", "answers in Markdown about what was asked", assistant),
    Behaviour("echo", "says the last message again", echo),
    Behaviour("slow-echo", "says the last message again, a word at a time", echo, token_seconds=0.06),
    Behaviour("story", "tells a long story at a steady pace", story),
    Behaviour(
        "instant", "says the last message again without any think time", echo, token_seconds=0, first_token_seconds=0
    ),
    Behaviour("rate-limited", "429 with Retry-After: 1", fault="rate_limited"),
    Behaviour("rate-limited-bare", "429 without Retry-After", fault="rate_limited_bare"),
    Behaviour("error-500-once", "500 on every other call, an answer else", fault="error_once"),
    Behaviour("unavailable-503", "503 always", fault="unavailable"),
    Behaviour("reset-before-headers", "closes the connection before it answers", fault="reset_before_headers"),
    Behaviour("no-response", "takes the request and never answers", fault="no_response"),
    Behaviour("slow-first-token", "first token after 30 s", fault="slow_first_token", first_token_seconds=30),
    Behaviour("cut-after-20", "closes the connection after 20 tokens", fault="cut", after_tokens=20),
    Behaviour("stall-after-20", "falls silent after 20 tokens", fault="stall", after_tokens=20),
    Behaviour(
        "malformed-after-20", "sends a chunk that is not JSON after 20 tokens", fault="malformed_chunk", after_tokens=20
    ),
)
BEHAVIOURS: dict[str, Behaviour] = {behaviour.name: behaviour for behaviour in _ALL}
