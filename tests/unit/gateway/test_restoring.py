"""The owner reads values where the log has placeholders: live, from the middle, from the history, and after the end."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from gateway.frames import Cancelled, Delta, Reset, ServerFrame, Snapshot, Started
from gateway.history import History
from gateway.hub import Hub
from gateway.opening import open_values
from gateway.rendering import catch_up
from sluice import events as e
from sluice.key_store import MemoryKeyStore
from sluice.metrics import make_metrics
from sluice.placeholders import SEALED_AS, encode_values, restore
from sluice.safe_text import SafeText, Sealed
from sluice.sealing import Sealer
from tests.doubles import ManualClock
from tests.samples import SAMPLES, TURN

USER, SESSION, TURN_ID = (str(TURN[name]) for name in ("user_id", "session_id", "turn_id"))
VALUES = {"[EMAIL_1]": "jane@example.org", "[PHONE_2]": "+1 212 555 0100"}
CANCELLED = e.TurnCancelled(**TURN, attempt=1, deltas=1)


def opened(sealed: Sealed, subject: str) -> dict[str, str]:
    assert (sealed, subject) == (b"map", USER)
    return VALUES


def started(attempt: int = 1, sealed: bytes | None = b"map") -> e.AttemptStarted:
    placeholders = None if sealed is None else Sealed(sealed)
    return e.AttemptStarted(**TURN, attempt=attempt, attempt_id=f"a{attempt}", model="m", placeholders=placeholders)


def delta(seq: int, text: str, attempt: int = 1) -> e.DeltaProduced:
    return e.DeltaProduced(**TURN, attempt=attempt, attempt_id=f"a{attempt}", seq=seq, text=SafeText(text))


def heard(hub: Hub, *events: e.ReplyEvent) -> list[ServerFrame]:
    frames: list[ServerFrame] = []
    hub.listen(USER, SESSION, frames.append)
    for event in events:
        hub.take(event)
    return frames


def test_values_come_in_their_places_across_pieces():
    said = [delta(n, text) for n, text in enumerate(["Hi [EM", "AIL_1", "], call [phone 2] or [EMAIL_9]."])]
    frames = heard(Hub(ManualClock(), opened), started(), *said)
    assert [(f.seq, f.text) for f in frames if isinstance(f, Delta)] == [
        (0, "Hi "),
        (1, ""),
        (2, "jane@example.org, call +1 212 555 0100 or [EMAIL_9]."),
    ]


def test_the_end_of_a_turn_brings_out_what_was_kept_back():
    hub = Hub(ManualClock(), opened)
    frames = heard(hub, started(), delta(0, "so [EMA"), e.TurnCancelled(**TURN, attempt=1, attempt_id="a1", deltas=1))
    assert frames[1:] == [
        Delta(TURN_ID, 1, 0, 0, "so "),
        Delta(TURN_ID, 1, 1, 1, "[EMA"),
        Cancelled(TURN_ID, 1),
    ]
    assert hub.replies[TURN_ID].text == "so [EMA"


def test_a_new_attempt_and_a_reset_begin_anew():
    hub = Hub(ManualClock(), opened)
    frames = heard(
        hub,
        started(),
        delta(0, "old [EM"),
        started(2),
        delta(0, "AIL_1]", 2),
        e.AttemptReset(**TURN, attempt=2, attempt_id="a2", reason="cut"),
        delta(0, "[EMAIL_1]", 2),
    )
    assert [f.text for f in frames if isinstance(f, Delta)] == ["old ", "AIL_1]", "jane@example.org"]
    assert sum(isinstance(f, Started | Reset) for f in frames) == 3


def test_without_a_map_nothing_is_kept_back():
    frames = heard(Hub(ManualClock(), opened), started(sealed=None), delta(0, "see ["), delta(1, "EMAIL_1]"))
    assert [f.text for f in frames if isinstance(f, Delta)] == ["see [", "EMAIL_1]"]


def test_a_turn_that_is_forgotten_leaves_nothing():
    clock = ManualClock()
    hub = Hub(clock, opened)
    hub.take(started())
    clock.now += timedelta(hours=1)
    hub.replies_of(USER, SESSION)
    assert not hub.replies
    assert not hub._restorers


WORDS = st.sampled_from(["[EMAIL_1]", "[EMAIL", "_1]", "[phone 2]", " ", "[", "I", "hi ", "PHONE_2", "\\", "[PHONE_2"])


@given(st.lists(WORDS, min_size=1, max_size=8), st.integers(-1, 7), st.booleans())
def test_whoever_comes_back_anywhere_has_the_whole_text_in_the_end(pieces: list[str], seen: int, ends: bool):
    """Up to a cursor live, the rest from a gateway that has read all of it: the text is that of the whole."""
    one, other = Hub(ManualClock(), opened), Hub(ManualClock(), opened)
    frames = heard(one, started(), *(delta(n, text) for n, text in enumerate(pieces[: seen + 1])))
    before = "".join(f.text for f in frames if isinstance(f, Delta))
    for event in (started(), *(delta(n, text) for n, text in enumerate(pieces))):
        other.take(event)
    if ends:
        other.take(e.TurnCancelled(**TURN, attempt=1, attempt_id="a1", deltas=len(pieces)))
    cursor = (TURN_ID, 1, min(seen, len(pieces) - 1))
    rest = [f.text for f in catch_up(other.replies[TURN_ID], cursor) if isinstance(f, Delta | Snapshot)]
    whole = restore("".join(pieces), VALUES)
    got = before + "".join(rest)
    assert got == whole if ends else whole.startswith(got)


def test_the_history_gives_values_and_keeps_none(tmp_path: Path):
    finished = SAMPLES["TurnFinished"]
    assert isinstance(finished, e.TurnFinished)
    said = {"question": SafeText("I am [EMAIL_1]. " + "x" * 80), "answer": SafeText("Hi EMAIL_1")}
    with_map = msgspec.structs.replace(finished, **said, placeholders=Sealed(b"map"))
    history = History(tmp_path / "h.sqlite", "c", opened)
    history.record([with_map])
    turn = history.turn(finished.turn_id)
    assert turn is not None
    assert turn.document is not None
    assert turn.document["answer"] == "Hi jane@example.org"
    (session,) = history.sessions(finished.user_id, ("9999", ""), 5)
    assert session.title == ("I am jane@example.org. " + "x" * 80)[:80]
    history.close()
    assert b"jane" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize("plain", [encode_values(VALUES), "[]"], ids=["another's", "no map"])
def test_a_map_that_cannot_be_opened_shows_placeholders_and_is_counted(plain: str):
    sealer, metrics = Sealer(MemoryKeyStore(), "t"), make_metrics(CollectorRegistry())
    sealed = sealer.seal(plain, subject="somebody" if plain != "[]" else USER, field=SEALED_AS)
    assert open_values(sealer, metrics, sealed, USER) == {}
    assert metrics.registry.get_sample_value("sluice_unopened_maps_total") == 1


def test_a_map_opens_for_its_owner():
    sealer = Sealer(MemoryKeyStore(), "t")
    sealed = sealer.seal(encode_values(VALUES), subject=USER, field=SEALED_AS)
    assert open_values(sealer, make_metrics(CollectorRegistry()), sealed, USER) == VALUES
