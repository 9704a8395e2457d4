"""Many writers, one chain, on a real broker."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner, Result

from local.broker import running_broker
from sluice.audit import Mark, breaks
from sluice.audit_anchor import FILE, Anchor
from sluice.audit_log import PARTITION, TOPIC, AuditLog, Auditor
from sluice.cli import audit as command_line
from sluice.cli.audit import commands
from sluice.clock import utc_now
from sluice.codec import Codec
from sluice.errors import Unavailable
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import producer_config
from sluice.key_files import AUDIT_KEY, make_key_files
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds
from sluice.settings import Settings
from sluice.topics import catalogue
from tests.ports import free_ports
from tests.waiting import until

KEY = b"audit key"


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One of their own: a chain has one key."""
    with running_broker(tmp_path_factory.mktemp("kafka"), *free_ports(2)) as servers:
        yield servers


@pytest.fixture
def audit(kafka: str, tmp_path: Path) -> Callable[[], AuditLog]:
    KafkaAdmin(kafka).apply(catalogue().values(), 1)
    codec = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))
    anchor = Anchor(tmp_path / "keys" / FILE)
    return lambda: AuditLog(kafka, "sluice-admin", codec, KEY, utc_now, anchor)


def mark(actor: str, number: int = 0) -> Mark:
    return Mark(actor, "data.erase", "allowed", f"reason_{number}", "usr_9")


def test_writers_that_take_turns_make_one_chain(audit: Callable[[], AuditLog]):
    one, other = audit(), audit()
    before = len(list(one.records()))
    for number in range(3):
        one.append([mark("one", number), mark("one", number)])
        other.append([mark("other", number), mark("more", number)])
    records = list(audit().records())
    assert [(record.actor_id, record.times) for _, record in records[before:]] == [
        ("one", 2), ("other", 1), ("more", 1),
    ] * 3  # fmt: skip
    assert [record.place for _, record in records] == list(range(len(records)))
    assert list(breaks(records, KEY)) == []
    assert next(breaks([*records[:-2], records[-1]], KEY)).what == "removed"
    assert next(breaks(records, b"another")).what == "changed"


def test_writers_at_once_make_one_chain(audit: Callable[[], AuditLog]):
    before = len(list(audit().records()))
    failures: list[Exception] = []

    def write(name: str) -> None:
        log = audit()
        for number in range(4):
            try:
                log.append([mark(name, number)])
            except Unavailable as error:
                failures.append(error)

    threads = [threading.Thread(target=write, args=(f"writer-{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = list(audit().records())
    assert len(records) - before == 12 - len(failures)
    assert list(breaks(records, KEY)) == []


def test_workers_that_begin_at_once_all_leave_their_marks(audit: Callable[[], AuditLog]):
    before = len(list(audit().records()))
    begin = threading.Barrier(6)

    def write(name: str) -> None:
        log = audit()
        begin.wait()
        log.append([mark(name)])

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(write, [f"worker-{number}" for number in range(6)]))
    records = list(audit().records())
    assert sorted(record.actor_id for _, record in records[before:]) == [f"worker-{number}" for number in range(6)]
    assert list(breaks(records, KEY)) == []


def test_an_auditor_gathers_and_writes_what_is_left_at_its_end(audit: Callable[[], AuditLog]):
    log = audit()
    auditor = Auditor(log.append, pause=0.05)
    auditor.start()
    for _ in range(500):
        auditor.note(Mark("unknown", "token.refuse", "refused", "token_expired"))
    assert until(lambda: sum(r.times for _, r in audit().records() if r.reason == "token_expired") == 500)
    auditor.note(mark("last"))
    auditor.stop()
    assert [record.actor_id for _, record in audit().records()][-1] == "last"


def test_a_broker_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr("sluice.audit_log._SECONDS", 0.2)
    monkeypatch.setattr("sluice.audit_log._TRIES", 1)
    codec = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))
    away = AuditLog("127.0.0.1:9", "sluice-admin", codec, KEY, utc_now, Anchor(tmp_path / FILE))
    with pytest.raises(Unavailable, match="cannot be written"):
        away.append([mark("one")])
    with pytest.raises(Unavailable, match="No Kafka broker answers"):
        list(away.records())


def test_the_end_of_a_chain_is_found_behind_many_marks_of_transactions(
    audit: Callable[[], AuditLog], monkeypatch: pytest.MonkeyPatch
):
    audit().append([mark("far", 1)])
    log = audit()
    for _ in range(3):
        log.append([])  # nothing but a mark of Kafka's own
    monkeypatch.setattr("sluice.audit_log._LOOK_BACK", 1)
    audit().append([mark("far", 2)])
    assert list(breaks(audit().records(), KEY)) == []


@pytest.fixture
def commanded(kafka: str, audit: Callable[[], AuditLog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The command line at a broker whose chain has another key up to now."""
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    monkeypatch.setenv("SLUICE_BROKER", kafka)
    make_key_files(tmp_path / "keys")
    (tmp_path / "keys" / AUDIT_KEY).write_bytes(KEY)
    return Settings(home=tmp_path, broker=kafka)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, list(arguments))


def test_the_command_line_leaves_lists_and_verifies_marks(
    commanded: Settings, audit: Callable[[], AuditLog], tmp_path: Path
):
    command_line.mark(commanded, "keys.rotate", "allowed", subject_id="usr_7")
    late = run("verify")  # the chain is older than this home
    assert (late.exit_code, "ends unknown, anchor begun late: audit.anchor was lost" in late.output) == (1, True)
    assert json.loads(run("verify", "--json").output)["ends_unknown"] == "anchor begun late"
    assert run("remember").exit_code == 0
    assert json.loads(run("list", "--json").output)[-1]["action"] == "audit.remember"
    (tmp_path / "keys" / FILE).rename(tmp_path / "anchor")
    lost = run("verify")
    assert (lost.exit_code, lost.output.rstrip().endswith("0 broken, ends unknown")) == (1, True)
    (tmp_path / "keys" / FILE).write_text("{")
    assert "ends unknown, anchor unreadable: audit.anchor beside the keys cannot be read." in run("verify").output
    (tmp_path / "anchor").rename(tmp_path / "keys" / FILE)
    command_line.mark(commanded, "keys.rotate", "allowed", subject_id="usr_7")
    *_, last = json.loads(run("list", "--json").output)
    assert (last["action"], last["subject_id"], last["actor_id"][:4]) == ("keys.rotate", "usr_7", "usr_")
    assert "keys.rotate" in run("list").output
    whole = json.loads(run("verify", "--json").output)
    assert (whole["first_place"], whole["last_place"], whole["broken"]) == (0, last["place"], [])
    assert whole["ends_unknown"] is None
    assert run("verify").output.endswith(", 0 broken\n")
    (tmp_path / "keys" / AUDIT_KEY).write_bytes(b"another")
    broken = run("verify")
    assert (broken.exit_code, "offset 0, place 0: changed" in broken.output) == (1, True)
    (tmp_path / "keys" / AUDIT_KEY).unlink()
    assert [run(word).exit_code for word in ("verify", "list", "remember")] == [3, 3, 3]


def test_an_empty_log_has_no_places(commanded: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(AuditLog, "entries", lambda _self: iter(()))
    emptied = run("verify")
    assert (emptied.exit_code, emptied.output.endswith("0 records, 0 broken, ends unknown\n")) == (1, True)
    monkeypatch.setattr(AuditLog, "_ends", lambda _self: 0)
    new = run("verify")
    assert (new.exit_code, new.output) == (0, "0 records, 0 broken\n")


YEAR = timedelta(days=365)


def test_what_is_no_audit_record_is_found(kafka: str, audit: Callable[[], AuditLog]):
    audit().append([mark("before")])
    producer = Producer(producer_config(kafka, "stranger"))
    for value in (b"\x00junk", None):
        producer.produce(TOPIC, value, partition=PARTITION)
    producer.flush(10)
    audit().append([mark("behind")])
    _, broken, _ = audit().verify(YEAR)
    assert [(one.place, one.what) for one in broken] == [(-1, "not chained")] * 2


def test_a_log_that_was_cut_or_emptied_is_noticed_and_the_chain_goes_on(kafka: str, audit: Callable[[], AuditLog]):
    """The last test of this broker: it takes records away."""
    first, last = audit().append([mark("first")])[0], audit().append([mark("last")])[0]
    admin = KafkaAdmin(kafka)
    admin.cut(TOPIC, PARTITION, admin.ends({TOPIC: 1})[TOPIC, PARTITION])
    kept, broken, _ = audit().verify(YEAR)
    assert (kept, [(one.offset, one.place, one.what) for one in broken]) == (
        [],
        [(-1, first.place, "removed"), (-1, last.place, "removed")],
    )
    [behind] = audit().append([mark("behind")])
    assert (behind.place, behind.previous) == (last.place + 1, last.seal)
    _, broken, _ = audit().verify(YEAR)
    assert [(one.place, one.what) for one in broken] == [(first.place, "removed")]
    assert audit().verify(timedelta(days=1)).broken == []
