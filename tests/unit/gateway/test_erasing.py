"""What a gateway forgets of a person, whom it refuses meanwhile, and who may ask for it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from gateway.app import make_app
from gateway.edge import Edge
from gateway.history import History
from gateway.hub import Hub
from sluice import events as e
from sluice.audit import Mark
from sluice.ids import pseudonym
from sluice.tokens import issue
from tests.doubles import NOON, ManualClock
from tests.samples import HEAD, SAMPLES, TURN
from tests.unit.gateway.doubles import CODEC, PSEUDONYM, SIGNING, make_edge

USER, SESSION, TURN_ID = (str(TURN[name]) for name in ("user_id", "session_id", "turn_id"))
LATER = NOON + timedelta(minutes=1)
JANE = pseudonym("jane", PSEUDONYM)
ERASURE = f"/v1/people/{JANE}/erasure"


def said(name: str, **changes: Any) -> Any:
    return msgspec.structs.replace(SAMPLES[name], **changes)


def wanted(at=NOON, user_id: str = USER) -> e.ErasureRequested:
    return e.ErasureRequested(**HEAD | {"occurred_at": at}, user_id=user_id, requested_by="usr_2")


def done(until=NOON, user_id: str = USER) -> e.ErasureCompleted:
    counts = {"turns_stopped": 0, "keys": 1, "letters": 0, "rows": 0}
    return e.ErasureCompleted(**HEAD, user_id=user_id, request_id="e-1", erased_at=until, **counts)


@pytest.fixture
def history(tmp_path: Path):
    made = History(tmp_path / "h", "c")
    yield made
    made.close()


def test_what_was_said_goes_with_the_request_and_stays_away(history: History):
    history.record([said("ChatRequested"), said("TurnFinished")])
    history.record([wanted()])
    assert (history.turn(TURN_ID), history.owner(SESSION)) == (None, None)
    assert history.being_erased(USER)
    history.record([said("TurnFinished"), done()])  # the log is read once more
    assert (history.turn(TURN_ID), history.being_erased(USER)) == (None, False)
    assert history.erasure(USER) == (NOON.isoformat(), False)


def test_what_comes_after_is_there_again(history: History):
    history.record(
        [wanted(), done(), said("ChatRequested", occurred_at=LATER), said("TurnFinished", accepted_at=LATER)]
    )
    assert history.turn(TURN_ID) is not None
    history.record([done(until=NOON - timedelta(days=1))])
    assert history.turn(TURN_ID) is not None


def test_others_stay(history: History):
    history.record([said("TurnFinished"), wanted(user_id="usr_other"), done(user_id="usr_other")])
    assert history.turn(TURN_ID) is not None


def test_nothing_of_it_is_left_in_the_file(history: History, tmp_path: Path):
    history.record([said("TurnFinished")])
    (question,) = (SAMPLES["TurnFinished"].question,)  # type: ignore[attr-defined]
    assert question.encode() in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    history.record([wanted()])
    history.forget_before(NOON.isoformat())
    assert question.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_an_erasure_leaves_nothing_beside_the_file(history: History, tmp_path: Path):
    history.record([said("TurnFinished")])
    history.record([wanted()])
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert SAMPLES["TurnFinished"].question.encode() not in left  # type: ignore[attr-defined]
    assert TURN_ID.encode() not in left


def test_what_is_old_goes(history: History):
    history.record([said("TurnFinished"), wanted(user_id="usr_1"), done(user_id="usr_1")])
    history.record([said("TurnFinished", turn_id="new", session_id="s-2", accepted_at=LATER)])
    assert history.forget_before((NOON + timedelta(seconds=1)).isoformat()) == 0
    history.record([said("TurnFinished", turn_id="newer", accepted_at=LATER + timedelta(days=1), user_id="usr_3")])
    assert history.forget_before((LATER + timedelta(seconds=1)).isoformat()) == 1
    assert history.erasure("usr_1") is None
    assert (history.turn("new"), history.owner("s-2")) == (None, None)


def test_the_hub_forgets_ended_turns_of_the_person():
    hub = Hub(ManualClock())
    hub.take(e.AttemptStarted(**TURN, attempt=1, attempt_id="a1", model="m"))
    hub.forget(USER)
    assert TURN_ID in hub.replies
    hub.take(e.TurnCancelled(**TURN, attempt=1, deltas=0))
    hub.forget("usr_other")
    assert TURN_ID in hub.replies
    hub.forget(USER)
    assert hub.replies_of(USER, SESSION) == []


@pytest.fixture
def edge(tmp_path: Path) -> Edge:
    return make_edge(tmp_path)


@pytest.fixture
def marks(edge: Edge) -> list[Mark]:
    found: list[Mark] = []
    edge.access.note = found.append
    return found


@pytest.fixture
def client(edge: Edge):
    with TestClient(make_app(edge, lambda: None), raise_server_exceptions=False) as opened:
        yield opened


def token(edge: Edge, subject: str, *roles: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue(subject, SIGNING, edge.turns.clock(), 3600, roles)}"}


def test_an_officer_asks_and_sees_how_far_it_is(client: TestClient, edge: Edge, marks: list[Mark]):
    officer = token(edge, "olga", "privacy_officer")
    assert client.get(ERASURE, headers=officer).json()["code"] == "not_found"
    answer = client.post(ERASURE, headers=officer)
    assert (answer.status_code, answer.headers["location"]) == (202, ERASURE)
    topic, key, value, _ = edge.turns.log.producer.records[0]  # type: ignore[attr-defined]
    request = CODEC.decode(value)
    assert (topic, key) == ("erasure-requests", JANE)
    assert (request.event_id, request.user_id) == (answer.json()["request_id"], JANE)  # type: ignore[attr-defined]
    assert client.get(ERASURE, headers=officer).json() == {"user_id": JANE, "state": "running", "erased_until": None}
    edge.turns.history.record([done(user_id=JANE, until=LATER)])
    shown = client.get(ERASURE, headers=officer).json()
    assert shown == {"user_id": JANE, "state": "completed", "erased_until": LATER.isoformat()}
    olga = pseudonym("olga", PSEUDONYM)
    assert set(marks) == {Mark(olga, "data.erase", "allowed", "requested", JANE)}


def test_who_is_being_erased_waits(client: TestClient, edge: Edge):
    client.post(ERASURE, headers=token(edge, "olga", "privacy_officer"))
    message = {"text": "hello", "bot": "assistant"}
    refused = client.post("/v1/sessions/s/messages", json=message, headers=token(edge, "jane"))
    assert (refused.status_code, refused.json()["code"], refused.json()["retryable"]) == (409, "erasure_running", True)
    edge.turns.history.record([done(user_id=JANE)])
    assert client.post("/v1/sessions/s/messages", json=message, headers=token(edge, "jane")).status_code == 202


@pytest.mark.parametrize("roles", [(), ("analyst", "operator", "admin")])
def test_nobody_else_may(client: TestClient, edge: Edge, marks: list[Mark], roles: tuple[str, ...]):
    for ask in (client.post, client.get):
        refused = ask(ERASURE, headers=token(edge, "jane", *roles))
        assert (refused.status_code, refused.json()["code"]) == (403, "role_required")
    assert edge.turns.log.producer.records == []  # type: ignore[attr-defined]
    assert set(marks) == {Mark(JANE, "data.erase", "refused", "role_required", JANE)}


def test_people_are_named_by_pseudonym(client: TestClient, edge: Edge):
    refused = client.post("/v1/people/jane@example.org/erasure", headers=token(edge, "olga", "privacy_officer"))
    assert refused.json()["code"] == "invalid_frame"
    assert "jane" not in refused.text
