"""What does not fit into a model's context, in a cheap model's words. An attempt of its own, announced and billed."""

import asyncio
from contextlib import aclosing

from agents.account import Attempt
from agents.failures import FailureKind
from agents.means import Means
from agents.ports import Ended, Log, ModelFailed, Prompt, PromptMessage, Said
from agents.prompting import prompt_of
from agents.turn import Voice
from sluice.bots import Bot, Route
from sluice.events import AttemptOutcome, PromptReady, Usage
from sluice.safe_text import SafeText

SHARE = 8
"""A summary may take the eighth part of the context."""
_TASK = SafeText("Sum up this conversation in a few sentences. Keep names, numbers and placeholders such as [EMAIL_1].")


async def summarise(
    means: Means, ready: PromptReady, bot: Bot, route: Route, dropped: list[PromptMessage], epoch: int, log: Log
) -> tuple[SafeText, Attempt]:
    """The summary and its bill. Empty where the model fails or is late: then the turns are only dropped."""
    limits = bot.limits_of(route)
    limits = limits.model_copy(update={"output_tokens": max(1, bot.limits.context_tokens // SHARE)})
    messages = (PromptMessage("system", _TASK), *dropped, PromptMessage("user", _TASK))
    voice = Voice(ready, means.new_id(), epoch, 0, route.model, means.clock())
    prompt = prompt_of(messages, limits, ready, voice.attempt_id)
    await log.emit(voice.started(hedge=True))
    await log.settled()
    pieces: list[str] = []
    ended: Ended | None = None
    failure: FailureKind | None = FailureKind.NO_END_MARK
    try:
        async with asyncio.timeout(limits.first_token_seconds), aclosing(means.model.stream(route, prompt)) as stream:
            async for part in stream:
                if isinstance(part, Said):
                    pieces.append(part.text)
                else:
                    ended, failure = part, None
    except TimeoutError:
        failure = FailureKind.FIRST_TOKEN_TIMEOUT
    except ModelFailed as error:
        failure = error.kind
    outcome: AttemptOutcome = "failed" if failure else "completed"
    usage = await _usage(means, route, prompt, ended, "".join(pieces))
    attempt = Attempt(
        number=0,
        attempt_id=voice.attempt_id,
        route=route,
        started_at=voice.started_at,
        first_token_at=None,
        ended_at=means.clock(),
        outcome=outcome,
        usage=usage,
        call_id=ended.call_id if ended else None,
        finish_reason=ended.finish_reason if ended else None,
        failure=failure,
        purpose="summary",
    )
    return SafeText("" if failure else "".join(pieces).strip()), attempt


async def _usage(means: Means, route: Route, prompt: Prompt, ended: Ended | None, said: str) -> Usage:
    if ended is not None and ended.usage is not None:
        return ended.usage
    told = await means.model.billed(route, prompt.attempt_id, ended.call_id if ended else None)
    return told or means.model.count(route, prompt, said)
