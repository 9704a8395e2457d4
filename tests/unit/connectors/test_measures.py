"""Drift adds up and is never evened out."""

from decimal import Decimal

from connectors.measures import Reconciliation, Tally, reconciliation_of

ONE = Tally(events=7, turns=1, attempts=1, tokens=15, cost_usd=Decimal("0.0000036"))


def test_equal_layers_have_no_drift() -> None:
    found = reconciliation_of(
        [("topics", "2026-03-01", ONE), ("landing", "2026-03-01", ONE), ("facts", "2026-03-01", ONE)]
    )
    assert found.drift == Tally()


def test_too_much_on_one_day_does_not_hide_too_little_on_another() -> None:
    found = reconciliation_of(
        [
            *((layer, "2026-03-02", ONE) for layer in ("topics", "landing")),
            *((layer, "2026-03-01", ONE) for layer in ("landing", "facts")),
        ]
    )
    assert [day.date for day in found.days] == ["2026-03-01", "2026-03-02"]
    assert found.drift == ONE.plus(ONE)


def test_the_farther_layer_counts_once() -> None:
    half = Tally(events=3, turns=1, attempts=0, tokens=15, cost_usd=Decimal("0.0000036"))
    found = reconciliation_of([("topics", "d", ONE), ("landing", "d", half), ("facts", "d", half)])
    assert found.drift == Tally(events=4, attempts=1)


def test_facts_and_quarantine_together_are_what_the_topics_hold() -> None:
    bad = Tally(events=1, tokens=-2)
    layers = [("topics", "d", ONE.plus(bad)), ("landing", "d", ONE.plus(bad)), ("facts", "d", ONE)]
    assert reconciliation_of(layers).drift == Tally(events=1, tokens=2)
    assert reconciliation_of([*layers, ("quarantine", "d", bad)]).agrees


def test_the_document_is_the_one_of_the_interfaces() -> None:
    document = reconciliation_of([("topics", "2026-03-01", ONE)]).as_json()
    assert {*document} == {"days", "drift", "differences", "quarantined", "provider"}
    assert {*document["drift"]} == {"events", "turns", "attempts", "tokens", "cost_usd"}
    assert document["drift"]["cost_usd"] == "0.0000036000"
    assert document["days"][0]["facts"]["events"] == 0
    assert document["days"][0]["quarantine"]["events"] == 0


def test_an_empty_log_has_no_days() -> None:
    assert Reconciliation(()).as_json()["drift"]["events"] == 0
