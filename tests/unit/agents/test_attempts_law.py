"""Whatever models do in whatever order: one end, one bill a call, no seam, no call that cannot help."""

import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agents.attempts import Attempts, Begun
from agents.breaker import Breakers
from agents.choice import in_order
from agents.failures import REACTIONS, FailureKind
from agents.orders import Ask, Call, Finish, Order, Promote, Reset, Say, Settle
from sluice.bots import Bot, Limits, Retry, Route

BY_MODEL = sorted(set(FailureKind) - {FailureKind.NO_SLOT, FailureKind.OUTBID, FailureKind.TOTAL_TIMEOUT})
VOID = {kind for kind in FailureKind if not REACTIONS[kind].keeps_text}


class OneTurn(RuleBasedStateMachine):
    """A turn with models that do as they please, and readers who follow the orders as the reducer does."""

    @initialize(
        prefills=st.lists(st.booleans(), min_size=1, max_size=3),
        weighted=st.booleans(),
        per_model=st.integers(0, 2),
        hedge=st.sampled_from([None, 0.5]),
        fallback=st.sampled_from([None, "Sorry."]),
        begun=st.sampled_from([Begun(), Begun(2, "dead", "It was said before that ")]),
        opened=st.lists(st.sampled_from([0.0, -4.9, -3.0]), max_size=2),
    )
    def begin(self, prefills, weighted, per_model, hedge, fallback, begun, opened):
        weight = 2 if weighted else None
        routes = tuple(Route(model=f"m/{n}", prefill=p, weight=weight) for n, p in enumerate(prefills))
        limits = Limits(first_token_seconds=2, gap_seconds=1, total_seconds=5)
        self.bot = Bot(
            name="b",
            description="d",
            template="t@1",
            route=routes,
            limits=limits,
            retry=Retry(per_model=per_model),
            hedge_seconds=hedge,
            fallback_text=fallback,
        )
        self.now, ids = 0.0, iter(range(10**6))
        self.deadline = 12.0
        breakers = Breakers()
        for place, opened_at in enumerate(opened):  # of the last models, so that they are tried again while it runs
            for _ in range(4):
                breakers.failed((f"m/{len(routes) - 1 - place}", "", ""), opened_at, FailureKind.CUT)
        self.life = Attempts(
            self.bot,
            in_order(routes, lambda: 0.4),
            self.deadline,
            breakers,
            lambda: f"a-{next(ids)}",
            lambda: 0.5,
            begun,
        )
        self.before = begun.text
        self.asked: list[Call] = []
        self.billed: list[Call] = []
        self.spent: set[str] = set()
        self.text: dict[str, str] = {}
        self.shown: Call | None = None
        self.last: FailureKind | None = None
        self.finish: Finish | None = None
        self.heard: dict[str, str] = {}
        self.obey(self.life.start(self.now))

    def obey(self, orders: list[Order]) -> None:
        for order in orders:
            assert self.finish is None, "an order after the end"
            match order:
                case Ask(call):
                    assert call not in self.asked
                    assert self.now < self.deadline
                    assert call.route.model not in self.spent
                    assert not call.continues or call.route.prefill
                    self.asked.append(call)
                    assert not (call.hedge and call.text)
                    assert call.text in ("", self.visible), "another beginning than readers have"
                case Promote(call):
                    assert call.made, "nobody has heard of it"
                    self.shown = call
                case Say(call, text):
                    assert call.made
                    assert call is self.shown, "readers do not follow this call"
                    assert text
                    self.text[call.attempt_id] += text
                case Reset(call, _):
                    assert call is self.shown or call not in self.text
                    self.text[call.attempt_id] = ""
                case Settle(call, outcome, kind):
                    assert call in self.asked
                    assert call not in self.billed
                    assert (outcome == "failed") <= (kind is not None)
                    self.billed.append(call)
                    self.last = kind if call is self.shown else self.last
                case Finish():
                    self.finish = order

    @property
    def visible(self) -> str:
        return self.before if self.shown is None else self.text[self.shown.attempt_id]

    @property
    def running(self) -> list[Call]:
        return [call for call in self.asked if call not in self.billed]

    @precondition(lambda self: any(not call.made for call in self.running))
    @rule(data=st.data())
    def is_made(self, data):
        call = data.draw(st.sampled_from([c for c in self.running if not c.made]))
        self.life.begun(call, self.now)
        self.text[call.attempt_id] = call.text
        if not call.hedge:
            self.shown = call

    @precondition(lambda self: any(call.made for call in self.running))
    @rule(
        data=st.data(), piece=st.sampled_from([" and", " so", "\n", "It was said before that ", "x"]), times=st.just(1)
    )
    def says(self, data, piece, times):
        call = data.draw(st.sampled_from([c for c in self.running if c.made]))
        self.heard[call.attempt_id] = self.heard.get(call.attempt_id, "") + piece * times
        self.obey(self.life.said(call, piece, self.now))

    @precondition(lambda self: any(call.made for call in self.running))
    @rule(data=st.data(), reason=st.sampled_from(["stop", "length", "content_filter", "abort"]))
    def ends(self, data, reason):
        call = data.draw(st.sampled_from([c for c in self.running if c.made]))
        self.obey(self.life.ended(call, reason, self.now))
        if self.finish is not None and self.finish.state == "completed" and self.finish.fallback is None:
            assert reason in ("stop", "length")
            assert self.heard[call.attempt_id].strip(), "half an answer as a whole one"
            assert call is self.shown
            assert self.running == []

    @precondition(lambda self: any(call.made for call in self.running))
    @rule(data=st.data(), kind=st.sampled_from(BY_MODEL), wait=st.sampled_from([None, 0.5, 100.0]))
    def fails(self, data, kind, wait):
        call = data.draw(st.sampled_from([c for c in self.running if c.made]))
        if REACTIONS[kind].again == "never" and kind is not FailureKind.OUTBID:
            self.spent.add(call.route.model)
        self.obey(self.life.failed(call, kind, self.now, wait))

    @precondition(lambda self: self.finish is None)
    @rule(seconds=st.sampled_from([0.1, 0.6, 1.1, 2.1]))
    def time_passes(self, seconds):
        self.now += seconds
        self.obey(self.life.tick(self.now))

    @precondition(lambda self: self.finish is None)
    @rule()
    def comes_back_when_it_said(self):
        assert self.life.wake_at <= self.deadline
        self.now = max(self.now, self.life.wake_at)
        self.obey(self.life.tick(self.now))

    @rule()
    def is_stopped(self):
        self.obey(self.life.stop(self.now))
        assert self.finish is not None

    @rule()
    def late_words_change_nothing(self):
        for call in self.billed:
            assert self.life.said(call, "late", self.now) == []
            assert self.life.ended(call, "stop", self.now) == []
            assert self.life.failed(call, FailureKind.CUT, self.now) == []

    @invariant()
    def holds(self):
        if not hasattr(self, "life"):
            return
        assert len(self.running) <= (2 if self.bot.hedge_seconds else 1)
        calls = len(self.asked)
        assert calls <= len(self.bot.route) * (self.bot.retry.per_model + 1 + 3), "calls without bound"
        if self.finish is None:
            assert not self.life.over
            assert self.life.wake_at < math.inf
            return
        assert self.life.over
        assert self.running == [], "a call without a bill"
        if self.finish.state == "completed" and self.finish.fallback is None:
            assert self.visible.strip()
        if self.finish.state == "failed":
            assert self.finish.code is not None
        if self.finish.state != "cancelled" and self.shown is not None and self.shown.text:
            assert self.last not in VOID, "what is void is left with its readers"


OneTurn.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestOneTurn = OneTurn.TestCase
