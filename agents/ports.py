"""What the steps need from outside, as small protocols. `streams` has the real ones, tests have doubles."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from agents.failures import FailureKind
from sluice.bots import Route
from sluice.events import Event, Sampling, TurnFinished, Usage
from sluice.replies import Reply
from sluice.safe_text import SafeText


class Log(Protocol):
    """Where a step puts its events."""

    async def emit(self, event: Event) -> None:
        """Put an event on its topic. Returns when the producer has taken it. Raises Unavailable."""
        ...

    async def settled(self) -> None:
        """Returns once the log has acknowledged everything but deltas. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the log says of a turn that may have been begun before."""

    reply: Reply | None
    finished: TurnFinished | None
    """Of the newest owner, where one got so far."""
    metered: frozenset[str]
    """Attempts that have a row in the ledger."""
    stopped: bool


Look = Callable[[], Awaitable[Earlier]]
"""Reads the log up to its present end. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One message as models take it."""

    role: Literal["system", "user", "assistant"]
    content: SafeText


@dataclass(frozen=True, slots=True)
class Prompt:
    """What goes to a model: redacted text only."""

    messages: tuple[PromptMessage, ...]
    output_tokens: int
    connect_seconds: float
    traceparent: str
    attempt_id: str
    """Sent to the provider as the request's id, so that its bill can be matched with the ledger."""
    sampling: Sampling | None = None

    @property
    def prefilled(self) -> bool:
        """The last message is the beginning of the answer, to be gone on with."""
        return self.messages[-1].role == "assistant"


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of the answer as the model wrote it, to go through agents.answers. `usage` is all so far, where the
    provider tells it with each piece.
    """

    text: str
    usage: Usage | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The last thing a model gives. `usage` is None where the provider did not say."""

    finish_reason: str
    usage: Usage | None
    call_id: str | None


class ModelFailed(Exception):
    """The model gave no whole answer. Holds a kind, never the provider's words: they can echo prompt and key."""

    def __init__(self, kind: FailureKind, call_id: str | None = None, retry_after_seconds: float | None = None) -> None:
        super().__init__(kind.value)
        self.kind = kind
        self.call_id = call_id
        self.retry_after_seconds = retry_after_seconds


class LanguageModel(Protocol):
    """A model behind a route. Closing the iterator hangs up."""

    def stream(self, route: Route, prompt: Prompt) -> AsyncGenerator[Said | Ended, None]:
        """Any number of Said, then one Ended. Raises ModelFailed.

        `prompt.connect_seconds` bounds the connection; all other watches are the caller's.
        """
        ...

    async def billed(self, route: Route, attempt_id: str, call_id: str | None) -> Usage | None:
        """What the provider says it billed for a call that ended without a word about it; None where it cannot say.

        Nothing, and estimated, where `call_id` is None and the provider knows nothing of a call by `attempt_id`.
        """
        ...

    def count(self, route: Route, prompt: Prompt, answer: str) -> Usage:
        """Tokens by tokenizer, where the provider did not say; marked estimated."""
        ...
