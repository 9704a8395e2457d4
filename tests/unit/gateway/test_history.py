"""Two workers may finish one turn; files of other versions begin anew."""

import itertools
import sqlite3
from pathlib import Path

import msgspec
import pytest

from gateway.history import History
from sluice.errors import ConfigurationError
from sluice.safe_text import SafeText
from tests.samples import SAMPLES, TURN_ID

REQUEST, FINISHED = SAMPLES["ChatRequested"], SAMPLES["TurnFinished"]


def finished(epoch: int, attempts: int, answer: str):
    return msgspec.structs.replace(FINISHED, epoch=epoch, attempts=attempts, answer=SafeText(answer))


ENDS = [finished(7, 2, "zombie"), finished(8, 1, "early"), finished(8, 3, "valid")]


@pytest.mark.parametrize("order", list(itertools.permutations(ENDS)))
def test_the_highest_epoch_and_then_the_most_attempts_count_in_any_order(tmp_path: Path, order):
    history = History(tmp_path / "h", "c")
    for event in (*order, *order):
        history.record([event, REQUEST])
    turn = history.turn(TURN_ID)
    history.close()
    assert turn is not None
    assert turn.document is not None
    assert (turn.document["answer"], turn.document["attempts"]) == ("valid", 3)


def test_of_equals_the_first_counts(tmp_path: Path):
    history = History(tmp_path / "h", "c")
    history.record([finished(8, 1, "first"), finished(8, 1, "second")])
    turn = history.turn(TURN_ID)
    history.close()
    assert turn is not None
    assert turn.document is not None
    assert turn.document["answer"] == "first"


def test_a_file_of_the_first_release_is_filled_anew(tmp_path: Path):
    old = sqlite3.connect(tmp_path / "h")
    old.executescript(
        "create table turns (turn_id text primary key, session_id text not null, user_id text not null,"
        " created_at text not null, bot text not null, state text not null, document text) without rowid;"
        "create table positions (topic text, partition integer, next_offset integer, primary key (topic, partition));"
        "insert into positions values ('chat-turns', 0, 9);"
        "create table origin (cluster_id text); insert into origin values ('c');"
    )
    old.close()
    history = History(tmp_path / "h", "c")
    assert history.positions() == {}
    history.record([FINISHED], {("chat-turns", 0): 10})
    history.close()
    again = History(tmp_path / "h", "c")
    assert again.positions() == {("chat-turns", 0): 10}
    again.close()


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path):
    (tmp_path / "h").write_bytes(b"no database" * 100)
    with pytest.raises(ConfigurationError, match=r"history .*h cannot be used"):
        History(tmp_path / "h", "c")
    with pytest.raises(ConfigurationError, match="Make it writable"):
        History(tmp_path / "h" / "below", "c")
