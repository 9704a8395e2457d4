"""The real sink on a real broker: killed, stopped, doubled, fed with rubbish."""

import random
import time
import urllib.request
from datetime import timedelta

import pytest

from connectors.batching import Place
from connectors.compaction import FEWEST
from connectors.log_scan import LogScan
from sluice.events import DeadLetter
from sluice.process import ProcessExit
from sluice.topics import catalogue
from tests.doubles import NOON
from tests.integration.connectors.platform import CODEC, Platform, whole_turn

MIDNIGHT = NOON.replace(hour=23, minute=59, second=0)


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_moment_it_lands_each_record_once(platform: Platform, seed: int) -> None:
    chance = random.Random(seed)
    turns = 0
    for _ in range(8):
        sink = platform.start_sink()
        for _ in range(300):
            platform.say(*whole_turn(turns, MIDNIGHT + timedelta(seconds=turns / 10)))
            turns += 1
        before = platform.landed("turn-telemetry")
        platform.flush()
        if chance.random() < 0.7:
            platform.wait(lambda known=before: platform.landed("turn-telemetry") != known)  # type: ignore[misc]
        time.sleep(chance.random() / 4)
        sink.kill()
        sink.wait()
    last = platform.begin_sink()
    platform.wait(lambda: platform.landed("turn-telemetry")[1] >= 5 * turns)
    platform.wait(lambda: platform.landed("llm-usage")[1] >= turns and platform.landed("chat-turns")[1] >= turns)
    last.terminate()
    assert last.wait(20) == 0
    for topic, each in (("turn-telemetry", 5), ("llm-usage", 1), ("chat-turns", 1)):
        assert platform.landed(topic) == (each * turns, each * turns)
    assert not [*(platform.home / "landing").rglob("*.part")]


def test_killed_while_it_merges_files_it_has_each_record_once(platform: Platform) -> None:
    platform.variables["SLUICE_LANDING_COMPACT_SECONDS"] = "0"
    sink = platform.start_sink()
    count = 2 * FEWEST
    for number in range(count):  # of one session: a file of one partition each
        platform.say(*whole_turn(7 * number, NOON))
        platform.flush()
        platform.wait(lambda wanted=number + 1: platform.landed("chat-turns")[1] >= wanted)  # type: ignore[misc]
    sink.kill()
    sink.wait()
    small = len([*(platform.home / "landing" / "chat-turns").glob("date=*/*")])
    platform.variables["SLUICE_LANDING_COMPACT_SECONDS"] = "0.01"
    chance = random.Random(1)
    for _ in range(5):
        sink = platform.start_sink()
        time.sleep(0.8 + chance.random())  # around its first merges
        sink.kill()
        sink.wait()
    last = platform.begin_sink()
    platform.wait(lambda: platform.landed("chat-turns") == (count, count))
    platform.wait(lambda: platform.landed("turn-telemetry") == (5 * count, 5 * count))
    platform.wait(lambda: len([*(platform.home / "landing" / "chat-turns").glob("date=*/*")]) <= small - FEWEST)
    last.terminate()  # between two merges: a kill would leave what the next look clears
    assert last.wait(20) == 0
    assert platform.landed("chat-turns") == (count, count)


def test_stopping_lands_what_was_read(platform: Platform) -> None:
    platform.variables["SLUICE_LANDING_FLUSH_SECONDS"] = "3600"
    sink = platform.begin_sink()
    platform.say(*whole_turn(1, NOON))
    platform.flush()
    port = 9405 + int(platform.variables["SLUICE_PORT_OFFSET"])

    def lag_is_seen() -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return any(line.startswith("sluice_landing_lag_seconds ") and line.split()[1] != "0.0" for line in lines)

    platform.wait(lag_is_seen)
    assert platform.landed("llm-usage") == (0, 0)
    sink.terminate()
    assert sink.wait(20) == 0
    assert platform.landed("llm-usage") == (1, 1)


def test_rubbish_becomes_dead_letters_and_blocks_nothing(platform: Platform) -> None:
    for value in (b"", None, b"rubbish", b"\x00\x00\x00\xff\xff\x01", b"x" * 999_800):
        platform.say_bytes("llm-usage", value)
    platform.say(*whole_turn(1, NOON))
    platform.flush()
    sink = platform.start_sink()
    platform.wait(lambda: platform.landed("llm-usage-dlq")[1] == 5 and platform.landed("llm-usage")[1] == 1)
    sink.kill()
    sink.wait()
    scan = LogScan(platform.bootstrap_servers)
    letters = [CODEC.decode(origin.value) for origin in scan.records(scan.window([Place("llm-usage-dlq", 0)]))]
    reasons = {letter.reason for letter in letters if isinstance(letter, DeadLetter)}
    assert reasons == {"empty_record", "null_record", "bad_magic_byte", "unknown_schema", "record_too_large"}


def test_a_second_sink_on_the_folder_is_refused(platform: Platform) -> None:
    platform.begin_sink()
    assert platform.start_sink().wait(30) == ProcessExit.CONFIG
    assert "Another landing sink" in (platform.home / "landing.log").read_text()


def test_every_topic_has_its_columns_at_once(platform: Platform) -> None:
    platform.start_sink()
    wanted = [topic.name for topic in catalogue().values() if "connectors" in topic.consumers]
    platform.wait(lambda: all((platform.home / "landing" / name / "_columns.parquet").exists() for name in wanted))
