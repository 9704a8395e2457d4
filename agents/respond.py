"""Ask a model and put what it says on the log. Every turn that comes in here ends in exactly one terminal event."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from agents.account import NOTHING, Attempt, Prices, cost_of, ledger_row
from agents.closing import Closing, Outcome, closing_events
from agents.ports import Emit, Ended, LanguageModel, ModelFailed, Prompt, Said
from agents.prompting import prompt_for
from sluice.bots import Bot, Route, Template
from sluice.clock import Clock
from sluice.errors import ErrorCode
from sluice.events import AttemptStarted, DeltaProduced, PromptReady, Usage
from sluice.ids import derived_event_id
from sluice.safe_text import SafeText


@dataclass(slots=True)
class StopSignal:
    """Ends a running turn from outside. May be given before the turn begins."""

    given: bool = False
    _timeout: asyncio.Timeout | None = None

    def give(self) -> None:
        """The person wants the turn to end."""
        self.given = True
        if self._timeout is not None:
            self._timeout.reschedule(asyncio.get_running_loop().time())

    def watch(self, timeout: asyncio.Timeout | None) -> None:
        """Cut this time-out short when the signal is given."""
        self._timeout = timeout


@dataclass(slots=True)
class _Answer:
    """What has been said so far."""

    pieces: list[SafeText] = field(default_factory=list)
    first_token_at: datetime | None = None
    ended: Ended | None = None

    @property
    def text(self) -> SafeText:
        return SafeText("".join(self.pieces))


@dataclass(frozen=True, slots=True)
class Respond:
    """The step with what it needs from outside."""

    model: LanguageModel
    prices: Prices
    emit: Emit
    clock: Clock

    async def __call__(
        self, ready: PromptReady, bot: Bot | None, template: Template | None, stop: StopSignal, entered_at: datetime
    ) -> None:
        """Emit all events of the turn: started, deltas, ledger row, finished turn, terminal, times.

        Raises Unavailable where the log does not take them.
        """
        refused = self._refused(ready, bot, entered_at)
        if refused is not None or bot is None or template is None:
            code = refused or ErrorCode.BOT_UNKNOWN
            await self._close(ready, Closing(Outcome("failed", code), entered_at, (), _Answer().text, None))
            return
        if stop.given:
            await self._close(ready, Closing(Outcome("cancelled"), entered_at, (), _Answer().text, None))
            return
        route = bot.route[0]
        await self.emit(
            AttemptStarted(
                event_id=derived_event_id(ready.turn_id, 1, "started"),
                occurred_at=self.clock(),
                traceparent=ready.traceparent,
                turn_id=ready.turn_id,
                session_id=ready.session_id,
                user_id=ready.user_id,
                attempt=1,
                model=route.model,
            )
        )
        prompt = prompt_for(ready, bot, template)
        answer = _Answer()
        started_at = self.clock()
        outcome = await self._listen(ready, bot, route, prompt, answer, stop)
        usage = self._usage(route, prompt, answer, outcome)
        attempt = Attempt(
            number=1,
            route=route,
            started_at=started_at,
            first_token_at=answer.first_token_at,
            ended_at=self.clock(),
            outcome=outcome.state,
            usage=usage,
            call_id=outcome.call_id or (answer.ended.call_id if answer.ended else None),
            finish_reason=answer.ended.finish_reason if answer.ended else None,
            error=outcome.code,
        )
        await self._close(
            ready, Closing(outcome, entered_at, (attempt,), answer.text, len(answer.pieces), answer.first_token_at)
        )

    def _refused(self, ready: PromptReady, bot: Bot | None, now: datetime) -> ErrorCode | None:
        if ready.refusal is not None:
            return ErrorCode(ready.refusal.code)
        if bot is None:
            return ErrorCode.BOT_UNKNOWN
        return ErrorCode.DEADLINE_EXCEEDED if now >= ready.deadline_at else None

    async def _listen(
        self, ready: PromptReady, bot: Bot, route: Route, prompt: Prompt, answer: _Answer, stop: StopSignal
    ) -> Outcome:
        loop = asyncio.get_running_loop()
        left = (ready.deadline_at - self.clock()).total_seconds()
        total_at = loop.time() + min(left, bot.limits.total_seconds)
        stream = self.model.stream(route, prompt)
        try:
            async with asyncio.timeout_at(min(total_at, loop.time() + bot.limits.first_token_seconds)) as timeout:
                stop.watch(timeout)
                async for part in stream:
                    match part:
                        case Said():
                            await self._say(ready, part.text, answer)
                        case Ended():
                            answer.ended = part
                        case _:
                            assert_never(part)
                    if not stop.given:
                        timeout.reschedule(min(total_at, loop.time() + bot.limits.gap_seconds))
        except TimeoutError:
            return Outcome("cancelled") if stop.given else Outcome("failed", ErrorCode.MODEL_TIMEOUT)
        except ModelFailed as failure:
            return Outcome("failed", failure.code, failure.call_id)
        finally:
            stop.watch(None)
            await stream.aclose()
        return _judge(answer)

    async def _say(self, ready: PromptReady, text: SafeText, answer: _Answer) -> None:
        now = self.clock()
        answer.first_token_at = answer.first_token_at or now
        seq = len(answer.pieces)
        answer.pieces.append(text)
        await self.emit(
            DeltaProduced(
                event_id=derived_event_id(ready.turn_id, 1, seq),
                occurred_at=now,
                traceparent=ready.traceparent,
                turn_id=ready.turn_id,
                session_id=ready.session_id,
                user_id=ready.user_id,
                attempt=1,
                seq=seq,
                text=text,
            )
        )

    def _usage(self, route: Route, prompt: Prompt, answer: _Answer, outcome: Outcome) -> Usage:
        if answer.ended is not None and answer.ended.usage is not None:
            return answer.ended.usage
        if not answer.pieces and outcome.state == "failed":
            return NOTHING
        return self.model.count(route, prompt, answer.text)

    async def _close(self, ready: PromptReady, closing: Closing) -> None:
        costs = [cost_of(attempt.route, attempt.usage, self.prices) for attempt in closing.attempts]
        for attempt, cost in zip(closing.attempts, costs, strict=True):
            await self.emit(ledger_row(ready, attempt, cost))
        for event in closing_events(ready, closing, costs, self.clock()):
            await self.emit(event)


def _judge(answer: _Answer) -> Outcome:
    """A stream that ended without trouble is still no whole answer in three cases."""
    if answer.ended is None:
        return Outcome("failed", ErrorCode.MODEL_STREAM_BROKEN)
    if answer.ended.finish_reason == "content_filter":
        return Outcome("failed", ErrorCode.MODEL_CONTENT_FILTERED)
    if not answer.text.strip():
        return Outcome("failed", ErrorCode.MODEL_EMPTY_ANSWER)
    return Outcome("completed")
