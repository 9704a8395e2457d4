"""The life of a turn: which model is asked when, what its words and failures lead to, when the turn ends.

Without I/O and without a clock. What happens comes in with the time it happened at, in seconds of a monotonic clock;
what is to be done comes out as orders. `wake_at` says when to come back with `tick` if nothing else happens.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from agents.answers import AnswerGate, FindSpans, find_in_answers
from agents.breaker import Breakers
from agents.choice import Candidate, Choice
from agents.failures import REACTIONS, FailureKind
from agents.finish_reasons import WHOLE
from agents.joint import LEAST, Joint
from agents.orders import Ask, Call, Finish, Order, Promote, Reset, Say, Settle
from sluice.bots import Bot, Route
from sluice.safe_text import EMPTY, SafeText, join

_SAME_PIECES = 100
"""So many times the same words in a row are a model that runs in circles; litellm has the same limit."""
_SLOW = 0.5
"""A first token later than this share of the time it may take counts as slow."""
_LIMITS = {FailureKind.RATE_LIMITED, FailureKind.RATE_LIMITED_IN_STREAM}


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is asked next if nothing happens before: this model again, or any fresh one beside the call that runs."""

    at: float
    candidate: Candidate | None = None


_NOTHING_PLANNED = _Plan(math.inf)


@dataclass(frozen=True, slots=True)
class Begun:
    """What a dead worker left of the turn: how many attempts, and the words of the newest."""

    attempts: int = 0
    attempt_id: str = ""
    text: SafeText = EMPTY


class Attempts:
    """One turn. `order` are the bot's models as they are preferred in this turn; `chance` gives 0 to 1; `find` is what
    is masked in the answer.
    """

    def __init__(
        self,
        bot: Bot,
        order: tuple[Route, ...],
        deadline: float,
        breakers: Breakers,
        new_id: Callable[[], str],
        chance: Callable[[], float],
        before: Begun = Begun(),
        find: FindSpans = find_in_answers,
    ) -> None:
        self.over = False
        self._bot, self._deadline, self._breakers, self._new_id = bot, deadline, breakers, new_id
        self._choice = Choice(order, breakers, bot.retry.per_model, chance)
        self._running: list[Call] = []
        self._shown: Call | None = None  # what readers follow
        self._made = before.attempts
        self._base = before.attempt_id, before.text  # what the next call may go on with
        self._plan = _NOTHING_PLANNED
        self._last: FailureKind | None = None
        self._find = find

    @property
    def wake_at(self) -> float:
        """When `tick` has something to do."""
        watches = [min(call.watch_at, call.ends_at) for call in self._running]
        return min([*watches, self._plan.at, self._deadline])

    def start(self, now: float) -> list[Order]:
        """Ask the first model."""
        return self._go_on(now)

    def begun(self, call: Call, now: float) -> None:
        """The call is announced and made."""
        call.made, call.asked_at = True, now
        call.watch_at = now + call.limits.first_token_seconds
        call.ends_at = now + call.limits.total_seconds
        if self._bot.hedge_seconds is not None and self._running == [call]:
            self._plan = _Plan(now + self._bot.hedge_seconds)

    def prepares(self, call: Call) -> None:
        """Something has to be done before it can be made; whoever does it has a watch of their own."""
        call.watch_at = math.inf

    def prepared(self, call: Call, now: float) -> None:
        """From here on it waits for its slot."""
        call.watch_at = now + call.limits.first_token_seconds

    def said(self, call: Call, piece: str, now: float) -> list[Order]:
        """Words came."""
        if call not in self._running:
            return []
        orders: list[Order] = []
        if not call.spoke:
            orders += self._wins(call)
            call.spoke = True
            call.slow = now - call.asked_at > _SLOW * call.limits.first_token_seconds
        call.watch_at = now + call.limits.gap_seconds
        if _in_circles(call, piece):
            return [*orders, *self._fail(call, FailureKind.REPEATED_CHUNKS, now)]
        return [*orders, *_say(call, call.gate.take(call.joint.take(piece)))]

    def ended(self, call: Call, finish_reason: str, now: float) -> list[Order]:
        """The model says that this was all."""
        if call not in self._running:
            return []
        orders: list[Order] = [] if call.spoke else self._wins(call)
        if finish_reason == "content_filter":
            return [*orders, *self._fail(call, FailureKind.CONTENT_FILTERED, now)]
        if finish_reason not in WHOLE:
            return [*orders, *self._fail(call, FailureKind.ERROR_IN_STREAM, now)]
        orders += _say(call, join((call.gate.take(call.joint.rest()), call.gate.finish())))
        if not call.added.strip():
            nothing = FailureKind.NOTHING_ADDED if call.continues else FailureKind.EMPTY_ANSWER
            return [*orders, *self._fail(call, nothing, now)]
        self._running.remove(call)
        self._breakers.answered(self._choice[call.place].key, now, slow=call.slow)
        return [*orders, Settle(call, "completed"), *self._finish(Finish("completed"))]

    def failed(self, call: Call, kind: FailureKind, now: float, retry_after: float | None = None) -> list[Order]:
        """The call gave no whole answer."""
        return self._fail(call, kind, now, retry_after) if call in self._running else []

    def stop(self, now: float) -> list[Order]:
        """A person wants the turn to end."""
        for call in self._running:
            if call.spoke:
                self._breakers.answered(self._choice[call.place].key, now, slow=call.slow)
        return [] if self.over else self._finish(Finish("cancelled"))

    def tick(self, now: float) -> list[Order]:
        """Time passed."""
        if now >= self._deadline:
            return [] if self.over else self._run_out(now)
        orders: list[Order] = []
        for call in list(self._running):
            if call in self._running and min(call.watch_at, call.ends_at) <= now:
                orders += self._fail(call, _silence(call, now), now)
        if self._plan.at <= now:
            candidate, self._plan = self._plan.candidate, _NOTHING_PLANNED
            beside = self._choice.fresh(now) if candidate is None else None
            orders += self._ask(candidate, now) if candidate is not None else []
            orders += self._ask(beside, now, hedge=True) if beside is not None else []
        return orders

    def _fail(self, call: Call, kind: FailureKind, now: float, retry_after: float | None = None) -> list[Order]:
        reaction, candidate = REACTIONS[kind], self._choice[call.place]
        self._running.remove(call)
        self._last, self._plan = kind, _NOTHING_PLANNED
        if reaction.counts_against_model:
            self._breakers.failed(candidate.key, now, kind)
        elif kind in _LIMITS:
            self._breakers.of(candidate.key).rest(now, retry_after)
        orders: list[Order] = [Settle(call, "failed", kind)]
        if not reaction.keeps_text:
            orders += _void(call, kind) if call is self._shown else []
        if call.made and not call.hedge:  # spaces alone are no beginning
            self._base = (call.attempt_id, call.text) if call.text.strip() else ("", EMPTY)
        if not reaction.next_model:
            return [*orders, *self._finish(Finish("failed", reaction.code))]
        at_once = self._choice.note(candidate, kind, now, prefilled=bool(call.continues))
        if self._running:  # the other of two goes on
            return [*orders, *self._wins(self._running[0])]
        return [*orders, *(self._ask(candidate, now) if at_once else self._go_on(now))]

    def _go_on(self, now: float) -> list[Order]:
        found = self._choice.next(now)
        if found is None or found[1] >= self._deadline:
            return self._give_up()
        if found[1] <= now:
            return self._ask(found[0], now)
        self._plan = _Plan(found[1], found[0])
        return []

    def _ask(self, candidate: Candidate, now: float, *, hedge: bool = False) -> list[Order]:
        self._made += 1
        candidate.asked += 1
        takes_it = candidate.prefill and candidate.route.prefill and not hedge
        attempt_id, text = self._base if takes_it and len(self._base[1].rstrip()) >= LEAST else ("", EMPTY)
        limits = self._bot.limits_of(candidate.route)
        call = Call(
            number=self._made,
            attempt_id=self._new_id(),
            place=candidate.place,
            route=candidate.route,
            limits=limits,
            joint=Joint(text),
            gate=AnswerGate(self._find, text),
            continues=attempt_id,
            shorter=candidate.shorter,
            hedge=hedge,
            watch_at=now + limits.first_token_seconds,
            begun=text,
            text=text,
        )
        self._breakers.ask(candidate.key, now)
        self._running.append(call)
        return [Ask(call)] if hedge else [*self._shows(call), Ask(call)]

    def _wins(self, call: Call) -> list[Order]:
        """Of two calls the first that speaks, or the one that is left, is what readers follow."""
        self._plan = _NOTHING_PLANNED
        orders: list[Order] = []
        for other in [other for other in self._running if other is not call]:
            self._running.remove(other)
            orders.append(Settle(other, "cancelled", FailureKind.OUTBID))
        if call.hedge:
            call.hedge = False
            orders += self._shows(call)
            if call.made:
                orders.append(Promote(call))
        return orders

    def _shows(self, call: Call) -> list[Order]:
        """Readers follow this call from here on; what they have is void unless the call goes on with it."""
        before, self._shown = self._shown, call
        if before is None or call.continues:
            return []
        self._base = "", EMPTY
        return _void(before, self._last or FailureKind.OUTBID)

    def _run_out(self, now: float) -> list[Order]:
        orders: list[Order] = []
        for call in self._running:
            self._last = FailureKind.TOTAL_TIMEOUT
            self._breakers.failed(self._choice[call.place].key, now, self._last)
            orders.append(Settle(call, "failed", self._last))
        self._running.clear()
        return [*orders, *self._give_up()]

    def _give_up(self) -> list[Order]:
        kind = self._last or self._choice.reason()
        if self._bot.fallback_text is None:
            return self._finish(Finish("failed", REACTIONS[kind].code))
        void = _void(self._shown, kind) if self._shown is not None else []
        return [*void, *self._finish(Finish("completed", fallback=self._bot.fallback_text))]

    def _finish(self, finish: Finish) -> list[Order]:
        left = [Settle(call, "cancelled") for call in self._running]
        self._running.clear()
        self._plan, self.over = _NOTHING_PLANNED, True
        return [*left, finish]


def _silence(call: Call, now: float) -> FailureKind:
    if not call.made:
        return FailureKind.NO_SLOT
    if call.ends_at <= now:
        return FailureKind.TOTAL_TIMEOUT
    return FailureKind.STALLED if call.spoke else FailureKind.FIRST_TOKEN_TIMEOUT


def _void(call: Call, kind: FailureKind) -> list[Order]:
    if not call.text:
        return []
    call.text = EMPTY
    return [Reset(call, kind)]


def _say(call: Call, text: SafeText) -> list[Order]:
    call.text = join((call.text, text))
    return [Say(call, text)] if text else []


def _in_circles(call: Call, piece: str) -> bool:
    call.same = call.same + 1 if piece == call.last_piece else 1
    call.last_piece = piece
    return call.same >= _SAME_PIECES and any(character.isalnum() for character in piece)
