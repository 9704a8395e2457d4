"""When a model is left alone, and when it is tried again."""

from agents.breaker import Breaker, Breakers, key_of
from agents.failures import FailureKind
from sluice.bots import Route

CUT = FailureKind.CUT


def failing(times: int, at: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(times):
        breaker.failed(at, CUT)
    return breaker


def test_a_few_failures_do_not_open_it():
    assert failing(3).state == "closed"
    assert failing(3).free_at(1.0) == 1.0


def test_it_opens_at_half_of_the_newest_calls_and_lets_one_probe():
    breaker = Breaker()
    for _ in range(2):
        breaker.answered(0.0, slow=False)
        breaker.failed(0.0, CUT)
    assert (breaker.state, breaker.reason) == ("open", CUT)
    assert breaker.free_at(1.0) == 5.0
    breaker.ask(5.0)
    assert breaker.state == "half_open"
    assert breaker.free_at(5.1) == 10.0
    breaker.answered(6.0, slow=False)
    assert breaker.state == "closed"
    assert breaker.free_at(6.0) == 6.0


def test_an_answer_never_opens_it():
    breaker = failing(3)
    breaker.answered(0.0, slow=False)
    assert breaker.state == "closed"


def test_a_failed_probe_opens_it_for_twice_as_long_up_to_a_minute():
    breaker, now, pauses = failing(4), 0.0, []
    for _ in range(6):
        now = breaker.free_at(now)
        breaker.ask(now)
        breaker.failed(now, CUT)
        pauses.append(breaker.free_at(now) - now)
    assert pauses == [10.0, 20.0, 40.0, 60.0, 60.0, 60.0]


def test_slow_first_tokens_open_it_and_a_slow_probe_keeps_it_open():
    breaker = Breaker()
    for _ in range(4):
        breaker.answered(0.0, slow=True)
    assert breaker.state == "open"
    breaker.ask(5.0)
    breaker.answered(6.0, slow=True)
    assert breaker.state == "open"


def test_what_was_long_ago_does_not_count():
    breaker = failing(3)
    breaker.failed(100.0, CUT)
    assert breaker.state == "closed"


def test_late_calls_of_an_open_breaker_change_nothing():
    breaker = failing(4)
    breaker.answered(1.0, slow=False)
    breaker.failed(1.0, CUT)
    assert (breaker.state, breaker.free_at(1.0)) == ("open", 5.0)


def test_a_model_rests_as_long_as_its_provider_asks():
    breaker = Breaker()
    breaker.rest(0.0, 7.5)
    breaker.rest(0.0, None)
    assert (breaker.state, breaker.free_at(1.0)) == ("closed", 7.5)


def test_each_model_has_its_own_and_changes_are_told():
    told = []
    breakers = Breakers(lambda model, state: told.append((model, state)))
    for _ in range(4):
        breakers.failed(("m", "here", ""), 0.0, CUT)
    breakers.ask(("m", "here", ""), 9.0)
    breakers.answered(("m", "here", ""), 9.0, slow=False)
    assert told == [("m", "open"), ("m", "half_open"), ("m", "closed")]
    assert breakers.of(("m", "there", "")).state == "closed"
    Breakers().ask(("m", "here", ""), 0.0)


def test_a_model_that_rests_says_why():
    breaker = Breaker()
    breaker.rest(0.0, 3600)
    assert breaker.reason is FailureKind.RATE_LIMITED


def test_another_key_is_another_model():
    here = Route(model="m", api_base="http://a", api_key="ONE")
    assert key_of(here) != key_of(here.model_copy(update={"api_key": "TWO"}))
