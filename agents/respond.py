"""Ask a model and put what it says on the log. Every turn that comes in here ends in exactly one terminal event."""

import asyncio
import contextlib
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from msgspec.structs import replace as with_fields

from agents.account import NOTHING, Attempt, Cost, Prices, cost_of, ledger_row
from agents.closing import Closing, Outcome, finished_event, terminal_event, timed_event
from agents.ports import Earlier, Ended, LanguageModel, Log, Look, ModelFailed, Prompt, Said
from agents.prompting import prompt_for
from agents.turn import Turn
from sluice.bots import Bot, Route, Template
from sluice.clock import Clock
from sluice.errors import ErrorCode
from sluice.events import PromptReady, TurnFinished, Usage
from sluice.failpoints import FailpointName
from sluice.replies import Reply
from sluice.safe_text import SafeText

_NEVER_BILLED = {
    ErrorCode.MODEL_REFUSED_KEY,
    ErrorCode.MODEL_RATE_LIMITED,
    ErrorCode.MODEL_CONTEXT_TOO_LONG,
    ErrorCode.MODEL_REFUSED_REQUEST,
}
"""Refused before a token was read. Of a call that fell silent the prompt may be billed, so it is counted; of one whose
connection broke before an answer nobody knows, and the row says so."""


@dataclass(slots=True)
class StopSignal:
    """Ends a running turn from outside. May be given before the turn begins."""

    given: bool = False
    _timeout: asyncio.Timeout | None = None

    def give(self) -> None:
        """The person wants the turn to end."""
        self.given = True
        self._cut_short()

    def watch(self, timeout: asyncio.Timeout | None) -> None:
        """Cut this time-out short when the signal is given."""
        self._timeout = timeout
        if self.given:
            self._cut_short()

    def _cut_short(self) -> None:
        if self._timeout is not None:
            with contextlib.suppress(RuntimeError):  # it has run out already
                self._timeout.reschedule(asyncio.get_running_loop().time())


@dataclass(frozen=True, slots=True)
class Respond:
    """The step with what it needs from outside. `epoch` is the writer's generation: see sluice.replies."""

    model: LanguageModel
    prices: Prices
    clock: Clock
    new_id: Callable[[], str]
    epoch: Callable[[], int]
    reach: Callable[[FailpointName], None] = lambda _point: None

    async def __call__(
        self,
        ready: PromptReady,
        bot: Bot | None,
        template: Template | None,
        stop: StopSignal,
        entered_at: datetime,
        log: Log,
        look: Look | None = None,
    ) -> None:
        """Emit all events of the turn: started, deltas, ledger row, finished turn, terminal, times.

        With `look` the turn may have been begun before: what the log says of it comes first. An answered turn is left
        alone; attempts without a row in the ledger get one.
        Raises Unavailable where the log does not take or give them.
        """
        turn = Turn(ready, entered_at, log, self.new_id(), self.epoch())
        reply = Reply(ready.turn_id, ready.session_id, ready.user_id)
        if look is not None:
            earlier = await look()
            await self._close_abandoned(turn, bot, template, earlier)
            reply = earlier.reply or reply
            if reply.terminal is not None or await self._ended_for(turn, reply, earlier.finished):
                return
            turn.number = reply.attempt + 1
            if earlier.stopped:
                stop.give()
        refused = self._refused(ready, bot, entered_at)
        if refused is not None or bot is None or template is None:
            await self._end_unasked(turn, reply, Outcome("failed", refused or ErrorCode.BOT_UNKNOWN))
        elif stop.given:
            await self._end_unasked(turn, reply, Outcome("cancelled"))
        else:
            await self._attempt(turn, bot, template, stop, look)

    async def _attempt(self, turn: Turn, bot: Bot, template: Template, stop: StopSignal, look: Look | None) -> None:
        route = bot.route[0]
        await turn.log.emit(turn.started(route, self.clock()))
        await turn.log.settled()
        self.reach("respond.started")
        prompt = prompt_for(turn.ready, bot, template, turn.attempt_id)
        started_at = self.clock()
        if look is not None and not turn.counts_in(await look()):
            await self._meter(turn, turn.never_made(route, started_at, self.clock()))
            return
        outcome = await self._listen(turn, bot, route, prompt, stop)
        self.reach("respond.provider_answered")
        usage = self._usage(route, prompt, turn, outcome)
        await self._close(turn, outcome, turn.attempt(route, started_at, self.clock(), outcome, usage))

    async def _ended_for(self, turn: Turn, reply: Reply, finished: TurnFinished | None) -> bool:
        """Say the end that a dead worker had written down and not said: somebody may have read it already.

        Where not all of its text reached the log, the text is said again in an attempt of our own.
        """
        if finished is None or not copy(reply).apply(terminal_event(finished, 0)):
            return False
        if finished.answer == reply.text or not finished.attempts:
            await turn.log.emit(terminal_event(finished, len(reply.pieces)))
            return True
        turn.number = reply.attempt + 1
        await self._meter(turn, await self._say_again(turn, finished.model, finished.answer))
        ours = {"attempt_id": turn.attempt_id, "epoch": turn.epoch, "attempts": turn.number}
        await turn.log.emit(terminal_event(with_fields(finished, **ours), 1))
        return True

    async def _end_unasked(self, turn: Turn, reply: Reply, outcome: Outcome) -> None:
        """End a turn for which no model is asked any more. What readers have of a dead worker's attempt stays."""
        again = [await self._say_again(turn, started.model, reply.text)] if (started := reply.started) else []
        await self._close(turn, outcome, *again)

    async def _say_again(self, turn: Turn, model: str | None, text: str) -> Attempt:
        """In an attempt of our own, for which no model is asked: what a worker that is dead, or only slow, still has on
        its way must not mix with it.
        """
        route, now = Route(model=model or ""), self.clock()
        await turn.log.emit(turn.started(route, now))
        if text:
            await turn.log.emit(turn.delta(SafeText(text), now))
        turn.first_token_at = None  # no model said it now
        return turn.never_made(route, now, now)

    async def _close_abandoned(self, turn: Turn, bot: Bot | None, template: Template | None, earlier: Earlier) -> None:
        """Their workers died between asking the provider and writing the bill: count what the log has of them."""
        if earlier.reply is None or bot is None or template is None:
            return
        reply = earlier.reply
        for started in reply.attempts.values():
            if started.attempt_id in earlier.metered:
                continue
            route = next((route for route in bot.route if route.model == started.model), bot.route[0])
            said = reply.text if reply.attempt_id == started.attempt_id else ""
            prompt = prompt_for(turn.ready, bot, template, started.attempt_id)
            await self._meter(
                turn,
                Attempt(
                    number=started.attempt,
                    attempt_id=started.attempt_id,
                    route=route,
                    started_at=started.occurred_at,
                    first_token_at=None,
                    ended_at=self.clock(),
                    outcome="abandoned",
                    usage=self.model.count(route, prompt, said),
                ),
            )

    def _refused(self, ready: PromptReady, bot: Bot | None, now: datetime) -> ErrorCode | None:
        if ready.refusal is not None:
            return ErrorCode(ready.refusal.code)
        if bot is None:
            return ErrorCode.BOT_UNKNOWN
        return ErrorCode.DEADLINE_EXCEEDED if now >= ready.deadline_at else None

    async def _listen(self, turn: Turn, bot: Bot, route: Route, prompt: Prompt, stop: StopSignal) -> Outcome:
        loop = asyncio.get_running_loop()
        left = (turn.ready.deadline_at - self.clock()).total_seconds()
        total_at = loop.time() + min(left, bot.limits.total_seconds)
        stream = self.model.stream(route, prompt)
        try:
            async with asyncio.timeout_at(min(total_at, loop.time() + bot.limits.first_token_seconds)) as timeout:
                stop.watch(timeout)
                async for part in stream:
                    match part:
                        case Said():
                            if not turn.pieces:
                                self.reach("respond.provider_called")
                            await turn.log.emit(turn.delta(part.text, self.clock()))
                        case Ended():
                            turn.ended = part
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
        return turn.judged()

    def _usage(self, route: Route, prompt: Prompt, turn: Turn, outcome: Outcome) -> Usage:
        if turn.ended is not None and turn.ended.usage is not None:
            return turn.ended.usage
        if not turn.pieces and outcome.code in _NEVER_BILLED:
            return NOTHING
        if not turn.pieces and outcome.code is ErrorCode.MODEL_UNAVAILABLE:
            return Usage(prompt_tokens=0, completion_tokens=0, estimated=True)
        return self.model.count(route, prompt, turn.text)

    async def _meter(self, turn: Turn, attempt: Attempt) -> Cost:
        cost = cost_of(attempt.route, attempt.usage, self.prices)
        await turn.log.emit(ledger_row(turn.ready, attempt, cost))
        return cost

    async def _close(self, turn: Turn, outcome: Outcome, *attempts: Attempt) -> None:
        """The bill and the finished turn are on the log before the terminal: who sees the end can rely on them."""
        costs = [await self._meter(turn, attempt) for attempt in attempts]
        now = self.clock()
        closing = Closing(
            outcome,
            turn.entered_at,
            attempts,
            turn.text,
            turn.first_token_at,
            turn.attempt_id,
            turn.epoch,
        )
        finished = finished_event(turn.ready, closing, costs, now)
        await turn.log.emit(finished)
        await turn.log.settled()
        self.reach("respond.metered")
        await turn.log.emit(terminal_event(finished, len(turn.pieces)))
        await turn.log.settled()
        self.reach("respond.terminal_produced")
        await turn.log.emit(timed_event(turn.ready, closing, now))
