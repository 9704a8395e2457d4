"""Carry out what the life of a turn asks for: announce, call, say, hang up, bill. The thin shell of agents.attempts."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from agents.account import Attempt, never_made
from agents.attempts import Attempts
from agents.failures import FailureKind
from agents.ledger import Ledger
from agents.means import Means
from agents.orders import Ask, Call, Finish, Order, Promote, Reset, Say, Settle
from agents.ports import Earlier, Ended, Log, Look, ModelFailed, Prompt, PromptMessage, Said
from agents.prompting import Shape, fingerprint, messages_for, prompt_of, to_drop, turns_before
from agents.stop_signal import StopSignal
from agents.summary import SHARE, summarise
from agents.turn import Voice
from sluice.bots import Bot
from sluice.events import PromptReady, Usage
from sluice.safe_text import SafeText

_MOST_WAITING = 16
"""Pieces a model may be ahead of the log. Then it is read no further: back-pressure, never a loss."""


@dataclass(slots=True)
class _Line:
    """One call while it lasts."""

    voice: Voice
    prompt: Prompt
    slot: asyncio.Semaphore
    task: asyncio.Task[None] | None = None
    holds_slot: bool = False
    announced: bool = False
    heard: list[str] = field(default_factory=list)
    first_token_at: datetime | None = None
    ended: Ended | None = None
    usage: Usage | None = None
    call_id: str | None = None


_Item = tuple[Call, Said | Ended | Exception | None] | None
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
        self._means, self._ready, self._bot, self._instructions = means, ready, bot, instructions
        self._log, self._epoch, self._life, self._look = log, epoch, life, look
        self._lines: dict[Call, _Line] = {}
        self._inbox: asyncio.Queue[_Item] = asyncio.Queue(_MOST_WAITING)
        self._finish: Finish | None = None
        self._summaries: dict[int, SafeText] = {}

    async def run(self, stop: StopSignal) -> Finish | None:
        """Until the turn is over. None where a newer owner has begun it meanwhile. Raises Unavailable."""
        stop.watch(self._wake)
        try:
            await self._carry_out(self._life.start(_now()))
            while self._finish is None and not self.outlived:
                await self._carry_out(await self._happening(stop))
        finally:
            stop.watch(lambda: None)
            for line in self._lines.values():
                await _hang_up(line)
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
        return [] if item is None or item[0] not in self._lines else await self._heard(*item)

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
                line.ended, line.usage, line.call_id = what, what.usage or line.usage, what.call_id or line.call_id
                return self._life.ended(call, what.finish_reason, now)
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
                    await self._log.emit(voice.delta(SafeText(order.text), self._means.clock()))
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
        slot = self._means.slots.of((call.route.model, call.route.api_base or ""), call.route.concurrency)
        messages, shape = await self._messages(call)
        voice = Voice(
            self._ready,
            call.attempt_id,
            self._epoch,
            call.number,
            call.route.model,
            self._means.clock(),
            call.continues,
            fingerprint(messages),
            self._instructions,
            shape,
        )
        line = self._lines[call] = _Line(voice, prompt_of(messages, call.limits, self._ready, call.attempt_id), slot)
        if slot.locked():
            line.task = asyncio.create_task(self._wait(call, line))
        else:
            await slot.acquire()  # at once: it is free
            line.holds_slot = True
            await self._make(call, line)

    async def _messages(self, call: Call) -> tuple[tuple[PromptMessage, ...], Shape]:
        prefill, cheap = SafeText(call.joint.given), self._bot.summary
        budget = call.limits.context_tokens

        def tokens(messages: Sequence[PromptMessage]) -> int:
            prompt = prompt_of(tuple(messages), call.limits, self._ready, call.attempt_id)
            return self._means.model.count(call.route, prompt, "").prompt_tokens

        if call.shorter:
            whole = messages_for(self._ready, self._instructions, Shape(prefill=prefill))
            budget = min(budget, tokens(whole)) // 2**call.shorter
        budget -= budget // SHARE if cheap is not None else 0
        dropped = to_drop(self._ready, self._instructions, budget, tokens, Shape(prefill=prefill))
        if dropped and cheap is not None and dropped not in self._summaries:
            gone = [message for turn in turns_before(self._ready)[:dropped] for message in turn]
            self._summaries[dropped] = await summarise(self.ledger, self._bot, cheap, gone, self._epoch)
        shape = Shape(dropped, self._summaries.get(dropped, SafeText("")), prefill)
        return messages_for(self._ready, self._instructions, shape), shape

    async def _wait(self, call: Call, line: _Line) -> None:
        await line.slot.acquire()
        line.holds_slot = True
        await self._inbox.put((call, None))

    async def _make(self, call: Call, line: _Line) -> None:
        """The announcement is on the log before the call is made, so that no bill can be lost."""
        line.voice.started_at = self._means.clock()
        line.announced = True
        self.voices[call.attempt_id] = line.voice
        self.followed = self.followed if call.hedge else line.voice
        await self._log.emit(line.voice.started(hedge=call.hedge))
        if call.text:
            await self._log.emit(line.voice.delta(SafeText(call.text), self._means.clock()))
        await self._log.settled()
        self._means.reach("respond.started")
        if self._look is not None and not call.hedge:
            self.outlived = not _counts(call, await self._look())
        if self.outlived:
            del self._lines[call]
            await _hang_up(line)
            await self.ledger.bill(never_made(line.voice, call.route, self._means.clock()))
            return
        self._life.begun(call, _now())
        line.task = asyncio.create_task(self._listen(call, line))

    async def _listen(self, call: Call, line: _Line) -> None:
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
        call, line = order.call, self._lines.pop(order.call)
        await _hang_up(line)
        if not line.announced:
            return
        self._means.reach("respond.provider_answered")
        if order.outcome == "failed" and order.kind is not None:
            self._means.failed(call.route.model, order.kind.value)
        ended_at = self._means.clock()
        usage = await self.ledger.usage(call.route, line.prompt, line.heard, line.usage, line.call_id, order.kind)
        await self.ledger.bill(
            Attempt(
                number=call.number,
                attempt_id=call.attempt_id,
                route=call.route,
                started_at=line.voice.started_at,
                first_token_at=line.first_token_at,
                ended_at=ended_at,
                outcome=order.outcome,
                usage=usage,
                call_id=line.call_id,
                finish_reason=line.ended.finish_reason if line.ended else None,
                failure=order.kind,
            )
        )


def _counts(call: Call, now: Earlier) -> bool:
    """Whether readers listen to it: no newer owner has begun, and the turn had not ended before."""
    return now.reply is not None and now.reply.terminal is None and now.reply.attempt_id == call.attempt_id


def _joined(orders: list[Order]) -> list[Order]:
    """Words that wait behind each other are one delta: a log that is slower than a model gets fewer of them."""
    joined: list[Order] = []
    for order in orders:
        last = joined[-1] if joined else None
        if isinstance(order, Say) and isinstance(last, Say) and last.call is order.call:
            joined[-1] = Say(order.call, last.text + order.text)
        else:
            joined.append(order)
    return joined


async def _hang_up(line: _Line) -> None:
    if line.task is not None:
        line.task.cancel()
        await asyncio.wait([line.task])
        line.task = None
    if line.holds_slot:
        line.holds_slot = False
        line.slot.release()


def _now() -> float:
    return asyncio.get_running_loop().time()
