"""Rows of erased people: landed ones are rewritten, later ones land cleared, and retention drops the old."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors import retention as retention_module
from connectors.batching import Batch, Place, Row
from connectors.columns import columns_of
from connectors.erasing.erased import ERASED_SESSION, ERASED_USER, Erased, ErasedList
from connectors.erasing.landed import Gone, rewrite, telling
from connectors.erasing.progress import Progress
from connectors.landing_zone import LandingZone
from connectors.retention import Retention, longest_in_log
from connectors.tables import table_of
from sluice.api_keys import MemoryApiKeys, new_key
from sluice.durable_files import write_durably
from sluice.events import StateExpired
from sluice.key_store import DatabaseKeyStore
from sluice.key_wrapping import FileWrapper
from sluice.topics import catalogue
from tests.arrivals import damaged
from tests.doubles import NOON, ManualClock
from tests.samples import SAMPLES
from tests.unit.connectors.rows import row_of

TOPICS = ["chat-turns", "llm-usage", "chat-requests"]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def row(name: str, topic: str, offset: int, **changes: Any) -> Row:
    event: Any = msgspec.structs.replace(SAMPLES[name], **changes)
    return row_of(event, Place(topic, 0), offset)


def land(zone: LandingZone, *rows: Row) -> None:
    batch = Batch()
    for place in {one.place for one in rows}:
        batch.open(place, zone.landed(place, 0))
    for one in rows:
        batch.take(one)
    for portion in batch.portions():
        columns = columns_of(catalogue()[portion.place.topic])
        zone.write(portion, table_of(portion, columns, NOON))


def rows_of(zone: LandingZone, topic: str) -> list[dict[str, Any]]:
    found = [row for file in zone.files(topic) for row in pq.read_table(file.path).to_pylist()]
    return sorted(found, key=lambda row: row["_offset"])


def turn(offset: int, user: str, session: str, at: datetime = NOON) -> Row:
    own = {"event_id": f"e-{offset}", "turn_id": f"t-{offset}", "user_id": user, "session_id": session}
    return row("TurnFinished", "chat-turns", offset, occurred_at=at, **own)


def erase(zone: LandingZone, user_id: str, gone: Gone | None = None, request: str = "r-1") -> Progress:
    progress = Progress(zone.root.parent / "notes", request)
    rewrite(zone, TOPICS, user_id, NOON, progress, gone or nobody)
    return progress


def nobody(path: Path, _kind: str) -> None:
    raise AssertionError(path)


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    made = LandingZone(tmp_path / "landing")
    for topic in TOPICS:
        made.declare(catalogue()[topic])
    return made


def test_rows_name_nobody_afterwards_and_count_the_same(zone: LandingZone):
    land(
        zone,
        turn(1, "usr_1", "s-1"),
        turn(2, "usr_1", "s-2"),
        turn(3, "usr_2", "s-3"),
        turn(4, "usr_1", "s-1", NOON + HOUR),
    )
    land(zone, row("AttemptMetered", "llm-usage", 1, user_id="usr_1", session_id="s-1", occurred_at=NOON))
    before = rows_of(zone, "chat-turns")
    found = erase(zone, "usr_1")
    assert (found.count("rows"), found.sessions) == (3, {"s-1", "s-2"})
    first, second, other, later = rows_of(zone, "chat-turns")
    (usage,) = rows_of(zone, "llm-usage")
    assert (other, later) == (before[2], before[3])
    assert first["user_id"] == second["user_id"] == usage["user_id"] != "usr_1"
    assert first["user_id"].startswith("usr_erased_")
    assert first["session_id"] == usage["session_id"] != second["session_id"]
    assert (first["question"], first["answer"]) == ("", "")
    hidden = ("user_id", "session_id", "question", "answer")
    assert [{k: v for k, v in one.items() if k not in hidden} for one in (first, second)] == [
        {k: v for k, v in one.items() if k not in hidden} for one in before[:2]
    ]
    everything = b"".join(path.read_bytes() for path in zone.root.rglob("*.parquet"))
    assert erase(zone, "usr_1", request="r-2").count("rows") == 0
    assert everything == b"".join(path.read_bytes() for path in zone.root.rglob("*.parquet"))


def test_two_people_stay_two(zone: LandingZone):
    land(zone, turn(1, "usr_1", "s-1"), turn(2, "usr_2", "s-2"))
    erase(zone, "usr_1")
    erase(zone, "usr_2", request="r-2")
    assert len({one["user_id"] for one in rows_of(zone, "chat-turns")}) == 2


def test_a_file_that_nobody_can_read_goes_and_the_others_are_rewritten(zone: LandingZone):
    for offset in range(6):
        land(zone, turn(offset, "usr_1", f"s-{offset}"), row("AttemptMetered", "llm-usage", offset, user_id="usr_2"))
    files = [file.path for file in zone.files("chat-turns")]
    whole = files[1].read_bytes()
    files[0].write_bytes(b"broken")
    files[1].write_bytes(whole[:-20])
    files[2].write_bytes(damaged(files[2].read_bytes()))
    pq.write_table(pq.read_table(files[3]).rename_columns({"user_id": "user"}), files[3])
    numbers = pq.read_table(files[4]).drop(["session_id"])
    pq.write_table(numbers.append_column("session_id", pa.array([1])), files[4])
    others = [file.path.read_bytes() for file in zone.files("llm-usage")]
    gone: list[tuple[Path, str]] = []
    found = erase(zone, "usr_1", lambda path, kind: gone.append((path, kind)))
    assert (found.count("rows"), found.count("files")) == (1, 5)
    assert [path for path, _ in gone] == files[:5]
    assert all(kind.isidentifier() for _, kind in gone)
    assert [file.path for file in zone.files("chat-turns")] == files[5:]
    assert [file.path.read_bytes() for file in zone.files("llm-usage")] == others
    assert b"usr_1" not in b"".join(path.read_bytes() for path in zone.root.rglob("*.parquet"))


def test_an_erasure_that_broke_off_goes_on_with_what_it_knew(zone: LandingZone, monkeypatch: pytest.MonkeyPatch):
    for offset in range(3):
        land(zone, turn(offset, "usr_1", f"s-{offset}"))
    broken, *_ = zone.files("chat-turns")
    copy = broken.path.with_name("broken.parquet")
    copy.write_bytes(b"broken")
    whole: list[Path] = []

    def killed(path: Path, content: bytes, *_: int) -> None:
        if len(whole) == 2:
            raise OSError(28, "No space left on device")
        whole.append(path)
        write_durably(path, content)

    monkeypatch.setattr("connectors.erasing.landed.write_durably", killed)
    with pytest.raises(OSError, match="No space"):
        erase(zone, "usr_1")
    again = Progress(zone.root.parent / "notes", "r-1")
    assert (again.sessions, again.count("rows"), copy.exists()) == ({"s-0", "s-1", "s-2"}, 3, True)
    whole.clear()
    done = erase(zone, "usr_1", lambda *_: None)
    assert (len(whole), done.count("rows"), done.count("files"), copy.exists()) == (1, 3, 1, False)
    assert done.sessions == {"s-0", "s-1", "s-2"}
    rows = rows_of(zone, "chat-turns")
    assert (len({one["user_id"] for one in rows}), len({one["session_id"] for one in rows})) == (1, 3)
    land(zone, turn(7, "usr_1", "s-7"))
    assert erase(zone, "usr_1").count("rows") == 4
    (note,) = (zone.root.parent / "notes").iterdir()
    assert note.stat().st_mode & 0o777 == 0o600
    done.forget()
    assert not note.exists()
    note.write_bytes(b"{")
    assert Progress(note.parent, "r-1").count("rows") == 0


def test_what_became_unreadable_meanwhile_is_tried_again(zone: LandingZone, monkeypatch: pytest.MonkeyPatch):
    land(zone, turn(1, "usr_1", "s-1"))
    monkeypatch.setattr(Progress, "begin", lambda *_: next(zone.files("chat-turns")).path.write_bytes(b"broken"))
    with pytest.raises(OSError, match="ArrowInvalid"):
        erase(zone, "usr_1")


def test_a_disk_that_gives_a_file_not_is_no_reason_to_remove_it(zone: LandingZone, monkeypatch: pytest.MonkeyPatch):
    land(zone, turn(1, "usr_1", "s-1"))
    (file,) = zone.files("chat-turns")

    def away(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    def full(_source: object) -> None:
        raise pa.ArrowMemoryError("malloc of size 8000000 failed")

    monkeypatch.setattr(pq, "ParquetFile", full)
    with pytest.raises(pa.ArrowMemoryError):
        erase(zone, "usr_1")
    monkeypatch.setattr(pq, "ParquetFile", away)
    monkeypatch.setattr(Path, "read_bytes", away)
    with pytest.raises(OSError, match="Input/output"):
        erase(zone, "usr_1")
    assert file.path.exists()


def test_files_with_other_names_are_rewritten_too(zone: LandingZone):
    land(zone, turn(1, "usr_1", "s-1"))
    (file,) = zone.files("chat-turns")
    copies = [file.path.with_name("chat-turns-0-1-1 (copy).parquet"), zone.root / "chat-turns" / "mine.parquet"]
    for copy in copies:
        copy.write_bytes(file.path.read_bytes())
    (zone.root / "chat-turns" / "folder.parquet").mkdir()
    erase(zone, "usr_1")
    for path in (file.path, *copies):
        assert pq.read_table(path)["user_id"].to_pylist()[0].startswith("usr_erased_")


def test_the_topics_whose_rows_tell(zone: LandingZone):
    assert {"chat-turns", "chat-controls", "llm-usage", "turn-telemetry"} <= set(telling())
    assert not {"audit-log", "chat-turns-dlq"} & set(telling())


def test_what_lands_later_is_cleared(tmp_path: Path):
    erased_list = ErasedList(tmp_path)
    erased_list.add("usr_1", NOON)
    with erased_list.while_landing() as erased:
        mine = dict(turn(1, "usr_1", "s-1").fields)
        cleared = erased.cleared(mine)
        assert {name for name in mine if mine[name] != cleared[name]} == {"user_id", "session_id", "question", "answer"}
        assert (cleared["user_id"], cleared["session_id"]) == (ERASED_USER, ERASED_SESSION)
        for same in (turn(1, "usr_2", "s-1"), turn(1, "usr_1", "s-1", NOON + HOUR)):
            assert erased.cleared(same.fields) is same.fields
    audit = {"occurred_at": NOON, "actor_id": "usr_1"}
    assert erased.cleared(audit) is audit
    assert Erased({}).cleared(mine) is mine


def test_the_list_forgets_who_left_the_log(tmp_path: Path):
    erased_list = ErasedList(tmp_path)
    erased_list.forget(NOON)
    erased_list.add("usr_1", NOON - DAY)
    erased_list.add("usr_2", NOON)
    erased_list.forget(NOON)
    with erased_list.while_landing() as erased:
        assert erased.until == {"usr_2": NOON}


class Surroundings:
    def __init__(self) -> None:
        self.orders: list[StateExpired] = []
        self.built = 0

    def rebuild(self) -> None:
        self.built += 1


def test_retention_goes_by_the_clock(zone: LandingZone, tmp_path: Path):
    clock, around, wrapper = ManualClock(), Surroundings(), FileWrapper(tmp_path)
    wrapper.rotate()
    keys = DatabaseKeyStore(tmp_path / "keys.sqlite", wrapper, "t", clock)
    retention = Retention(zone, keys, MemoryApiKeys(), around.orders.append, around.rebuild, clock)
    land(zone, turn(1, "usr_1", "s-1"), turn(2, "usr_1", "s-1", NOON + 100 * DAY))
    keys.current("usr_1")
    zone.erased.add("usr_0", NOON)
    for odd in ("date=odd", "date=2026-02-30"):
        (zone.root / "chat-turns" / odd).mkdir()

    def applied(days: int) -> tuple[int, int, int]:
        clock.now = NOON + days * DAY
        done = retention.apply()
        return done.folders, done.keys, len(rows_of(zone, "chat-turns"))

    assert applied(60) == (0, 0, 2)
    assert applied(61) == (0, 1, 2)
    assert applied(400) == (0, 0, 2)
    assert around.built == 0
    assert applied(401) == (1, 0, 1)
    assert applied(501) == (1, 0, 0)
    assert around.built == 2
    assert [order.before for order in around.orders] == [
        NOON + days * DAY - timedelta(days=30) for days in (60, 61, 400, 401, 501)
    ]
    with zone.erased.while_landing() as erased:
        assert erased.until == {}
    assert longest_in_log() >= 30 * DAY
    assert NOON.tzinfo is UTC


@pytest.mark.parametrize("days", [-1, -400, 0])
def test_a_wrong_number_takes_nothing_of_today_or_later(
    zone: LandingZone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
):
    clock, around, wrapper, machines = ManualClock(), Surroundings(), FileWrapper(tmp_path), MemoryApiKeys()
    wrapper.rotate()
    keys = DatabaseKeyStore(tmp_path / "keys.sqlite", wrapper, "t", clock)
    keys.current("usr_1")
    machines.add(new_key("a machine", ["chat"], None, NOON - 30 * DAY, 30)[1])
    land(zone, *(turn(1 + number, "usr_1", "s-1", NOON + number * DAY) for number in (-2, -1, 0, 1)))
    monkeypatch.setattr(retention_module, "keep", lambda _store: days * DAY)
    done = Retention(zone, keys, machines, around.orders.append, around.rebuild, clock).apply()
    assert (done.folders, done.keys, done.api_keys) == (1, 0, 0)
    left = sorted(folder.name for folder in zone.root.glob("chat-turns/date=*"))
    assert left == [f"date={(NOON + number * DAY).date()}" for number in (-1, 0, 1)]
    assert around.orders[0].before < NOON


def test_keys_of_machines_go_long_after_their_end(zone: LandingZone, tmp_path: Path):
    clock, around, machines = ManualClock(), Surroundings(), MemoryApiKeys()
    keys = DatabaseKeyStore(tmp_path / "keys.sqlite", FileWrapper(tmp_path), "t", clock)
    retention = Retention(zone, keys, machines, around.orders.append, around.rebuild, clock)
    machines.add(new_key("a machine", ["chat"], None, NOON, 30)[1])
    clock.now = NOON + 430 * DAY
    assert (retention.apply().api_keys, len(machines.listed())) == (0, 1)
    clock.now += timedelta(seconds=1)
    assert (retention.apply().api_keys, len(machines.listed())) == (1, 0)
