"""Ids, traces, clocks, partitions, metrics, logs: each a few lines."""

import gc
import io
import json
import logging
import sys
from datetime import timedelta

import pytest
from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from sluice import heap, logs, paths
from sluice.clock import milliseconds_between, utc_now
from sluice.errors import CATALOGUE, ErrorCode, Refused
from sluice.ids import (
    WIRE_ID,
    derived_event_id,
    has_own_context,
    may_be_resent,
    new_id,
    pseudonym,
    says_too_much,
    session_with_own_context,
    turn_id_for,
    unnamed_message_id,
)
from sluice.kafka_config import client_config, consumer_config, producer_config
from sluice.metrics import make_metrics
from sluice.own_context import OwnContext, OwnMessage, read_own_context
from sluice.partitioning import murmur2, partition_for
from sluice.tracing import child_of, new_traceparent, trace_id
from tests.doubles import NOON
from tests.samples import TRACE


def test_the_same_message_is_the_same_turn():
    assert turn_id_for("u", "s", "m") == turn_id_for("u", "s", "m")


@given(st.tuples(*[st.text(alphabet="ab", max_size=3)] * 3), st.tuples(*[st.text(alphabet="ab", max_size=3)] * 3))
def test_different_messages_are_different_turns(one, other):
    assert (turn_id_for(*one) == turn_id_for(*other)) == (one == other)


def test_ids_are_fresh_or_derived():
    assert new_id() != new_id()
    assert derived_event_id("t", 1) == derived_event_id("t", "1") != derived_event_id("t", 2)


def test_a_pseudonym_needs_its_key():
    assert pseudonym("jane", b"k") == pseudonym("jane", b"k") != pseudonym("jane", b"l")
    assert "jane" not in pseudonym("jane", b"k")


def test_a_child_stays_in_its_trace():
    child = child_of(TRACE)
    assert trace_id(child) == trace_id(TRACE) == "0af7651916cd43dd8448eb211c80319c"
    assert child != TRACE


def test_a_malformed_trace_begins_anew():
    fresh = child_of("garbage", lambda n: "ab" * n)
    assert fresh == f"00-{'ab' * 16}-{'ab' * 8}-01"
    assert trace_id("garbage") == ""
    assert trace_id(new_traceparent()) != trace_id(new_traceparent())


def test_clocks():
    assert utc_now().tzinfo is not None
    assert milliseconds_between(NOON, NOON + timedelta(milliseconds=1.5)) == 1.5
    assert milliseconds_between(NOON, NOON - timedelta(seconds=1)) == 0.0


# Values of org.apache.kafka.common.utils.UtilsTest.testMurmur2, as unsigned.
@pytest.mark.parametrize(
    ("text", "signed"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_murmur2_is_kafkas(text: str, signed: int):
    assert murmur2(text.encode()) == signed % 2**32


@given(st.text(min_size=1), st.integers(1, 64))
def test_a_partition_is_among_them(key: str, count: int):
    assert 0 <= partition_for(key.encode("utf-8", "ignore").decode(), count) < count


def test_producers_use_murmur2_and_wait_for_all():
    config = producer_config("b:1", "c")
    assert (config["partitioner"], config["acks"], config["enable.idempotence"]) == ("murmur2_random", "all", True)
    assert consumer_config("b:1", "c", "g", {"x": 1})["x"] == 1
    assert client_config("b:1", "c")["bootstrap.servers"] == "b:1"


def test_every_error_code_is_in_the_catalogue():
    assert set(CATALOGUE) == set(ErrorCode)
    assert Refused(ErrorCode.NOT_FOUND).message == ErrorCode.NOT_FOUND.kind.message
    assert Refused(ErrorCode.NOT_FOUND, "own words", "ref").message == "own words"


def test_metrics_of_the_catalogue():
    metrics = make_metrics(CollectorRegistry())
    metrics.count("sluice_refusals_total", code="x")
    metrics.observe("sluice_overhead_seconds", 0.2)
    metrics.observe("sluice_stage_seconds", 0.2, stage="enrich")
    metrics.gauge("sluice_sockets").set(3)
    shown = generate_latest(metrics.registry).decode()
    assert 'sluice_refusals_total{code="x"} 1.0' in shown
    assert "sluice_sockets 3.0" in shown
    assert 'sluice_overhead_seconds_bucket{le="0.25"} 1.0' in shown


def test_log_lines_are_json_with_the_process_in_each():
    stream = io.StringIO()
    logs.configure("tester", stream)
    logs.get_logger().info("turn ended", turn_id="t-1")
    logging.getLogger("library").warning("beware")
    logging.getLogger("library").info("unheard")
    own, library = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (own["event"], own["turn_id"], own["process"]) == ("turn ended", "t-1", "tester")
    assert (library["event"], library["logger"], library["process"]) == ("beware", "library", "tester")


def test_data_folders_are_found_in_a_checkout_and_in_a_wheel(tmp_path, monkeypatch):
    assert (paths.data_folder("avro") / "topics.yaml").is_file()
    assert (paths.checkout() / "pyproject.toml").is_file()
    (tmp_path / "avro").mkdir()
    monkeypatch.setattr(paths, "_PACKAGED", tmp_path)
    assert paths.data_folder("avro") == tmp_path / "avro"


def test_librdkafkas_messages_in_our_words():
    from sluice.kafka_records import origin_of

    message = Message(
        topic="t", partition=2, offset=7, key=b"k", value=b"v", headers=[("h", b"1")], timestamp=(1, 1500)
    )
    origin = origin_of(message)
    assert (origin.topic, origin.partition, origin.offset, origin.key, origin.value) == ("t", 2, 7, b"k", b"v")
    assert origin.headers == [("h", b"1")]
    assert origin.timestamp.timestamp() == 1.5


def test_a_settled_heap_is_left_alone_by_the_collector():
    try:
        heap.settle()
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()


def test_without_a_standard_error_there_is_nothing_to_write_crashes_to(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "__stderr__", None)
    stream = io.StringIO()
    logs.configure("tester", stream)
    logs.get_logger().info("it goes on")
    assert "it goes on" in stream.getvalue()


def test_sessions_with_their_own_context_are_told_apart_from_every_name_a_client_can_give():
    named = session_with_own_context("u", "work")
    assert named == session_with_own_context("u", "work")
    assert len({named, session_with_own_context("v", "work"), session_with_own_context("u", None)}) == 3
    assert has_own_context(named)
    assert not WIRE_ID.fullmatch(named)
    assert not has_own_context("work")


def test_a_message_without_a_name_cannot_be_resent():
    assert not may_be_resent(unnamed_message_id())
    assert may_be_resent(new_id())


def test_the_size_of_a_context_counts_bytes_and_messages():
    own = OwnContext((OwnMessage("user", "ä"), OwnMessage("assistant", "")), ("END",))
    assert own.size_bytes == 2 + 3 + 3 * 64
    assert read_own_context(own.encode()) == own


@pytest.mark.parametrize(
    ("client_id", "too_much"),
    [
        ("jane-doe-4111111111111111", True),
        ("4111-1111-1111-1111", True),
        ("a_078-05-1120", True),
        ("AKIAIOSFODNN7EXAMPLE", True),  # nosecret
        ("ghp_" + "a1B2" * 9, True),
        ("slk_0123456789abcdef", True),  # nosecret
        ("s-1", False),
        ("session-1732630000000", False),
        ("2f1e8a2c-5b7d-4c11-9a55-3f1f2f3f4f5f", False),
        ("4111111111111112", False),
        ("self-check-12345", False),
        ("221a17c3-f3ce-4289-8636-499486346c6a", False),  # 4-4289-8636-4994863466 passes for a card
        ("openai:58f08c7e-2a55-4629-8412-8195a6785ae2", False),
        ("thread_ab5555555555554444abcd", False),
        ("221a17c3-f3ce-4289-8636-499486346c6a-4111111111111111", True),
        ("5555555555554444", True),
        ("glpat-Xx1yy2Zz3aa4Bb5cc6D", True),  # nosecret
        ("github_pat_" + "a1B2" * 9, True),
        ("hf_" + "aB3" * 11, True),
        ("npm_" + "aB3" * 12, True),
        ("AIza" + "Sy1-" * 9, True),
        ("shpat_" + "0a" * 16, True),
        ("sk-ant-api03-" + "aB3" * 12, True),
        ("DE66370400440612345807", True),  # nosecret
        ("a-GB82-WEST-1234-5698-7654-32", True),
        ("DE66370400440612345808", False),  # nosecret
        ("BB26" + "A2" * 15, False),
        ("npm_install_does_not_work_today", False),
        ("secret-santa-planning-2026-team", False),
        ("hf-embedding-models-comparison-2", False),
    ],
)
def test_ids_that_say_too_much(client_id: str, too_much: bool):
    assert says_too_much(client_id) == too_much
