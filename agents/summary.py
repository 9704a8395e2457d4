"""What does not fit into a model's context, in a cheap model's words. An attempt of its own, announced and billed."""

import asyncio
from contextlib import aclosing

from agents.account import Attempt
from agents.failures import FailureKind
from agents.ledger import Ledger
from agents.ports import Ended, ModelFailed, PromptMessage, Said
from agents.prompting import prompt_of
from agents.turn import Voice
from sluice.bots import Bot, Route
from sluice.safe_text import SafeText

SHARE = 8
"""A summary may take the eighth part of the context."""
_TASK = SafeText("Sum up this conversation in a few sentences. Keep names, numbers and placeholders such as [EMAIL_1].")


async def summarise(ledger: Ledger, bot: Bot, route: Route, dropped: list[PromptMessage], epoch: int) -> SafeText:
    """The summary, once its bill is written. Empty where the model fails or is late: then turns are only dropped."""
    means, ready = ledger.means, ledger.ready
    limits = bot.limits_of(route)
    limits = limits.model_copy(update={"output_tokens": max(1, bot.limits.context_tokens // SHARE)})
    messages = (PromptMessage("system", _TASK), *dropped, PromptMessage("user", _TASK))
    voice = Voice(ready, means.new_id(), epoch, 0, route.model, means.clock())
    prompt = prompt_of(messages, limits, ready, voice.attempt_id)
    await ledger.log.emit(voice.started(hedge=True))
    await ledger.log.settled()
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
    call_id = ended.call_id if ended else None
    usage = await ledger.usage(route, prompt, pieces, ended.usage if ended else None, call_id, failure)
    await ledger.bill(
        Attempt(
            number=0,
            attempt_id=voice.attempt_id,
            route=route,
            started_at=voice.started_at,
            first_token_at=None,
            ended_at=means.clock(),
            outcome="failed" if failure else "completed",
            usage=usage,
            call_id=call_id,
            finish_reason=ended.finish_reason if ended else None,
            failure=failure,
            purpose="summary",
        )
    )
    return SafeText("" if failure else "".join(pieces).strip())
