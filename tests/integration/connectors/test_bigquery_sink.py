"""The BigQuery sink, a real process between a real Kafka and the emulator: killed, left behind, answered by nobody."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from google.api_core.exceptions import GoogleAPICallError

from local.broker import running_broker
from sluice.failpoints import FAILPOINTS
from sluice.kafka_admin import KafkaAdmin
from sluice.process import ProcessExit
from sluice.topics import catalogue
from tests.bigquery.emulator import DATASET, PROJECT, Emulator, running
from tests.doubles import NOON
from tests.integration.connectors.platform import Platform, whole_turn
from tests.ports import free_ports
from tests.waiting import until

STEPS = [point for point in FAILPOINTS if point.startswith("bigquery.")]
AT_THE_START = {step for step in STEPS if "finalize" in step or "stream" in step}
"""Met once after a partition was taken over: there was a stream before, and there is none yet."""
EACH = {"turn_telemetry": 5, "llm_usage": 1, "chat_turns": 1}
"""Rows of one turn."""


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with running(tmp_path / "bigquery", *free_ports(2)) as started:
        yield started


class Scene:
    """A platform, an emulator, and turns that are put on the log a few at a time."""

    def __init__(self, platform: Platform, emulator: Emulator) -> None:
        self.platform, self.emulator, self.turns = platform, emulator, 0
        self.points = platform.home / "failpoints"
        self.points.mkdir()
        platform.variables |= emulator.variables | {"SLUICE_FAILPOINTS_DIR": str(self.points)}

    def say(self, count: int = 20) -> None:
        for _ in range(count):
            self.platform.say(*whole_turn(self.turns, NOON + timedelta(seconds=self.turns)))
            self.turns += 1
        self.platform.flush()

    def start(self) -> subprocess.Popen[bytes]:
        return self.platform.start_bigquery_sink()

    def arm(self, point: str, how: str = "") -> None:
        (self.points / point).write_text(how)

    def counted(self, table: str) -> tuple[int, int]:
        """Rows, and distinct places in the log."""
        place = "concat(_topic, '/', cast(_partition as string), '/', cast(_offset as string))"
        sql = f"select count(*) as n, count(distinct {place}) as d from `{PROJECT}.{DATASET}.{table}`"
        try:
            (found,) = self.emulator.query(sql)
        except GoogleAPICallError:  # the sink has not made it yet
            return 0, 0
        return found["n"], found["d"]

    def wait(self, ready: Callable[[], bool], seconds: float = 60) -> None:
        assert until(ready, seconds), (self.platform.home / "bigquery.log").read_text()[-4000:]

    def check(self) -> None:
        """Everything is there once. What is there twice fails at once, and is looked for once more after a moment."""
        wanted = {table: (each * self.turns,) * 2 for table, each in EACH.items()}

        def arrived() -> bool:
            found = {table: self.counted(table) for table in EACH}
            assert all(rows == distinct for rows, distinct in found.values()), found
            return found == wanted

        self.wait(arrived)
        time.sleep(0.5)
        assert arrived()


@pytest.fixture
def scene(platform: Platform, emulator: Emulator) -> Scene:
    return Scene(platform, emulator)


def stopped(process: subprocess.Popen[bytes]) -> bool:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_killed_at_every_step_it_writes_each_record_once(scene: Scene) -> None:
    sink = scene.start()
    scene.say()
    scene.check()
    for step in STEPS:
        if step in AT_THE_START:
            sink.kill()
            sink.wait()
            sink = scene.start()
        scene.arm(step)
        scene.say()
        assert sink.wait(60) == -signal.SIGKILL, step
        assert not (scene.points / step).exists()
        sink = scene.start()
        scene.say()
        scene.check()
    sink.terminate()
    assert sink.wait(20) == 0
    scene.check()


def test_killed_at_any_moment_it_writes_each_record_once(scene: Scene) -> None:
    for milliseconds in (3000, 3700, 4400):
        sink = scene.start()
        deadline = time.monotonic() + milliseconds / 1000
        while time.monotonic() < deadline:
            scene.say(5)
            time.sleep(0.02)
        sink.kill()
        sink.wait()
    scene.start()
    scene.check()


@pytest.mark.parametrize("step", ["bigquery.stream_created", "bigquery.before_append", "bigquery.appended"])
def test_one_that_was_left_behind_writes_nothing_twice(scene: Scene, step: str) -> None:
    left_behind = scene.start()
    if step != "bigquery.stream_created":
        scene.say()
        scene.check()
    scene.arm(step, "pause")
    scene.say()
    scene.wait(lambda: stopped(left_behind))
    scene.start()
    scene.say()
    scene.check()
    os.kill(left_behind.pid, signal.SIGCONT)
    scene.say()
    scene.check()
    scene.say()
    scene.check()
    assert left_behind.poll() is None


def test_one_that_comes_back_to_an_empty_group_writes_nothing_twice(scene: Scene) -> None:
    """Who followed it has died meanwhile: Kafka would take a commit from anybody."""
    left_behind = scene.start()
    scene.arm("bigquery.appended", "pause")
    scene.say()
    scene.wait(lambda: stopped(left_behind))
    followed = scene.start()
    scene.say()
    scene.check()
    followed.kill()
    followed.wait()
    admin = KafkaAdmin(scene.platform.bootstrap_servers)
    scene.wait(lambda: admin.group_state("bigquery").lower() == "empty")
    os.kill(left_behind.pid, signal.SIGCONT)
    scene.say()
    scene.check()
    left_behind.kill()
    left_behind.wait()
    scene.start()
    scene.say()
    scene.check()


@pytest.mark.parametrize("step", ["bigquery.before_append", "bigquery.appended"])
def test_a_server_that_lost_its_streams_is_asked_what_it_has(scene: Scene, step: str) -> None:
    sink = scene.start()
    scene.say()
    scene.check()
    scene.arm(step, "pause")
    scene.say()
    scene.wait(lambda: stopped(sink))
    scene.emulator.kill()
    os.kill(sink.pid, signal.SIGCONT)
    scene.emulator.start()
    scene.say()
    scene.check()
    assert sink.poll() is None


def test_a_server_that_is_away_is_waited_for(scene: Scene) -> None:
    sink = scene.start()
    scene.say()
    scene.check()
    scene.emulator.kill()
    scene.say()
    log = scene.platform.home / "bigquery.log"
    scene.wait(lambda: "flush failed, will be tried again" in log.read_text())
    scene.emulator.start()
    scene.check()
    assert sink.poll() is None


def test_rubbish_becomes_dead_letters_which_are_rows_too(scene: Scene) -> None:
    for value in (b"", b"rubbish", b"\x00\x00\x00\xff\xff\x01"):
        scene.platform.say_bytes("llm-usage", value)
    scene.say(3)
    scene.start()
    scene.check()
    scene.wait(lambda: scene.counted("dead_letters") == (3, 3))
    sql = f"select reason, origin_topic from `{PROJECT}.{DATASET}.dead_letters`"
    assert {tuple(row.values()) for row in scene.emulator.query(sql)} == {
        ("empty_record", "llm-usage"),
        ("bad_magic_byte", "llm-usage"),
        ("unknown_schema", "llm-usage"),
    }


def test_an_emptied_dataset_is_filled_from_the_log(scene: Scene) -> None:
    sink = scene.start()
    scene.say()
    scene.check()
    sink.terminate()
    assert sink.wait(20) == 0
    scene.emulator.client.delete_table(f"{PROJECT}.{DATASET}.llm_usage", retry=None, timeout=20)
    scene.start()
    scene.say()
    scene.check()


def test_a_table_that_is_dropped_under_it_is_filled_at_its_next_start(scene: Scene) -> None:
    sink = scene.start()
    scene.say()
    scene.check()
    scene.emulator.client.delete_table(f"{PROJECT}.{DATASET}.llm_usage", retry=None, timeout=20)
    scene.say()
    assert sink.wait(60) == ProcessExit.TEMPFAIL
    scene.start()
    scene.check()


def test_another_log_on_old_tables_is_refused(scene: Scene, tmp_path: Path) -> None:
    sink = scene.start()
    scene.say()
    scene.check()
    sink.terminate()
    assert sink.wait(20) == 0
    with running_broker(tmp_path / "other", *free_ports(2)) as servers:
        admin = KafkaAdmin(servers)
        admin.apply(catalogue().values(), 1)
        other = Platform(servers, scene.platform.variables | {"SLUICE_BROKER": servers}, scene.platform.home)
        for number in range(1000, 1040):
            other.say(*whole_turn(number, NOON))
        other.flush()
        assert other.start_bigquery_sink().wait(60) == ProcessExit.CONFIG
        assert "bigquery_other_log" in (scene.platform.home / "bigquery.log").read_text()
        assert admin.committed("bigquery") == {}
    scene.check()
    scene.start()
    scene.say()
    scene.check()


def test_a_topic_that_was_made_anew_is_not_passed_over(scene: Scene) -> None:
    sink = scene.start()
    scene.say()
    scene.check()
    sink.terminate()
    assert sink.wait(20) == 0
    admin = KafkaAdmin(scene.platform.bootstrap_servers)
    client = AdminClient({"bootstrap.servers": scene.platform.bootstrap_servers})
    client.delete_topics(["llm-usage"])["llm-usage"].result(20)
    scene.wait(lambda: "llm-usage" not in admin.partitions())
    admin.apply([catalogue()["llm-usage"]], 1)
    assert scene.start().wait(60) == ProcessExit.CONFIG
    assert "log_behind_store: llm-usage" in (scene.platform.home / "bigquery.log").read_text()
    scene.check()


def test_values_are_those_that_were_said(scene: Scene) -> None:
    scene.say(1)
    scene.start()
    scene.check()
    (turn,) = scene.emulator.query(f"select * from `{PROJECT}.{DATASET}.chat_turns`")
    said = next(event for event in whole_turn(0, NOON) if type(event).__name__ == "TurnFinished")
    assert (turn["turn_id"], turn["_event"], turn["_topic"]) == ("turn-0", "TurnFinished", "chat-turns")
    assert (turn["occurred_at"], turn["cost_usd"]) == (said.occurred_at, said.cost_usd)  # type: ignore[attr-defined]
    assert turn["usage"] == {
        name: getattr(said.usage, name)  # type: ignore[attr-defined]
        for name in ("prompt_tokens", "completion_tokens", "estimated")
    }
    assert {entry["key"]: entry["value"] for entry in turn["redacted_types"]} == said.redacted_types  # type: ignore[attr-defined]
    assert [hop["stage"] for hop in turn["hops"]] == [hop.stage for hop in said.hops]  # type: ignore[attr-defined]


def test_a_dataset_that_is_missing_is_asked_for(scene: Scene) -> None:
    scene.platform.variables["SLUICE_BIGQUERY_LANDING"] = "elsewhere"
    assert scene.start().wait(60) == ProcessExit.CONFIG
    assert "bigquery_dataset_missing" in (scene.platform.home / "bigquery.log").read_text()
