from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from agents.account import cost_of
from agents.timing import stage_timed
from sluice.bots import Price, Route
from sluice.events import PromptReady, RequestEnriched, Usage
from tests.doubles import TablePrices
from tests.samples import SAMPLES

USAGE = Usage(prompt_tokens=10, completion_tokens=5, estimated=False)


def test_the_price_of_the_route_comes_first():
    price = Price(prompt_per_million_usd=Decimal("0.15"), completion_per_million_usd=Decimal("0.60"))
    cost = cost_of(Route(model="m", price=price), USAGE, TablePrices({"m": Decimal(9)}))
    assert (cost.usd, cost.price_version) == (Decimal("0.0000045000"), "route")


def test_then_the_table():
    cost = cost_of(Route(model="m"), USAGE, TablePrices({"m": Decimal("0.001")}))
    assert (cost.usd, cost.price_version) == (Decimal("0.0150000000"), "table-1")


def test_an_unknown_model_is_marked_unpriced():
    assert cost_of(Route(model="m"), USAGE, TablePrices()).price_version == "unpriced"


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_money_is_exact(prompt: int, completion: int):
    """One millionth of a dollar a token: the cost is the token count, digit for digit."""
    price = Price(prompt_per_million_usd=Decimal(1), completion_per_million_usd=Decimal(1))
    usage = Usage(prompt_tokens=prompt, completion_tokens=completion, estimated=False)
    assert cost_of(Route(model="m", price=price), usage, TablePrices()).usd * 1_000_000 == prompt + completion


def test_a_stage_is_timed_by_its_own_hop():
    enriched = SAMPLES["RequestEnriched"]
    prompt = SAMPLES["PromptReady"]
    assert isinstance(enriched, RequestEnriched)
    assert isinstance(prompt, PromptReady)
    timed = stage_timed(enriched)
    assert (timed.stage, timed.outcome, timed.error_code) == ("accept", "passed", None)
    assert timed.left_at == enriched.hops[-1].left_at


def test_a_refusal_is_told_by_the_stage_that_made_it():
    import msgspec

    from sluice.events import Hop
    from tests.doubles import NOON

    prompt = SAMPLES["PromptReady"]
    own = msgspec.structs.replace(prompt, hops=(Hop(stage="redact", entered_at=NOON, left_at=NOON),))
    timed = stage_timed(own)
    assert (timed.outcome, timed.error_code) == ("refused", "redaction_failed")


def test_a_route_that_says_so_has_no_price():
    cost = cost_of(Route(model="m", price="none"), USAGE, TablePrices({"m": Decimal(9)}))
    assert (cost.usd, cost.price_version) == (Decimal(0), "unpriced")
