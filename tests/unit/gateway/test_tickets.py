"""Tickets hold on every gateway of a platform, once, for half a minute."""

import jwt
import pytest

from gateway.access import Access
from gateway.tickets import Tickets
from sluice.audit import Mark
from sluice.errors import Refused
from sluice.tokens import Person, issue, verify
from tests.doubles import NOON, ManualClock

KEY = b"k" * 64
JANE = Person("usr_jane", NOON.replace(hour=13))


async def test_who_is_refused_leaves_a_mark():
    marks: list[Mark] = []
    access = Access(KEY, b"p" * 64, ManualClock(), 60, dev_tokens=True, note=marks.append)
    for headers, offered in (({}, []), ({"authorization": "Bearer x"}, []), ({}, ["ticket.x"])):
        with pytest.raises(Refused):
            await access.socket_person(headers, offered)
    with pytest.raises(Refused):
        await access.person({"authorization": "Basic x"}, ("read",))
    with pytest.raises(Refused):
        await access.socket_person({"origin": "http://evil.example", "host": "here"}, [])
    assert [mark.reason for mark in marks] == ["unauthenticated"] * 4 + ["origin_refused"]
    assert {(mark.actor_id, mark.action, mark.outcome) for mark in marks} == {("unknown", "token.refuse", "refused")}


def gate(clock: ManualClock) -> Access:
    return Access(KEY, b"p" * 64, clock, 60, dev_tokens=True)


async def test_a_ticket_is_good_once_and_not_for_long():
    clock = ManualClock()
    access = gate(clock)
    ticket = access.tickets.issue(JANE)
    assert await access.socket_person({}, ["sluice.v1", f"ticket.{ticket}"]) == JANE
    with pytest.raises(Refused, match="unauthenticated"):
        await access.socket_person({}, [f"ticket.{ticket}"])
    late = access.tickets.issue(JANE)
    clock.advance(seconds=30)
    with pytest.raises(Refused, match="unauthenticated"):
        await access.socket_person({}, [f"ticket.{late}"])


async def test_another_gateway_of_the_platform_takes_it():
    clock = ManualClock()
    ticket = gate(clock).tickets.issue(JANE)
    assert await gate(clock).socket_person({}, [f"ticket.{ticket}"]) == JANE


async def test_used_tickets_do_not_pile_up():
    clock = ManualClock()
    tickets = Tickets(KEY, clock)
    for number in range(10_000):
        tickets._used[str(number)] = clock()
    clock.advance(seconds=31)
    tickets.redeem(tickets.issue(JANE))
    assert len(tickets._used) == 1


async def test_tickets_and_tokens_are_not_each_other():
    clock = ManualClock()
    ticket = Tickets(KEY, clock).issue(JANE)
    with pytest.raises(Refused, match="unauthenticated"):
        verify(ticket, KEY, b"p" * 64, clock())
    with pytest.raises(Refused, match="unauthenticated"):
        Tickets(KEY, clock).redeem(issue("jane", KEY, clock(), 60))


@pytest.mark.parametrize(
    "ticket",
    [
        "stolen",
        "x" * 3000,
        jwt.encode({"aud": "sluice-ticket", "exp": 9e9, "jti": "1", "user": "u", "until": 9e9}, b"o" * 64),
        jwt.encode({"aud": "sluice-ticket", "exp": 9e9, "jti": "1", "user": "u", "until": "never"}, KEY),
        jwt.encode({"aud": "sluice-ticket", "exp": 9e9, "jti": "1", "user": "u"}, KEY),
    ],
)
async def test_what_we_did_not_give_is_refused(ticket: str):
    with pytest.raises(Refused, match="unauthenticated"):
        Tickets(KEY, ManualClock()).redeem(ticket)
