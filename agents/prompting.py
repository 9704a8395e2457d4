"""The messages a model sees: the bot's template, the conversation so far, the question, and the answer's beginning."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from jinja2 import StrictUndefined
from jinja2 import Template as JinjaTemplate
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agents.ports import Prompt, PromptMessage
from sluice.bots import Bot, Limits, Template
from sluice.events import AttemptStarted, PromptReady
from sluice.safe_text import EMPTY, SafeText, join, own_words, part

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=False, autoescape=False)
_FRAME_TOKENS = 8
"""More than any model takes for the frame of a message."""
_SUMMARY = own_words("What was said before, in short:\n")

Tokens = Callable[[Sequence[PromptMessage]], int]
"""How many tokens a model makes of messages."""


@lru_cache(maxsize=256)
def _compiled(source: str) -> JinjaTemplate:
    """Compiling costs 1.5 ms; a version of a template never changes."""
    return _ENVIRONMENT.from_string(source)


def render(template: Template, bot: Bot) -> SafeText:
    """The system message. What people wrote never reaches the template."""
    return own_words(_compiled(template.source).render(bot=bot.name, description=bot.description).strip())


@dataclass(frozen=True, slots=True)
class Shape:
    """What decides a prompt besides the turn and its bot. All of it is on the log, so that it can be made again."""

    dropped: int = 0
    summary: SafeText = EMPTY
    prefill: SafeText = EMPTY


WHOLE = Shape()
"""Everything, and nothing begun."""


def messages_for(ready: PromptReady, instructions: SafeText, shape: Shape) -> tuple[PromptMessage, ...]:
    """Instructions, what was said before without the `dropped` oldest turns, the question, the answer's beginning."""
    first = [PromptMessage("system", instructions), *_own_system(ready)]
    if shape.summary:
        first.append(PromptMessage("system", join((_SUMMARY, shape.summary))))
    before = [message for turn in turns_before(ready)[shape.dropped :] for message in turn]
    asked = [PromptMessage("user", ready.question)]
    begun = [PromptMessage("assistant", shape.prefill)] if shape.prefill else []
    return (*first, *before, *asked, *begun)


def turns_before(ready: PromptReady) -> list[list[PromptMessage]]:
    """Question and answer of each earlier turn, oldest first; of a client's own list, each question with what follows.

    The system messages at the head of a client's list are no turn: they stand before all of them.
    """
    if ready.context is None:
        return [
            [PromptMessage("user", exchange.question), PromptMessage("assistant", exchange.answer)]
            for exchange in ready.history
        ]
    turns: list[list[PromptMessage]] = []
    for message in ready.context[len(_own_system(ready)) :]:
        if message.role == "user" or not turns:
            turns.append([])
        turns[-1].append(PromptMessage(message.role, message.content))
    return turns


def _own_system(ready: PromptReady) -> list[PromptMessage]:
    head = takewhile(lambda message: message.role == "system", ready.context or ())
    return [PromptMessage("system", message.content) for message in head]


def messages_again(ready: PromptReady, started: AttemptStarted, said_before: SafeText) -> tuple[PromptMessage, ...]:
    """The prompt of a past attempt as it was sent. `said_before` is the text of the attempt it went on with."""
    prefill = part(said_before, 0, started.prefilled)
    shape = Shape(started.dropped_turns, started.summary, prefill)
    return messages_for(ready, started.instructions, shape)


def to_drop(ready: PromptReady, instructions: SafeText, budget: int, tokens: Tokens, shape: Shape) -> int:
    """How many of the oldest turns must go so that the rest fits into `budget` tokens. Whole turns, never half.

    A token is at least one byte, so that most conversations need no counting.
    """
    whole = messages_for(ready, instructions, shape)
    if sum(len(message.content.encode()) for message in whole) + _FRAME_TOKENS * len(whole) <= budget:
        return 0
    excess = tokens(whole) - budget
    dropped = 0
    for turn in turns_before(ready):
        if excess <= 0:
            break
        excess -= tokens(turn)
        dropped += 1
    return dropped


def prompt_of(messages: tuple[PromptMessage, ...], limits: Limits, ready: PromptReady, attempt_id: str) -> Prompt:
    """What goes to a model: the messages, and how it is to answer."""
    return Prompt(
        messages, limits.output_tokens, limits.connect_seconds, ready.traceparent, attempt_id, sampling=ready.sampling
    )


def fingerprint(messages: Sequence[PromptMessage]) -> str:
    """SHA-256 of the messages as JSON, hex: the proof that a prompt was made again byte for byte."""
    return hashlib.sha256(as_json(messages)).hexdigest()


def as_json(messages: Sequence[PromptMessage]) -> bytes:
    """`[{"role":...,"content":...},...]` in UTF-8 without spaces."""
    listed = [{"role": message.role, "content": message.content} for message in messages]
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":")).encode()
