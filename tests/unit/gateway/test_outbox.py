"""Bounded in bytes, joined by turn, given up once."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.frames import Cancelled, Delta, ResyncRequired, ServerFrame, Snapshot
from gateway.outbox import FRAME_BYTES, Outbox, bytes_of, joined


def frame(seq: int, text: str = "x", turn: str = "t-1", attempt: int = 1) -> Delta:
    return Delta(turn, attempt, seq, seq, text)


def test_deltas_of_many_turns_become_one_frame_each():
    frames: list[ServerFrame] = [frame(seq, f"{turn}{seq} ", f"t-{turn}") for seq in range(50) for turn in range(8)]
    out = joined(frames)
    assert len(out) == 8
    assert [(f.turn_id, f.first_seq, f.seq) for f in out if isinstance(f, Delta)] == [
        (f"t-{turn}", 0, 49) for turn in range(8)
    ]


def test_a_terminal_stays_behind_its_deltas_and_the_turn_goes_on_behind_a_snapshot():
    other = frame(0, "o", "t-2")
    frames = [frame(0), other, Cancelled("t-1", 1), Snapshot("t-2", "s", 2, 3, "y"), frame(4, "z", "t-2", 2)]
    assert joined(frames) == frames


def test_a_frame_of_the_session_keeps_its_place():
    frames = [frame(0), ResyncRequired("s-1"), frame(1)]
    assert joined(frames) == frames


def test_another_attempt_and_a_gap_are_not_joined():
    frames: list[ServerFrame] = [frame(0), frame(1, attempt=2), frame(3, attempt=2)]
    assert joined(frames) == frames


@given(st.lists(st.tuples(st.sampled_from(["t-1", "t-2", "t-3"]), st.booleans()), max_size=60))
def test_per_turn_nothing_changes_but_the_number_of_frames(steps: list[tuple[str, bool]]):
    frames: list[ServerFrame] = []
    seqs = {"t-1": 0, "t-2": 0, "t-3": 0}
    for turn, speaks in steps:
        frames.append(frame(seqs[turn], f"{seqs[turn]} ", turn) if speaks else Cancelled(turn, seqs[turn]))
        seqs[turn] += speaks

    def story(of: list[ServerFrame], turn: str) -> str:
        own = [f for f in of if isinstance(f, Delta | Cancelled) and f.turn_id == turn]
        return "".join(f.text if isinstance(f, Delta) else f"[{f.attempt}]" for f in own)

    out = joined(frames)
    assert [story(out, turn) for turn in seqs] == [story(frames, turn) for turn in seqs]


async def test_waiting_deltas_of_a_running_answer_cost_their_text_only():
    outbox = Outbox(10_000)
    for seq in range(3000):
        outbox.put(frame(seq, "ab"))
    assert not outbox.overflown
    (whole,) = await outbox.take()
    assert isinstance(whole, Delta)
    assert (whole.first_seq, whole.seq, len(whole.text)) == (0, 2999, 6000)


async def test_many_small_frames_are_not_free():
    outbox = Outbox(10_000)
    for number in range(10_000 // FRAME_BYTES + 1):
        outbox.put(Cancelled(f"t-{number}", 1))
    assert outbox.overflown
    assert await outbox.take() == []


async def test_what_is_being_sent_counts_until_the_next_take():
    outbox = Outbox(1_000)
    outbox.put(frame(0, "x" * 500))
    await outbox.take()
    assert outbox.room == 1_000 - bytes_of(frame(0, "x" * 500))
    outbox.put(frame(1, "x" * 500))
    assert outbox.overflown


async def test_what_was_sent_no_longer_counts():
    outbox = Outbox(1_000)
    for seq in range(10):
        next_take = asyncio.create_task(outbox.take())
        await asyncio.sleep(0)
        outbox.put(frame(seq, "x" * 700))
        assert await next_take
    assert not outbox.overflown


async def test_giving_up_happens_once_wakes_the_writer_and_takes_nothing_more():
    outbox, cuts = Outbox(1_000), []
    outbox.on_overflow = lambda: cuts.append("cut")
    waiting = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    outbox.put(frame(0, "x" * 2_000))
    outbox.put(frame(1))
    outbox.give_up()
    assert (await waiting, cuts, outbox.room) == ([], ["cut"], 0)


@pytest.mark.parametrize(("text", "size"), [("abc", 3), ("grüß", 6), ("😀", 4)])
def test_bytes_are_those_of_utf_8(text: str, size: int):
    assert bytes_of(frame(0, text)) == FRAME_BYTES + size
