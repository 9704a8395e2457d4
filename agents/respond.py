"""Ask models and put what they say on the log. Every turn that comes in here ends in exactly one terminal event."""

import asyncio
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime

from msgspec.structs import replace as with_fields

from agents.account import NOTHING, Attempt, Cost, never_made
from agents.attempts import Attempts, Begun
from agents.calls import Calls
from agents.choice import in_order
from agents.closing import Closing, Outcome, finished_event, terminal_event, timed_event
from agents.ledger import Ledger
from agents.means import Means
from agents.orders import Finish
from agents.ports import Earlier, Log, Look
from agents.prompting import messages_again, prompt_of, render
from agents.stop_signal import StopSignal
from agents.summary import summary_messages
from agents.turn import Voice
from sluice.bots import Bot, Limits, Route, Template
from sluice.errors import ErrorCode
from sluice.events import AttemptStarted, PromptReady, TurnFinished, Usage
from sluice.replies import Reply
from sluice.safe_text import SafeText, own_words, read_back

_FALLBACK = "fallback"
"""The model, and the finish reason, of a text that no model said."""


@dataclass(slots=True)
class _Pass:
    """One pass of one turn through the stage. `voice` says what no model is asked for."""

    ready: PromptReady
    entered_at: datetime
    log: Log
    voice: Voice


@dataclass(frozen=True, slots=True)
class Respond:
    """The step with what it needs from outside."""

    means: Means

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
        """Emit all events of the turn: started, deltas, ledger rows, finished turn, terminal, times.

        With `look` the turn may have been begun before: what the log says of it comes first. An answered turn is left
        alone; attempts without a row in the ledger get one; a beginning is gone on with where the model can do so.
        Raises Unavailable where the log does not take or give them.
        """
        voice = Voice(ready, self.means.new_id(), self.means.epoch(), 1, "", self.means.clock(), purpose="no_call")
        turn = _Pass(ready, entered_at, log, voice)
        reply = Reply(ready.turn_id, ready.session_id, ready.user_id)
        if look is not None:
            earlier = await look()
            await self._close_abandoned(turn, bot, earlier)
            reply = earlier.reply or reply
            if reply.terminal is not None or await self._ended_for(turn, reply, earlier.finished):
                return
            voice.number = reply.attempt + 1
            if earlier.stopped:
                stop.give()
        refused = self._refused(ready, bot, entered_at)
        if refused is not None or bot is None or template is None:
            await self._end_unasked(turn, reply, Outcome("failed", refused or ErrorCode.BOT_UNKNOWN))
        elif stop.given:
            await self._end_unasked(turn, reply, Outcome("cancelled"))
        else:
            await self._ask(turn, bot, template, stop, reply, look)

    def _refused(self, ready: PromptReady, bot: Bot | None, now: datetime) -> ErrorCode | None:
        if ready.refusal is not None:
            return ErrorCode(ready.refusal.code)
        if bot is None:
            return ErrorCode.BOT_UNKNOWN
        return ErrorCode.DEADLINE_EXCEEDED if now >= ready.deadline_at else None

    async def _ask(
        self, turn: _Pass, bot: Bot, template: Template, stop: StopSignal, reply: Reply, look: Look | None
    ) -> None:
        ready, means = turn.ready, self.means
        left = (ready.deadline_at - means.clock()).total_seconds()
        life = Attempts(
            bot,
            in_order(bot.route, means.chance),
            asyncio.get_running_loop().time() + left,
            means.breakers,
            means.new_id,
            means.chance,
            Begun(reply.attempt, reply.attempt_id, read_back(reply.text)),
            means.find,
        )
        calls = Calls(means, ready, bot, render(template, bot), turn.log, turn.voice.epoch, life, look)
        finish = await calls.run(stop)
        if finish is not None:
            await self._end(turn, finish, calls, reply)

    async def _end(self, turn: _Pass, finish: Finish, calls: Calls, reply: Reply) -> None:
        settled, followed = calls.ledger.rows, calls.followed
        outcome = Outcome(finish.state, finish.code)
        if finish.fallback is not None:
            turn.voice.number = max([reply.attempt, *(attempt.number for attempt, _ in settled)]) + 1
            row = await self._say(turn, _FALLBACK, own_words(finish.fallback), finish_reason=_FALLBACK)
            settled, followed = [*settled, row], turn.voice
        elif followed is None and reply.started is not None:
            turn.voice.number = reply.attempt + 1
            again = await self._say(turn, reply.started.model, read_back(reply.text))
            settled, followed = [*settled, again], turn.voice
        begun_at = [voice.first_delta_at for voice in calls.voices.values() if voice.first_delta_at]
        last = followed or turn.voice
        shown = sorted(settled, key=lambda row: (row[0].attempt_id == last.attempt_id, row[0].number))
        await self._close(turn, outcome, shown, last, min(begun_at, default=None), finish.fallback)

    async def _ended_for(self, turn: _Pass, reply: Reply, finished: TurnFinished | None) -> bool:
        """Say the end that a dead worker had written down and not said: somebody may have read it already.

        Where not all of its text reached the log, the text is said again in an attempt of our own.
        """
        if finished is None or not copy(reply).apply(terminal_event(finished, 0)):
            return False
        if finished.answer == reply.text or not finished.attempts:
            await turn.log.emit(terminal_event(finished, len(reply.pieces)))
            return True
        turn.voice.number = reply.attempt + 1
        await self._say(turn, finished.model, finished.answer)
        ours = {"attempt_id": turn.voice.attempt_id, "epoch": turn.voice.epoch, "attempts": turn.voice.number}
        await turn.log.emit(terminal_event(with_fields(finished, **ours), 1))
        return True

    async def _end_unasked(self, turn: _Pass, reply: Reply, outcome: Outcome) -> None:
        """End a turn for which no model is asked any more. What readers have of a dead worker's attempt stays."""
        again = [await self._say(turn, started.model, read_back(reply.text))] if (started := reply.started) else []
        await self._close(turn, outcome, again, turn.voice, None)

    async def _say(
        self, turn: _Pass, model: str | None, text: SafeText, finish_reason: str | None = None
    ) -> tuple[Attempt, Cost]:
        """In an attempt of our own, for which no model is asked: what a worker that is dead, or only slow, still has on
        its way must not mix with it.
        """
        voice, now = turn.voice, self.means.clock()
        voice.model, voice.started_at = model or "", now
        await turn.log.emit(voice.started())
        if text:
            await turn.log.emit(voice.delta(text, now))
        attempt = replace(never_made(voice, Route(model=voice.model), now), finish_reason=finish_reason)
        return await Ledger(self.means, turn.ready, turn.log).bill(attempt)

    async def _close_abandoned(self, turn: _Pass, bot: Bot | None, earlier: Earlier) -> None:
        """Their workers died between asking the provider and writing the bill: ask the provider, or count what the log
        has of them.
        """
        if earlier.reply is None:
            return
        reply = earlier.reply
        for started in reply.attempts.values():
            if started.attempt_id in earlier.metered:
                continue
            said = reply.text[started.prefilled :] if reply.attempt_id == started.attempt_id else ""
            route = _route_of(bot, started)
            abandoned = Attempt(
                number=started.attempt,
                attempt_id=started.attempt_id,
                route=route,
                started_at=started.occurred_at,
                first_token_at=None,
                ended_at=self.means.clock(),
                outcome="abandoned",
                usage=await self._used(turn.ready, bot, route, started, said, read_back(reply.text)),
                purpose="summary" if started.purpose == "summary" else "answer",
            )
            await Ledger(self.means, turn.ready, turn.log).bill(abandoned)

    async def _used(
        self, ready: PromptReady, bot: Bot | None, route: Route, started: AttemptStarted, said: str, text: SafeText
    ) -> Usage:
        """As the provider says, else what the log has."""
        if started.purpose == "no_call":
            return NOTHING
        billed = await self.means.model.billed(route, started.attempt_id, None)
        if billed is not None and not (said and billed.estimated):
            return billed
        messages = (
            summary_messages(ready, started.dropped_turns)
            if started.purpose == "summary"
            else messages_again(ready, started, text)
        )
        limits = Limits() if bot is None else bot.limits_of(route)
        return self.means.model.count(route, prompt_of(messages, limits, ready, started.attempt_id), said)

    async def _close(
        self,
        turn: _Pass,
        outcome: Outcome,
        settled: Sequence[tuple[Attempt, Cost]],
        last: Voice,
        first_delta_at: datetime | None,
        fallback: str | None = None,
    ) -> None:
        """The bill and the finished turn are on the log before the terminal: who sees the end can rely on them."""
        now = self.means.clock()
        closing = Closing(
            outcome,
            turn.entered_at,
            tuple(attempt for attempt, _ in settled),
            last.text,
            first_delta_at,
            last.attempt_id,
            last.epoch,
            fallback is not None,
        )
        finished = finished_event(turn.ready, closing, [cost for _, cost in settled], now)
        await turn.log.emit(finished)
        await turn.log.settled()
        self.means.reach("respond.metered")
        await turn.log.emit(terminal_event(finished, len(last.pieces)))
        await turn.log.settled()
        self.means.reach("respond.terminal_produced")
        await turn.log.emit(timed_event(turn.ready, closing, now))


def _route_of(bot: Bot | None, started: AttemptStarted) -> Route:
    """What an attempt was made for. Where the bot has changed since, the model at the table's price."""
    routes = () if bot is None else bot.route
    if bot is not None and bot.summary is not None and started.purpose == "summary":
        routes = (bot.summary,)
    named = [route for route in routes[started.place : started.place + 1] if route.model == started.model]
    return next(
        iter([*named, *(route for route in routes if route.model == started.model)]), Route(model=started.model)
    )
