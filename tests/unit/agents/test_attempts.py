"""Which model is asked after what, scenario by scenario."""

from itertools import count

import pytest

from agents.attempts import Attempts, Begun
from agents.breaker import Breakers
from agents.choice import in_order
from agents.failures import FailureKind
from agents.orders import Ask, Call, Finish, Order, Promote, Reset, Say, Settle
from sluice.bots import Bot, Limits, Retry, Route, RouteLimits
from sluice.errors import ErrorCode

LONG = "It was said before that "


def bot(*routes: Route, per_model: int = 0, **more) -> Bot:
    limits = Limits(first_token_seconds=2, gap_seconds=1, total_seconds=60)
    return Bot(
        name="b", description="d", template="t@1", route=routes, limits=limits, retry=Retry(per_model=per_model), **more
    )


def plain(name: str, **more) -> Route:
    return Route(model=name, **more)


class Turn:
    """A turn whose orders are kept, newest last."""

    def __init__(self, bot: Bot, before: Begun | None = None, breakers: Breakers | None = None, deadline: float = 50.0):
        ids = count(1)
        self.breakers = breakers or Breakers()
        self.life = Attempts(
            bot, bot.route, deadline, self.breakers, lambda: f"a-{next(ids)}", lambda: 1.0, before or Begun()
        )
        self.orders: list[Order] = []
        self.now = 0.0
        self.do(self.life.start(0.0))

    def do(self, orders: list[Order]) -> list[Order]:
        self.orders += orders
        for order in orders:
            if isinstance(order, Ask):
                self.life.begun(order.call, self.now)
        return orders

    @property
    def call(self) -> Call:
        return [order.call for order in self.orders if isinstance(order, Ask)][-1]

    def says(self, text: str, call: Call | None = None):
        return self.do(self.life.said(call or self.call, text, self.now))

    def ends(self, reason: str = "stop"):
        return self.do(self.life.ended(self.call, reason, self.now))

    def fails(self, kind: FailureKind, retry_after: float | None = None):
        return self.do(self.life.failed(self.call, kind, self.now, retry_after))

    def wakes(self):
        self.now = self.life.wake_at
        return self.do(self.life.tick(self.now))

    @property
    def asked(self) -> list[str]:
        return [order.call.route.model for order in self.orders if isinstance(order, Ask)]

    @property
    def finish(self) -> Finish:
        assert isinstance(self.orders[-1], Finish)
        return self.orders[-1]

    def names(self) -> list[str]:
        return [type(order).__name__ for order in self.orders]


def test_a_whole_answer():
    turn = Turn(bot(plain("one")))
    turn.says("Hello")
    turn.ends("length")
    assert turn.names() == ["Ask", "Say", "Settle", "Finish"]
    assert turn.finish == Finish("completed")


def test_the_next_model_goes_on_where_it_can():
    turn = Turn(bot(plain("one"), plain("two", prefill=True)))
    turn.says("Half a sentence that ")
    turn.fails(FailureKind.CUT)
    assert (turn.call.continues, turn.call.text, turn.call.joint.given) == (
        "a-1",
        "Half a sentence that ",
        "Half a sentence that",
    )
    turn.says(" goes on.\n")
    turn.ends()
    assert turn.names() == ["Ask", "Say", "Settle", "Ask", "Say", "Settle", "Finish"]
    assert turn.call.text == "Half a sentence that goes on.\n"


def test_what_a_broken_call_said_of_a_word_is_dropped():
    turn = Turn(bot(plain("one"), plain("two", prefill=True)))
    turn.says("Half a sentence only for jane.doe@exam")
    turn.fails(FailureKind.CUT)
    assert (turn.call.text, turn.call.joint.given) == ("Half a sentence only for ", "Half a sentence only for")
    turn.says(" jane.doe@example.org.")
    turn.ends()
    assert turn.call.text == "Half a sentence only for [EMAIL]."


def test_else_it_begins_again_and_what_was_said_is_void():
    turn = Turn(bot(plain("one", prefill=True), plain("two")))
    turn.says("Half ")
    turn.fails(FailureKind.CUT)
    assert turn.names() == ["Ask", "Say", "Settle", "Reset", "Ask"]
    assert turn.call.text == ""


def test_what_ran_in_circles_is_not_gone_on_with():
    turn = Turn(bot(plain("one"), plain("two", prefill=True)))
    for _ in range(100):
        turn.says("ha ")
    assert turn.asked == ["one", "two"]
    assert (turn.call.continues, turn.call.text) == ("", "")
    assert turn.names()[-3:] == ["Settle", "Reset", "Ask"]


def test_a_line_of_dashes_is_no_circle():
    turn = Turn(bot(plain("one")))
    for _ in range(300):
        turn.says("--")
    assert turn.asked == ["one"]


def test_who_refuses_a_beginning_is_asked_without_it():
    turn = Turn(bot(plain("one"), plain("two", prefill=True)))
    turn.says(LONG)
    turn.fails(FailureKind.CUT)
    turn.fails(FailureKind.REFUSED_PREFILL)
    assert turn.asked == ["one", "two", "two"]
    assert turn.call.continues == ""
    turn.fails(FailureKind.REFUSED_PREFILL)
    assert turn.finish.code is ErrorCode.MODEL_REFUSED_REQUEST


def test_who_adds_nothing_to_a_beginning_is_asked_without_it():
    turn = Turn(bot(plain("one"), plain("two", prefill=True)))
    turn.says(LONG)
    turn.fails(FailureKind.CUT)
    turn.says(LONG)
    turn.ends()
    assert turn.asked == ["one", "two", "two"]
    assert turn.names()[-3:] == ["Settle", "Reset", "Ask"]
    turn.says("All of it.")
    turn.ends()
    assert (turn.finish, turn.call.text) == (Finish("completed"), "All of it.")


def test_a_short_beginning_is_not_gone_on_with():
    turn = Turn(bot(plain("one"), plain("two", prefill=True)))
    turn.says("The sluice is ")
    turn.fails(FailureKind.CUT)
    assert turn.names()[-2:] == ["Reset", "Ask"]
    assert turn.call.continues == ""


@pytest.mark.parametrize("reason", ["abort", "insufficient_system_resource", "error"])
def test_an_end_that_is_none_is_a_failure(reason):
    turn = Turn(bot(plain("one")))
    turn.says("Half")
    turn.ends(reason)
    assert turn.finish == Finish("failed", ErrorCode.MODEL_STREAM_BROKEN)


@pytest.mark.parametrize("kind", [FailureKind.CONTENT_FILTERED, FailureKind.REPEATED_CHUNKS])
def test_nobody_keeps_what_the_last_model_should_not_have_said(kind):
    turn = Turn(bot(plain("one")))
    turn.says("Half ")
    turn.fails(kind)
    assert turn.names() == ["Ask", "Say", "Settle", "Reset", "Finish"]


def test_what_a_call_without_a_slot_did_not_hear_is_gone_on_with():
    turn = Turn(bot(plain("one"), plain("busy", prefill=True), plain("three", prefill=True)))
    turn.says(LONG)
    begun, turn.life.begun = turn.life.begun, lambda *_: None
    turn.fails(FailureKind.CUT)
    turn.life.begun = begun
    turn.wakes()
    assert turn.asked == ["one", "busy", "three"]
    assert (turn.call.continues, turn.call.text) == ("a-1", LONG)


def test_a_context_that_is_too_long_is_halved_twice():
    turn = Turn(bot(plain("one")))
    shortened = [turn.call.shorter]
    for _ in range(2):
        turn.fails(FailureKind.CONTEXT_TOO_LONG)
        shortened.append(turn.call.shorter)
    turn.fails(FailureKind.CONTEXT_TOO_LONG)
    assert shortened == [0, 1, 2]
    assert turn.finish.code is ErrorCode.MODEL_CONTEXT_TOO_LONG


def test_all_others_come_before_a_second_try_and_that_waits():
    turn = Turn(bot(plain("one"), plain("two"), per_model=1))
    turn.fails(FailureKind.OVERLOADED)
    turn.fails(FailureKind.UNREACHABLE)
    assert turn.asked == ["one", "two"]
    assert turn.life.wake_at == 0.25
    turn.wakes()
    assert turn.asked == ["one", "two", "one"]
    turn.fails(FailureKind.OVERLOADED)
    turn.fails(FailureKind.OVERLOADED)
    assert turn.asked == ["one", "two", "one", "two"]
    assert turn.finish.code is ErrorCode.MODEL_UNAVAILABLE


def test_what_cannot_succeed_is_not_tried_again():
    turn = Turn(bot(plain("one"), per_model=3))
    turn.fails(FailureKind.REFUSED_KEY)
    assert (turn.asked, turn.finish.code) == (["one"], ErrorCode.MODEL_REFUSED_KEY)


@pytest.mark.parametrize(("retry_after", "at"), [(3.0, 3.0), (None, 1.0)])
def test_a_rate_limit_is_honoured_by_every_turn(retry_after, at):
    turn = Turn(bot(plain("one"), per_model=1))
    turn.fails(FailureKind.RATE_LIMITED, retry_after)
    other = Turn(bot(plain("one")), breakers=turn.breakers)
    assert (turn.life.wake_at, other.life.wake_at) == (at, at)
    other.wakes()
    assert other.asked == ["one"]


def test_a_rate_limit_longer_than_the_budget_is_not_waited_for():
    turn = Turn(bot(plain("one"), per_model=1))
    turn.fails(FailureKind.RATE_LIMITED, 60.0)
    assert turn.finish == Finish("failed", ErrorCode.MODEL_RATE_LIMITED)


def test_an_open_breaker_passes_the_model_over_and_its_reason_is_told():
    breakers = Breakers()
    for _ in range(4):
        breakers.failed(("one", "", ""), 0.0, FailureKind.STALLED)
    assert Turn(bot(plain("one"), plain("two")), breakers=breakers).asked == ["two"]
    alone = Turn(bot(plain("one"), per_model=1), breakers=breakers)
    assert (alone.asked, alone.finish.code) == ([], ErrorCode.MODEL_TIMEOUT)


def test_a_filtered_answer_ends_the_turn():
    turn = Turn(bot(plain("one"), plain("two")))
    turn.says("Bad ")
    turn.ends("content_filter")
    assert (turn.asked, turn.finish.code) == (["one"], ErrorCode.MODEL_CONTENT_FILTERED)


def test_an_empty_answer_is_asked_for_elsewhere():
    turn = Turn(bot(plain("one"), plain("two")))
    turn.ends()
    assert turn.asked == ["one", "two"]


def test_the_fallback_text_when_everybody_is_gone():
    turn = Turn(bot(plain("one"), fallback_text="Sorry."))
    turn.says("Half ")
    turn.fails(FailureKind.CUT)
    assert turn.names() == ["Ask", "Say", "Settle", "Reset", "Finish"]
    assert turn.finish == Finish("completed", fallback="Sorry.")
    empty = Turn(bot(plain("one"), fallback_text="Sorry."))
    empty.fails(FailureKind.UNREACHABLE)
    assert empty.names() == ["Ask", "Settle", "Finish"]


def test_silence_has_three_names():
    turn = Turn(bot(plain("one"), plain("two", limits=RouteLimits(gap_seconds=9, total_seconds=5)), plain("three")))
    turn.wakes()
    turn.says("a")
    turn.wakes()
    turn.says("b")
    turn.wakes()
    kinds = [order.kind for order in turn.orders if isinstance(order, Settle)]
    assert kinds == [FailureKind.FIRST_TOKEN_TIMEOUT, FailureKind.TOTAL_TIMEOUT, FailureKind.STALLED]


def test_a_call_that_gets_no_slot_in_time():
    life = Attempts(bot(plain("one")), (plain("one"),), 50.0, Breakers(), lambda: "a", lambda: 0.0)
    (ask,) = life.start(0.0)
    assert isinstance(ask, Ask)
    settle, finish = life.tick(life.wake_at)
    assert settle == Settle(ask.call, "failed", FailureKind.NO_SLOT)
    assert finish == Finish("failed", ErrorCode.MODEL_RATE_LIMITED)


def test_the_turns_time_runs_out_while_it_speaks_and_while_it_waits():
    speaking = Turn(bot(plain("one")), deadline=1.5)
    speaking.says("a")
    speaking.now = 1.5
    speaking.do(speaking.life.tick(1.5))
    assert speaking.finish.code is ErrorCode.MODEL_TIMEOUT
    assert speaking.life.tick(2.0) == []
    waiting = Turn(bot(plain("one"), per_model=1), deadline=0.3)
    waiting.fails(FailureKind.OVERLOADED)
    assert waiting.life.wake_at == 0.25
    waiting.do(waiting.life.tick(0.4))
    assert waiting.finish.code is ErrorCode.MODEL_UNAVAILABLE


def test_a_late_first_token_lets_the_next_model_begin_beside():
    turn = Turn(bot(plain("one"), plain("two"), hedge_seconds=0.5))
    first = turn.call
    turn.wakes()
    assert (turn.asked, turn.call.hedge) == (["one", "two"], True)
    turn.says("I won")
    assert turn.names() == ["Ask", "Ask", "Settle", "Promote", "Say"]
    assert turn.orders[2] == Settle(first, "cancelled", FailureKind.OUTBID)
    turn.ends()
    assert turn.finish.state == "completed"


def test_the_first_may_still_win():
    turn = Turn(bot(plain("one"), plain("two"), hedge_seconds=0.5))
    first = turn.call
    turn.wakes()
    turn.says("Here I am", first)
    assert turn.names() == ["Ask", "Ask", "Settle", "Say"]


def test_of_two_calls_the_one_that_is_left_counts():
    left = Turn(bot(plain("one"), plain("two"), hedge_seconds=0.5))
    first = left.call
    left.wakes()
    left.do(left.life.failed(first, FailureKind.CUT, left.now))
    assert left.names() == ["Ask", "Ask", "Settle", "Promote"]
    right = Turn(bot(plain("one"), plain("two"), hedge_seconds=0.5))
    right.wakes()
    right.fails(FailureKind.CUT)
    assert right.names() == ["Ask", "Ask", "Settle"]
    assert not right.life.over


def test_a_winner_beside_a_continuation_begins_anew():
    turn = Turn(bot(plain("one", prefill=True), plain("two"), hedge_seconds=0.5), Begun(1, "dead", LONG))
    turn.wakes()
    turn.says("New")
    reset = next(order for order in turn.orders if isinstance(order, Reset))
    assert reset.kind is FailureKind.OUTBID
    assert any(isinstance(order, Promote) for order in turn.orders)


def test_nobody_is_left_to_begin_beside():
    turn = Turn(bot(plain("one"), hedge_seconds=0.5))
    assert turn.wakes() == []


def test_what_a_dead_worker_left_is_gone_on_with():
    turn = Turn(bot(plain("one", prefill=True)), Begun(3, "dead", LONG))
    assert (turn.call.number, turn.call.continues, turn.call.text) == (4, "dead", LONG)
    turn.says(LONG)
    assert turn.names() == ["Ask"]
    turn.says("it rained")
    turn.ends()
    assert turn.call.text == LONG + "it rained"


def test_words_that_were_held_back_are_said_at_the_end():
    turn = Turn(bot(plain("one", prefill=True)), Begun(1, "dead", LONG))
    turn.says("It was")
    assert [order.text for order in turn.ends() if isinstance(order, Say)] == ["It was"]


def test_a_stop_that_comes_twice():
    turn = Turn(bot(plain("one")))
    turn.says("a")
    turn.do(turn.life.stop(1.0))
    assert turn.finish.state == "cancelled"
    assert turn.life.stop(1.0) == []
    silent = Turn(bot(plain("one")))
    assert [type(order) for order in silent.life.stop(1.0)] == [Settle, Finish]


def test_neighbours_with_weights_are_drawn_in_proportion():
    heavy, light, last = plain("heavy", weight=3), plain("light", weight=1), plain("last")
    drawn = [in_order((heavy, light, last), lambda c=chance: c)[0].model for chance in (0.0, 0.5, 0.74, 0.75, 0.99)]
    assert drawn == ["heavy", "heavy", "heavy", "light", "light"]
    assert in_order((last, heavy), lambda: 0.5) == (last, heavy)


def test_a_dead_first_model_costs_few_calls():
    """Retry amplification: calls for a turn, over a run in which the first model is dead."""
    asked = bot(plain("dead"), plain("alive"), per_model=1)
    breakers, calls, now = Breakers(), 0, 0.0
    for _ in range(200):
        now += 0.5
        life = Attempts(asked, asked.route, now + 50, breakers, lambda: "a", lambda: 0.5)
        orders = life.start(now)
        while not life.over:
            (call,) = [order.call for order in orders if isinstance(order, Ask)]
            calls += 1
            life.begun(call, now)
            if call.route.model == "dead":
                orders = life.failed(call, FailureKind.UNREACHABLE, now)
            else:
                life.said(call, "Hi", now)
                orders = life.ended(call, "stop", now)
    assert calls / 200 <= 1.2


def test_a_call_beside_that_still_waits_takes_over_without_being_promoted():
    turn = Turn(bot(plain("one"), plain("busy"), hedge_seconds=0.5))
    begun, turn.life.begun = turn.life.begun, lambda *_: None
    turn.wakes()
    waits = turn.call
    assert waits.hedge
    turn.do(turn.life.failed(turn.orders[0].call, FailureKind.SERVER_ERROR, turn.now))
    assert turn.names() == ["Ask", "Ask", "Settle"]
    assert not waits.hedge
    begun(waits, turn.now)
    turn.says("Here ", waits)
    assert turn.names()[-1] == "Say"


def test_no_call_beside_one_that_has_failed():
    """Its model is over; the next may be asked later only. The fresh one that comes free meanwhile has to wait."""
    turn = Turn(bot(plain("one"), plain("two"), hedge_seconds=5, per_model=1))
    for _ in range(4):
        turn.breakers.failed(("two", "", ""), 0.0, FailureKind.CUT)
    turn.now = 1.0
    turn.fails(FailureKind.SERVER_ERROR)
    assert turn.life.wake_at == pytest.approx(1.25)
    turn.wakes()
    assert turn.asked == ["one", "one"]
