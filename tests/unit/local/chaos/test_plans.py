"""What is drawn from the seed: faults and conversations."""

import pytest

from local.chaos.conversation import conversations
from local.chaos.faults import KINDS, POINTS, Fault, plan

BOTS = (("parrot", 3), ("cut", 1))


@pytest.mark.parametrize("scale", [0, 1, 3])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_plan_is_the_seeds_and_has_every_kind(seed: int, scale: int):
    planned = plan(seed, 200.0, scale)
    assert planned == plan(seed, 200.0, scale)
    assert planned != plan(seed + 1, 200.0, scale)
    assert {fault.kind for fault in planned} == set(KINDS)
    assert planned == sorted(planned, key=lambda fault: fault.at)
    assert 0 <= planned[0].at <= planned[-1].at <= 200.0


def test_a_long_plan_arms_every_failpoint():
    assert {fault.target for fault in plan(1, 200.0, 1) if fault.kind == "failpoint"} == set(POINTS)


def test_a_short_plan_arms_one_failpoint_of_each_process():
    targets = [fault.target.split(".")[0] for fault in plan(1, 40.0, 0) if fault.kind == "failpoint"]
    assert sorted(targets) == ["enrich", "gateway", "landing", "redact", "respond"]


def test_workers_are_left_alone_while_brokers_come_back():
    planned = plan(1, 200.0, 3)
    brokers = [fault.at for fault in planned if fault.kind.startswith("broker")]
    assert len(brokers) == 3
    for at in brokers:
        assert not [fault for fault in planned if at - 7 < fault.at < at + 13 and fault.at != at]


def test_a_window_too_short_packs_the_faults():
    planned: list[Fault] = plan(1, 5.0, 0)
    assert len(planned) == len(plan(1, 200.0, 0))


def test_conversations_are_the_seeds():
    said = conversations(7, 400, 8.0, BOTS)
    assert said == conversations(7, 400, 8.0, BOTS)
    assert said != conversations(8, 400, 8.0, BOTS)
    assert len({saying.client_msg_id for saying in said}) == 400
    assert 35 < said[-1].at < 70
    assert {saying.manner for saying in said} == {"plain", "drop", "stop", "resend"}
    assert {saying.bot for saying in said} == {"parrot", "cut"}


def test_a_session_has_one_client_and_one_marker_that_its_messages_hold():
    said = conversations(7, 200, 8.0, BOTS)
    assert all(saying.marker in saying.text for saying in said)
    by_session = {saying.session_id: (saying.client, saying.marker) for saying in said}
    assert all(by_session[saying.session_id] == (saying.client, saying.marker) for saying in said)
    assert len({marker for _, marker in by_session.values()}) == len(by_session)
