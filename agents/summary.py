"""What does not fit into a model's context, in a cheap model's words. An attempt of its own, announced and billed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from agents.account import NOTHING, Attempt
from agents.answers import clear_answer
from agents.breaker import key_of
from agents.failures import REACTIONS, FailureKind
from agents.finish_reasons import WHOLE, plain
from agents.ledger import Ledger
from agents.ports import Ended, ModelFailed, PromptMessage, Said
from agents.prompting import Shape, fingerprint, prompt_of, turns_before
from agents.turn import Voice
from sluice.bots import Bot, Route
from sluice.events import AttemptOutcome, PromptReady, Usage
from sluice.safe_text import EMPTY, SafeText, own_words

SHARE = 8
"""A summary may take the eighth part of the context."""
_TASK = own_words(
    "Sum up this conversation in a few sentences. Keep names, numbers and placeholders such as [EMAIL_1]."
)


def summary_messages(ready: PromptReady, dropped: int) -> tuple[PromptMessage, ...]:
    """What the cheap model is asked about the `dropped` oldest turns."""
    gone = [message for turn in turns_before(ready)[:dropped] for message in turn]
    return (PromptMessage("system", _TASK), *gone, PromptMessage("user", _TASK))


class Summary:
    """One call: `announce`, `begin`, `bill`."""

    def __init__(self, ledger: Ledger, bot: Bot, route: Route, dropped: int, epoch: int) -> None:
        self.dropped = dropped
        means, ready = ledger.means, ledger.ready
        limits = bot.limits_of(route)
        longest = max(1, bot.limits.context_tokens // SHARE)
        limits = limits.model_copy(update={"output_tokens": min(limits.output_tokens, longest)})
        messages = summary_messages(ready, dropped)
        self._ledger, self._route, self._limits = ledger, route, limits
        self._voice = Voice(
            ready,
            means.new_id(),
            epoch,
            0,
            route.model,
            means.clock(),
            prompt_hash=fingerprint(messages),
            shape=Shape(dropped),
            purpose="summary",
        )
        self._prompt = prompt_of(messages, limits, ready, self._voice.attempt_id)
        self._find = means.find
        self._made = False
        self._heard: list[str] = []
        self._ended: Ended | None = None
        self._failure: FailureKind | None = None
        self._usage: Usage | None = None
        self._call_id: str | None = None

    @property
    def text(self) -> SafeText:
        """Empty where the model failed or was late: then turns are only dropped."""
        return clear_answer("".join(self._heard).strip(), self._find) if self._ended is not None else EMPTY

    @property
    def asks(self) -> bool:
        """The bill has to be asked for."""
        return self._made and self._usage is None and self._route.usage_url is not None

    async def announce(self) -> None:
        """On the log before the call."""
        await self._ledger.log.emit(self._voice.started(hedge=True))
        await self._ledger.log.settled()

    def begin(self, tell: Callable[[], Awaitable[None]]) -> None:
        """Listen beside everything else, and tell at the end."""
        self._task = asyncio.create_task(self._listen(tell))

    async def _listen(self, tell: Callable[[], Awaitable[None]]) -> None:
        await self._hear_out()
        await tell()

    async def _hear_out(self) -> None:
        """Until the model has ended or failed. A model that rests is not asked."""
        means, key = self._ledger.means, key_of(self._route)
        now = asyncio.get_running_loop().time()
        breaker = means.breakers.of(key)
        if breaker.free_at(now) > now:
            self._failure = breaker.reason
            return
        slot = means.slots.of(self._route)
        try:
            async with asyncio.timeout(self._limits.first_token_seconds), slot:
                means.breakers.ask(key, now)
                self._made = True
                await self._hear()
        except TimeoutError:
            self._failure = FailureKind.FIRST_TOKEN_TIMEOUT if self._made else FailureKind.NO_SLOT
        except ModelFailed as error:
            self._failure, self._call_id = error.kind, error.call_id or self._call_id
        now = asyncio.get_running_loop().time()
        if self._failure is None:
            means.breakers.answered(key, now, slow=False)
        elif REACTIONS[self._failure].counts_against_model:
            means.breakers.failed(key, now, self._failure)

    async def hang_up(self) -> None:
        """Nobody needs it any more."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def bill(self) -> None:
        """Its row. Without an end and without a failure somebody hung up."""
        outcome: AttemptOutcome = "completed" if self._ended else "failed" if self._failure else "cancelled"
        usage = NOTHING
        if self._made:
            usage = await self._ledger.usage(
                self._route, self._prompt, self._heard, self._usage, self._call_id, self._failure
            )
        await self._ledger.bill(
            Attempt(
                number=0,
                attempt_id=self._voice.attempt_id,
                route=self._route,
                started_at=self._voice.started_at,
                first_token_at=None,
                ended_at=self._ledger.means.clock(),
                outcome=outcome,
                usage=usage,
                call_id=self._call_id,
                finish_reason=self._ended.finish_reason if self._ended else None,
                failure=self._failure,
                purpose="summary",
            )
        )

    async def _hear(self) -> None:
        async with aclosing(self._ledger.means.model.stream(self._route, self._prompt)) as stream:
            async for part in stream:
                self._usage, self._call_id = part.usage or self._usage, part.call_id or self._call_id
                if isinstance(part, Said):
                    self._heard.append(part.text)
                elif plain(part.finish_reason) in WHOLE:
                    self._ended = part
                    return
        self._failure = FailureKind.NO_END_MARK
