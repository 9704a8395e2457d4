"""What a hostile or unlucky client meets at the edges of the small parts."""

from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from gateway.delivery import DeliveryTimes
from gateway.frames import Accepted, Completed, Delta, Latency, MessageSend, Snapshot, TurnStop, UsageShown
from gateway.hub import Hub
from gateway.outbox import Outbox
from gateway.protocol import depth, read_frame
from gateway.rendering import catch_up
from sluice import events as e
from sluice.errors import Refused
from sluice.metrics import make_metrics
from sluice.replies import Reply
from sluice.safe_text import SafeText
from tests.doubles import NOON, ManualClock, MemoryLog
from tests.samples import SAMPLES, TURN, TURN_ID
from tests.unit.gateway.doubles import make_edge


def test_depth_is_that_of_the_deepest_place_and_escapes_do_not_end_a_string():
    assert depth('{"a":' * 8 + "1" + "}" * 8) == 0
    assert depth('{"a":' * 9 + "1" + "}" * 9) == 9
    assert depth(r'["\"[[[[[[[[[", "\\", []]') == 2
    assert depth("[" * 9 + "]" * 20) == 9


def test_nine_levels_are_too_deep_and_eight_are_only_wrong():
    for levels, code in ((9, "frame_too_deep"), (8, "invalid_frame")):
        with pytest.raises(Refused, match=code):
            read_frame("[" * levels + "]" * levels)


def test_size_is_known_without_encoding_what_is_far_too_large():
    with pytest.raises(Refused, match="frame_too_large"):
        read_frame("x" * 65_537)


def test_a_stop_needs_no_more_than_its_turn():
    assert read_frame(f'{{"type":"turn.stop","turn_id":"{TURN_ID}"}}') == TurnStop(TURN_ID)


def test_no_refusal_quotes_what_the_client_wrote():
    for frame in (
        '{"type":"SECRET"}',
        '{"type":"turn.stop","turn_id":"SECRET"}',
        '{"type":"turn.stop","turn_id":["SECRET"]}',
        '{"type":"turn.stop","turn_id":"t","SECRET":1}',
        f'{{"type":"feedback","turn_id":"{TURN_ID}","rating":"SECRET"}}',
    ):
        with pytest.raises(Refused) as refused:
            read_frame(frame)
        assert "SECRET" not in refused.value.message


def test_a_snapshot_counts_with_its_text():
    outbox = Outbox(10_000)
    for _ in range(30):
        outbox.put(Snapshot("t", "s", 1, 0, "x" * 8_000))
    assert outbox.overflown


def spoken(pieces: int) -> Reply:
    reply = Reply(turn_id=TURN_ID, session_id="s-1", user_id="u")
    reply.apply(e.AttemptStarted(**TURN, attempt=1, model="m"))
    for seq in range(pieces):
        reply.apply(e.DeltaProduced(**TURN, attempt=1, seq=seq, text=SafeText(str(seq))))
    return reply


@pytest.mark.parametrize("seq", [-2, -5, -999_999_999])
def test_a_cursor_before_the_beginning_gets_everything(seq: int):
    sent = catch_up(spoken(8), (TURN_ID, 1, seq))
    assert "".join(frame.text for frame in sent if isinstance(frame, Delta | Snapshot)) == "01234567"


def test_a_cursor_beyond_the_end_gets_everything_anew():
    (snapshot,) = [f for f in catch_up(spoken(3), (TURN_ID, 1, 7)) if isinstance(f, Snapshot)]
    assert (snapshot.text, snapshot.seq) == ("012", 2)


def test_a_reset_attempt_is_caught_up_with_no_text():
    reply = spoken(2)
    assert reply.apply(e.AttemptReset(**TURN, attempt=1, reason="model_stream_broken"))
    start, snapshot = catch_up(reply, None)
    assert (start.attempt, snapshot.text, snapshot.seq) == (1, "", -1)


class FillingLog(MemoryLog):
    """Goes away after its first record: the message is stored, the telemetry is not."""

    async def put(self, topic, key, value, headers):
        report = await super().put(topic, key, value, headers)
        self.away = True
        return report


async def test_telemetry_that_cannot_be_written_does_not_take_an_acceptance_back(tmp_path: Path):
    turns = make_edge(tmp_path).turns
    turns.log.producer = FillingLog()
    assert await turns.accept("usr_1", MessageSend("m-1", "s-1", "hi", "assistant"))


def test_a_turn_that_somebody_else_wrote_into_a_session_is_not_listed(tmp_path: Path):
    history = make_edge(tmp_path).turns.history
    request = SAMPLES["ChatRequested"]
    history.record([request, msgspec.structs.replace(request, turn_id="t-foreign", user_id="usr_2")])
    listed, sessions = history.turns("s-1", ("", ""), 10), history.sessions("usr_1", ("9999", ""), 10)
    history.close()
    assert ([turn.user_id for turn in listed], sessions[0].turns) == (["usr_1"], 1)


def test_two_readers_of_a_session_hear_the_same_and_leave_alone():
    hub, one, two = Hub(ManualClock()), [], []
    hub.listen("usr_1", "s-1", one.append)
    hub.listen("usr_1", "s-1", two.append)
    hub.take(SAMPLES["AttemptStarted"])
    hub.leave("usr_1", "s-1", one.append)
    hub.take(SAMPLES["DeltaProduced"])
    hub.leave("usr_1", "s-9", one.append)
    assert (len(one), len(two)) == (1, 2)


def test_a_session_is_forgotten_with_its_last_turn():
    clock = ManualClock()
    hub = Hub(clock)
    for turn in ("t-1", "t-2"):
        hub.take(e.TurnCancelled(**TURN | {"turn_id": turn}, attempt=1, deltas=0))
        clock.advance(seconds=90)
    hub.take(e.TurnCancelled(**TURN | {"turn_id": "t-3", "session_id": "s-3"}, attempt=1, deltas=0))
    assert [reply.turn_id for reply in hub.replies_of("usr_1", "s-1")] == ["t-2"]
    clock.advance(seconds=200)
    hub.take(e.TurnCancelled(**TURN | {"turn_id": "t-4", "session_id": "s-3"}, attempt=1, deltas=0))
    assert hub.replies_of("usr_1", "s-1") == []
    assert set(hub.replies) == {"t-4"}


def test_a_connection_times_at_most_a_thousand_turns():
    times = DeliveryTimes("usr_1", ManualClock(), make_metrics(CollectorRegistry()))
    for number in range(1001):
        times.accepted(f"t-{number}", "s-1", "b", NOON)
    usage, latency = UsageShown(1, 1, False), Latency(None, 1.0, None)
    assert times.sent(Accepted("t-0", "s-1", "m")) is None
    assert times.sent(Completed("t-1000", 1, usage, "0", latency, "m", "stop")) is None
    times.sent(Delta("t-0", 1, 0, 0, "x"))
    times.sent(Delta("t-0", 1, 1, 1, "y"))
    timed = times.sent(Completed("t-0", 1, usage, "0", latency, "m", "stop"))
    assert timed is not None
    assert timed.overhead_ms is None
