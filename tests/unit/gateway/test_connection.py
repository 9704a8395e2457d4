"""One client's conversation, without a socket: JSON in, frames out."""

import msgspec

from gateway.connection import CLOSE_TOKEN, Connection
from gateway.edge import Edge
from gateway.frames import Accepted, Cancelled, Delta, ErrorFrame, Ready, ResyncRequired, Snapshot, Started
from sluice import events as e
from sluice.safe_text import SafeText
from sluice.topics import topic_of
from tests.samples import SAMPLES, TURN_ID
from tests.unit.gateway.doubles import SEND, say


def own(jane: Connection, name: str, **over) -> e.Event:
    """A sample, as if Jane had asked."""
    return msgspec.structs.replace(SAMPLES[name], user_id=jane.person.user_id, **over)


async def test_the_greeting_names_person_and_bots(jane: Connection):
    jane.greet()
    (ready,) = await jane.outbox.take()
    assert isinstance(ready, Ready)
    assert ready.user_id == jane.person.user_id
    assert {card.name: card.development for card in ready.bots}["assistant"]


async def test_a_message_is_accepted_and_its_answer_heard(jane: Connection, edge: Edge):
    (accepted,) = await say(jane, **SEND)
    assert isinstance(accepted, Accepted)
    assert edge.bridge.wanted == ["s-1"]
    edge.hub.take(own(jane, "AttemptStarted", turn_id=accepted.turn_id))
    (started,) = await jane.outbox.take()
    assert isinstance(started, Started)


async def test_listening_happens_once_a_session_and_ends_with_the_connection(jane: Connection, edge: Edge):
    await say(jane, **SEND)
    await say(jane, **SEND | {"client_msg_id": "m-2"})
    assert edge.bridge.wanted == ["s-1"]
    jane.close()
    assert edge.bridge.wanted == []
    edge.hub.take(SAMPLES["AttemptStarted"])
    jane.outbox.put(Cancelled("only this", 0))
    assert await jane.outbox.take() == [Cancelled("only this", 0)]


async def test_a_refusal_is_a_frame_and_is_counted(jane: Connection, edge: Edge):
    (refused,) = await say(jane, **SEND | {"bot": "nobody"})
    assert isinstance(refused, ErrorFrame)
    assert (refused.code, refused.ref, refused.retryable) == ("bot_unknown", "m-1", False)
    (refused,) = await say(jane, type="burn")
    assert isinstance(refused, ErrorFrame)
    assert refused.code == "unknown_frame_type"
    counted = edge.metrics.registry.get_sample_value
    assert counted("sluice_refusals_total", {"code": "bot_unknown"}) == 1
    assert counted("sluice_refusals_total", {"code": "unknown_frame_type"}) == 1


async def test_an_expired_token_closes_with_its_own_code(jane: Connection, edge: Edge):
    edge.turns.clock.advance(hours=2)  # type: ignore[attr-defined]
    (refused,) = await say(jane, **SEND)
    assert isinstance(refused, ErrorFrame)
    assert (refused.code, jane.protocol.close_code) == ("token_expired", CLOSE_TOKEN)


async def test_a_log_that_cannot_be_read_is_a_retryable_refusal_and_leaves_nothing_behind(jane: Connection, edge: Edge):
    edge.bridge.away = True  # type: ignore[attr-defined]
    (refused,) = await say(jane, **SEND)
    assert isinstance(refused, ErrorFrame)
    assert (refused.code, refused.retryable, refused.ref) == ("log_unavailable", True, "m-1")
    assert edge.bridge.wanted == []
    edge.bridge.away = False  # type: ignore[attr-defined]
    assert isinstance((await say(jane, **SEND))[0], Accepted)


async def test_a_session_of_someone_else_is_neither_written_nor_heard(jane: Connection, edge: Edge):
    edge.turns.history.record([SAMPLES["ChatRequested"]])
    for frame, code in ((SEND, "session_forbidden"), ({"type": "session.resume", "session_id": "s-1"}, "not_found")):
        (refused,) = await say(jane, **frame)
        assert isinstance(refused, ErrorFrame)
        assert refused.code == code
    assert edge.bridge.wanted == []


async def test_stop_and_feedback_reach_the_log(jane: Connection, edge: Edge):
    edge.turns.history.record([own(jane, "ChatRequested")])
    assert await say(jane, type="turn.stop", turn_id=TURN_ID) == []
    assert await say(jane, type="feedback", turn_id=TURN_ID, rating="up", comment="good") == []
    topics = [topic for topic, *_ in edge.turns.log.producer.records]  # type: ignore[attr-defined]
    assert topics == [topic_of("StopRequested"), topic_of("FeedbackGiven")]


async def test_resuming_an_unknown_session_finds_nothing(jane: Connection):
    (refused,) = await say(jane, type="session.resume", session_id="s-9")
    assert isinstance(refused, ErrorFrame)
    assert (refused.code, refused.ref) == ("not_found", "s-9")


async def test_resuming_without_a_cursor_gives_running_turns_whole(jane: Connection, edge: Edge):
    edge.turns.history.record([own(jane, "ChatRequested")])
    for event in (own(jane, "AttemptStarted"), own(jane, "DeltaProduced")):
        edge.hub.take(event)
    started, snapshot = await say(jane, type="session.resume", session_id="s-1")
    assert isinstance(started, Started)
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.text, snapshot.seq) == ("grüß 😀", 0)


async def test_resuming_at_a_cursor_gives_what_is_missing(jane: Connection, edge: Edge):
    edge.turns.history.record([own(jane, "ChatRequested")])
    edge.hub.take(own(jane, "AttemptStarted"))
    for seq in range(4):
        edge.hub.take(own(jane, "DeltaProduced", seq=seq, text=SafeText(str(seq))))
    missed = await say(jane, type="session.resume", session_id="s-1", cursor=f"{TURN_ID}:1:1")
    assert missed == [Delta(TURN_ID, 1, 3, 2, "23")]


async def test_a_finished_turn_comes_again_only_for_who_stood_in_it(jane: Connection, edge: Edge):
    edge.turns.history.record([own(jane, "ChatRequested")])
    edge.hub.take(own(jane, "AttemptStarted"))
    edge.hub.take(own(jane, "TurnCancelled"))
    assert await say(jane, type="session.resume", session_id="s-1") == []
    assert await say(jane, type="session.resume", session_id="s-1", cursor=f"{TURN_ID}:1:-1") == [Cancelled(TURN_ID, 1)]


async def test_a_cursor_nobody_knows_asks_for_a_resync(jane: Connection, edge: Edge):
    edge.turns.history.record([own(jane, "ChatRequested")])
    missed = await say(jane, type="session.resume", session_id="s-1", cursor=f"{'0' * 36}:1:7")
    assert missed == [ResyncRequired("s-1")]


async def test_running_turns_come_oldest_first(jane: Connection, edge: Edge):
    edge.turns.history.record([own(jane, "ChatRequested")])
    names = [f"turn-{number}" for number in range(20)]
    for name in names:
        edge.hub.take(own(jane, "AttemptStarted", turn_id=name))
    assert [reply.turn_id for reply in edge.hub.replies_of(jane.person.user_id, "s-1")] == names
