"""Commands leave out landed files that nobody can read, and name them."""

from functools import partial
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow.parquet as pq
import pytest

from connectors.export import export
from connectors.landing_zone import LandingZone
from connectors.left_out import Paths, ask_landed, listed
from connectors.log_scan import LogScan, whole
from connectors.reconcile import TOPICS, reconcile
from connectors.turn_search import find_turn
from sluice.errors import ConfigurationError
from sluice.key_store import MemoryKeyStore
from sluice.sealing import Sealer
from sluice.topics import catalogue
from tests.arrivals import LandedLog, damaged, made
from tests.doubles import NOON
from tests.unit.connectors.test_reconcile import CODEC, MemoryScan, build

NOTHING = cast(LogScan, MemoryScan.of([]))


class LeftOut(dict[str, str]):
    def tell(self, path: str, problem: str) -> None:
        assert path not in self
        self[path] = problem


@pytest.fixture
def left() -> LeftOut:
    return LeftOut()


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    """Of chat-turns a good file, one that is none, one that is damaged inside, one of another name."""
    log = LandedLog(tmp_path / "landing")
    paths = []
    for number in range(4):
        told: dict[str, Any] = {"user_id": "usr_1", "session_id": "s-1", "question": f"question {number} " * 50}
        paths += log.land([made("TurnFinished", f"t-{number}", "end", NOON, **told)], NOON)
    paths[1].write_bytes(b"broken")
    paths[2].write_bytes(damaged(paths[2].read_bytes()))
    paths[3].rename(paths[3].with_name("chat-turns (copy).parquet"))
    return log.zone


def three(left: LeftOut) -> None:
    assert sorted(problem.split(":")[0] for problem in left.values()) == [
        "damaged",
        "its name is not <topic>-<partition>-<first offset>-<last offset>.parquet",
        "not Parquet, or cut off",
    ]


def test_an_export_has_what_can_be_read(zone: LandingZone, left: LeftOut) -> None:
    sealer = Sealer(MemoryKeyStore(), "t")
    found = export("usr_1", NOTHING, CODEC, zone, sealer, lambda _seen: None, left.tell)
    (conversation,) = found["conversations"]
    assert [turn["turn_id"] for turn in conversation["turns"]] == ["t-0"]
    three(left)
    assert export("usr_2", NOTHING, CODEC, zone, sealer, lambda _seen: None, lambda *_: None)["conversations"] == []


def test_a_turn_is_found_beside_them(zone: LandingZone, left: LeftOut, tmp_path: Path) -> None:
    way = find_turn("t-0", NOTHING, CODEC, zone, tmp_path / "none", lambda _seen: None, left.tell)
    assert way is not None
    assert (way.session_id, len(way.landed), len(left)) == ("s-1", 1, 2)
    left.clear()
    assert find_turn("t-2", NOTHING, CODEC, zone, tmp_path / "none", lambda _seen: None, left.tell) is None
    three(left)


def test_they_are_missing_in_a_reconciliation(tmp_path: Path, left: LeftOut) -> None:
    zone, scan = LandingZone(tmp_path / "l"), MemoryScan.of([made("TurnFinished", "t-1", "end", NOON)])
    scan.land(zone)
    path = build(tmp_path / "w.duckdb", zone)
    compare = partial(reconcile, cast(LogScan, scan), whole(cast(LogScan, scan), TOPICS), CODEC, zone, path)
    assert compare(lambda _done: None, left.tell).agrees
    assert left == {}
    (file,) = zone.files("chat-turns")
    file.path.write_bytes(b"broken")
    found = compare(lambda _done: None, left.tell)
    assert [(one.layer, one.what) for one in found.differences] == [("landing", "missing")]
    assert [*left] == [file.path.relative_to(zone.root).as_posix()]


def test_what_goes_wrong_with_good_files_is_said(tmp_path: Path, left: LeftOut) -> None:
    def ask(paths: Paths) -> None:
        duckdb.execute(f"select no_such from read_parquet({listed(paths['llm-usage'])})")

    log = LandedLog(tmp_path / "it's here")
    log.land([made("AttemptMetered", "t-1", "a", NOON)], NOON)
    with pytest.raises(ConfigurationError, match=r"it's here cannot be read: .*no_such"):
        ask_landed(log.zone, [catalogue()["llm-usage"]], ask, left.tell)


def test_an_older_file_lacks_columns_and_is_read(zone: LandingZone) -> None:
    (good, *_) = zone.files("chat-turns")
    pq.write_table(pq.read_table(good.path).drop(["model"]), good.path)
    sealer = Sealer(MemoryKeyStore(), "t")
    found = export("usr_1", NOTHING, CODEC, zone, sealer, lambda _seen: None, lambda *_: None)
    assert found["conversations"][0]["turns"][0]["model"] is None
