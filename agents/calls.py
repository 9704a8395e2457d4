"""Carry out what the life of a turn asks for: announce, call, say, hang up, bill. The thin shell of agents.attempts."""

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import assert_never

from agents.account import NOTHING, Attempt, never_made
from agents.attempts import Attempts
from agents.failures import FailureKind
from agents.finish_reasons import plain
from agents.ledger import Ledger
from agents.line import Line
from agents.means import Means
from agents.orders import Ask, Call, Finish, Order, Promote, Reset, Say, Settle
from agents.ports import Earlier, Ended, Log, Look, ModelFailed, Said
from agents.prompts import Prompts
from agents.stop_signal import StopSignal
from agents.summary import Summary
from agents.turn import Voice
from sluice.bots import Bot
from sluice.events import PromptReady
from sluice.safe_text import SafeText, join

_MOST_WAITING = 16
"""Pieces a model may be ahead of the log. Then it is read no further: back-pressure, never a loss."""


_News = Said | Ended | Exception | Summary | None
_Item = tuple[Call, _News] | None
"""What happened to a call; with None it got its slot. None alone: somebody wants a look to be taken."""


class Calls:
    """One turn's calls. `ledger` has their bills, `voices` what each said, `followed` the one that readers follow."""

    def __init__(
        self,
        means: Means,
        ready: PromptReady,
        bot: Bot,
        instructions: SafeText,
        log: Log,
        epoch: int,
        life: Attempts,
        look: Look | None = None,
    ) -> None:
        self.ledger = Ledger(means, ready, log)
        self.voices: dict[str, Voice] = {}
        self.followed: Voice | None = None
        self.outlived = False
        self._means, self._bot, self._prompts = means, bot, Prompts(means.model, ready, bot, instructions, means.clock)
        self._log, self._epoch, self._life, self._look = log, epoch, life, look
        self._lines: dict[Call, Line] = {}
        self._inbox: asyncio.Queue[_Item] = asyncio.Queue(_MOST_WAITING)
        self._finish: Finish | None = None
        self._preparing: dict[Call, Summary] = {}
        self._bills: list[asyncio.Task[None]] = []

    async def run(self, stop: StopSignal) -> Finish | None:
        """Until the turn is over. None where a newer owner has begun it meanwhile. Raises Unavailable."""
        stop.watch(self._wake)
        try:
            await self._carry_out(self._life.start(_now()))
            while self._finish is None and not self.outlived:
                await self._carry_out(await self._happening(stop))
            await asyncio.gather(*self._bills)
        finally:
            stop.watch(lambda: None)
            for bill in self._bills:
                bill.cancel()
            for summary in self._preparing.values():
                await summary.hang_up()
            for line in self._lines.values():
                await line.hang_up()
        return self._finish

    def _wake(self) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self._inbox.put_nowait(None)

    async def _happening(self, stop: StopSignal) -> list[Order]:
        """What happens next, and what follows from it."""
        now = _now()
        if stop.given:
            return self._life.stop(now)
        if now >= self._life.wake_at:
            return self._life.tick(now)
        try:
            async with asyncio.timeout_at(self._life.wake_at):
                item = await self._inbox.get()
        except TimeoutError:
            return self._life.tick(_now())
        orders = await self._taken(item)
        while orders and isinstance(orders[-1], Say) and not self._inbox.empty():
            orders += await self._taken(self._inbox.get_nowait())
        return _joined(orders)

    async def _taken(self, item: _Item) -> list[Order]:
        if item is None:
            return []
        call, what = item
        if isinstance(what, Summary):
            return await self._summed_up(call, what) if call in self._preparing else []
        return await self._heard(call, what) if call in self._lines else []

    async def _heard(self, call: Call, what: Said | Ended | Exception | None) -> list[Order]:
        line, now = self._lines[call], _now()
        match what:
            case Said():
                if not line.heard:
                    self._means.reach("respond.provider_called")
                    line.first_token_at = self._means.clock()
                line.heard.append(what.text)
                line.usage, line.call_id = what.usage or line.usage, what.call_id or line.call_id
                return self._life.said(call, what.text, now)
            case Ended():
                line.ended = replace(what, finish_reason=plain(what.finish_reason))
                line.usage, line.call_id = what.usage or line.usage, what.call_id or line.call_id
                return self._life.ended(call, line.ended.finish_reason, now)
            case ModelFailed():
                line.call_id = what.call_id or line.call_id
                return self._life.failed(call, what.kind, now, what.retry_after_seconds)
            case None:
                line.holds_slot = True
                await self._make(call, line)
                return []
            case _:
                raise what

    async def _carry_out(self, orders: Sequence[Order]) -> None:
        for order in orders:
            match order:
                case Ask():
                    await self._ask(order.call)
                case Promote():
                    self.followed = self.voices[order.call.attempt_id]
                    await self._log.emit(self.followed.started(promoted=True))
                case Say():
                    voice = self.voices[order.call.attempt_id]
                    await self._log.emit(voice.delta(order.text, self._means.clock()))
                case Reset():
                    await self._reset(order.kind)
                case Settle():
                    await self._settle(order)
                case Finish():
                    self._finish = order
                case _:
                    assert_never(order)

    async def _reset(self, kind: FailureKind) -> None:
        """What readers have is void. Nothing where they have it of a dead worker: the next start tells them."""
        if self.followed is not None and self.followed.pieces:
            await self._log.emit(self.followed.reset(kind, self._means.clock()))

    async def _ask(self, call: Call) -> None:
        """Line it up; first have the turns summed up that do not fit, where the bot has a model for that."""
        dropped, cheap = self._prompts.dropped(call), self._bot.summary
        if not dropped or cheap is None or call.hedge or dropped in self._prompts.summaries:
            await self._line_up(call, dropped)
            return
        summary = Summary(self.ledger, self._bot, cheap, dropped, self._epoch)
        await summary.announce()
        self._life.prepares(call)
        self._preparing[call] = summary
        summary.begin(lambda: self._inbox.put((call, summary)))

    async def _summed_up(self, call: Call, summary: Summary) -> list[Order]:
        del self._preparing[call]
        self._prompts.summaries[summary.dropped] = summary.text
        await self._bill(summary.bill(), asks=summary.asks)
        self._life.prepared(call, _now())
        await self._line_up(call, summary.dropped)
        return []

    async def _line_up(self, call: Call, dropped: int) -> None:
        """Make it as soon as its model has a slot."""
        voice, prompt = self._prompts.of(call, dropped, self._epoch)
        slot = self._means.slots.of(call.route)
        line = self._lines[call] = Line(voice, prompt, slot)
        if slot.locked():
            line.task = asyncio.create_task(self._wait(call, line))
        else:
            await slot.acquire()  # at once: it is free
            line.holds_slot = True
            await self._make(call, line)

    async def _wait(self, call: Call, line: Line) -> None:
        await line.slot.acquire()
        line.holds_slot = True
        await self._inbox.put((call, None))

    async def _make(self, call: Call, line: Line) -> None:
        """The announcement is on the log before the call is made, so that no bill can be lost."""
        line.voice.started_at = self._means.clock()
        line.announced = True
        self.voices[call.attempt_id] = line.voice
        self.followed = self.followed if call.hedge else line.voice
        await self._log.emit(line.voice.started(hedge=call.hedge))
        if call.text:
            await self._log.emit(line.voice.delta(call.text, self._means.clock()))
        await self._log.settled()
        self._means.reach("respond.started")
        if self._look is not None and not call.hedge:
            self.outlived = not _counts(call, await self._look())
        if self.outlived:
            del self._lines[call]
            await line.hang_up()
            await self.ledger.bill(never_made(line.voice, call.route, self._means.clock()))
            return
        self._life.begun(call, _now())
        line.task = asyncio.create_task(self._listen(call, line))

    async def _listen(self, call: Call, line: Line) -> None:
        stream = self._means.model.stream(call.route, line.prompt)
        try:
            async for part in stream:
                await self._inbox.put((call, part))
                if isinstance(part, Ended):
                    return
            await self._inbox.put((call, ModelFailed(FailureKind.NO_END_MARK)))
        except Exception as error:  # noqa: BLE001 (what is no ModelFailed is raised where the turn is run)
            await self._inbox.put((call, error))
        finally:
            await stream.aclose()

    async def _settle(self, order: Settle) -> None:
        call = order.call
        summary = self._preparing.pop(call, None)
        if summary is not None:
            await summary.hang_up()
            await self._bill(summary.bill(), asks=summary.asks)
        line = self._lines.pop(call, None)
        if line is None:
            return
        await line.hang_up()
        if not line.announced:
            return
        self._means.reach("respond.provider_answered")
        if order.outcome == "failed" and order.kind is not None:
            self._means.failed(call.route.model, order.kind.value)
        attempt = Attempt(
            number=call.number,
            attempt_id=call.attempt_id,
            route=call.route,
            started_at=line.voice.started_at,
            first_token_at=line.first_token_at,
            ended_at=self._means.clock(),
            outcome=order.outcome,
            usage=NOTHING,
            call_id=line.call_id,
            finish_reason=line.ended.finish_reason if line.ended else None,
            failure=order.kind,
        )
        asks = line.usage is None and call.route.usage_url is not None
        await self._bill(self._settled(attempt, line), asks=asks)

    async def _settled(self, attempt: Attempt, line: Line) -> None:
        usage = await self.ledger.usage(
            attempt.route, line.prompt, line.heard, line.usage, line.call_id, attempt.failure
        )
        await self.ledger.bill(replace(attempt, usage=usage))

    async def _bill(self, writing: Coroutine[None, None, None], *, asks: bool) -> None:
        """A provider that has to be asked for the bill keeps nobody waiting: it is written before the turn's end."""
        if asks:
            self._bills.append(asyncio.create_task(writing))
        else:
            await writing


def _counts(call: Call, now: Earlier) -> bool:
    """Whether readers listen to it: no newer owner has begun, and the turn had not ended before."""
    return now.reply is not None and now.reply.terminal is None and now.reply.attempt_id == call.attempt_id


def _joined(orders: list[Order]) -> list[Order]:
    """Words that wait behind each other are one delta: a log that is slower than a model gets fewer of them."""
    joined: list[Order] = []
    for order in orders:
        last = joined[-1] if joined else None
        if isinstance(order, Say) and isinstance(last, Say) and last.call is order.call:
            joined[-1] = Say(order.call, join((last.text, order.text)))
        else:
            joined.append(order)
    return joined


def _now() -> float:
    return asyncio.get_running_loop().time()
