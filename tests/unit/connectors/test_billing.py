"""The ledger beside the meter: what fits, what is on its way, and what is blamed by name."""

from datetime import timedelta
from typing import Any, cast

import httpx
import msgspec
import pytest

from connectors.billing import Billing, Call, Meter, compare, read_meter
from sluice.errors import Unavailable
from sluice.events import AttemptMetered, Usage
from tests.doubles import NOON
from tests.samples import SAMPLES

LONG_AGO = NOON - timedelta(hours=1)


def row(attempt_id: str, tokens: int = 15, **changes: Any) -> AttemptMetered:
    usage = Usage(prompt_tokens=tokens - 5, completion_tokens=5, estimated=changes.pop("estimated", False))
    own = {
        "attempt_id": attempt_id,
        "event_id": f"e-{attempt_id}",
        "usage": usage,
        "outcome": "completed",
        "model": "openai/echo",
        "provider_call_id": None,
        "started_at": LONG_AGO,
        "occurred_at": LONG_AGO,
    }
    return cast(AttemptMetered, msgspec.structs.replace(SAMPLES["AttemptMetered"], **(own | changes)))


def call(request_id: str, tokens: int = 15, **changes: Any) -> Call:
    whole: dict[str, Any] = {"began_at": LONG_AGO, "running": False, "model": "echo", "call_id": f"c-{request_id}"}
    return Call(request_id=request_id, tokens=tokens, **(whole | changes))


def found(rows: list[AttemptMetered], *calls: Call, since: Any = NOON - timedelta(days=1)) -> Billing:
    return compare(rows, Meter(since, NOON, calls))


def blamed(billing: Billing) -> list[tuple[str, str]]:
    return [(one.attempt_id, one.what) for one in billing.differences]


def test_equal_counts_agree_by_day():
    billing = found([row("a"), row("b", 20)], call("a"), call("b", 20))
    assert (blamed(billing), billing.estimated, billing.pending) == ([], 0, 0)
    [day] = billing.as_json()["days"]
    assert day == {"date": LONG_AGO.date().isoformat(), "calls": 2, "ledger_tokens": 35, "meter_tokens": 35}


def test_a_call_is_found_by_the_providers_own_id_too():
    assert blamed(found([row("a", provider_call_id="c-x")], call("", call_id="c-x"))) == []


def test_other_tokens_are_named():
    assert blamed(found([row("a")], call("a", 16))) == [("a", "15 tokens in the ledger, 16 at the provider")]


def test_a_call_without_a_row_is_named_once_it_must_have_one():
    assert blamed(found([], call("a"))) == [("a", "a call of echo without a row")]
    late = found([], call("a", began_at=NOON - timedelta(minutes=1)), call("b", running=True))
    assert (blamed(late), late.pending) == ([], 2)


def test_a_second_call_of_one_attempt_is_named():
    assert blamed(found([row("a")], call("a"), call("a"))) == [("a", "a second call of one attempt")]


@pytest.mark.parametrize(
    ("changes", "blame"),
    [
        ({}, True),
        ({"started_at": NOON - timedelta(days=2)}, False),
        ({"model": "anthropic/claude"}, False),
        ({"estimated": True, "outcome": "cancelled"}, False),
        ({"estimated": True}, True),
    ],
)
def test_a_row_without_a_call_is_named_where_there_must_have_been_one(changes: dict[str, Any], blame: bool):
    billing = found([row("a", **changes), row("b")], call("b"))
    assert blamed(billing) == ([("a", "15 tokens without a call")] if blame else [])


def test_an_estimate_is_counted_and_not_blamed():
    billing = found([row("a", estimated=True)], call("a", 99))
    assert (blamed(billing), billing.estimated) == ([], 1)


def test_a_true_count_beats_the_next_owners_estimate():
    rows = [row("a", 11, outcome="abandoned", estimated=True), row("a")]
    for order in (rows, rows[::-1]):
        assert blamed(found(order, call("a"))) == []


def test_a_row_from_before_attempts_had_ids_goes_by_turn_and_number():
    billing = found([row("")], call("a"))
    assert [one.what for one in billing.differences] == ["a call of echo without a row", "15 tokens without a call"]


def test_the_meter_is_read_as_it_is_given(monkeypatch: pytest.MonkeyPatch):
    listed = {
        "call_id": "c-1",
        "request_id": "a",
        "model": "echo",
        "began_at": LONG_AGO.isoformat(),
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "state": "completed",
    }
    report = {"since": LONG_AGO.isoformat(), "calls": [listed]}
    request = httpx.Request("GET", "http://p/meter")
    monkeypatch.setattr(httpx, "get", lambda *_, **__: httpx.Response(200, json=report, request=request))
    assert read_meter("http://p/meter", NOON) == Meter(LONG_AGO, NOON, (call("a", call_id="c-1"),))
    monkeypatch.setattr(httpx, "get", lambda *_, **__: httpx.Response(200, json={}, request=request))
    with pytest.raises(Unavailable, match="There is no meter at http://p/meter"):
        read_meter("http://p/meter", NOON)
