"""What operators do: look, find dead letters, stop, start again and find everything there."""

import json
import re

import psutil
from confluent_kafka import Producer

from local.ports import needed
from sluice.kafka_config import producer_config
from sluice.settings import Settings
from tests.e2e.conftest import OFFSET, Platform, start
from tests.ports import free_offset
from tests.waiting import until


def test_topics_are_as_the_catalogue_says(in_process):
    shown = in_process("topics", "list", "--json")
    assert all(row["exists"] for row in json.loads(shown.output))
    assert "chat-requests" in in_process("topics", "list").output
    assert "all topics are there" in in_process("topics", "apply").output


def test_lag_by_group_topic_and_partition(platform: Platform, in_process):
    platform.ask("hello")
    rows = json.loads(in_process("lag", "--json").output)
    assert {row["group"] for row in rows} >= {"sluice-enrich", "sluice-redact", "sluice-respond", "landing"}
    assert set(rows[0]) == {"group", "topic", "partition", "committed", "end", "lag", "lag_seconds", "state"}
    assert "sluice-redact" in in_process("lag").output


def test_the_doctor_finds_everything_in_order(in_process):
    done = in_process("doctor")
    assert done.exit_code == 0, done.output
    assert "NO " not in done.output


def test_the_doctor_names_what_is_missing(in_process, tmp_path):
    (tmp_path / "keyless.yaml").write_text(
        "name: keyless\ndescription: d\ntemplate: assistant@1\nroute: [{model: gpt-4o, api_key: NOT_SET_ANYWHERE}]\n"
    )
    nowhere = free_offset(*needed(Settings()).values())
    done = in_process(
        "doctor", SLUICE_BOTS_DIR=str(tmp_path), SLUICE_PORT_OFFSET=str(nowhere), SLUICE_HOME=str(tmp_path / "x")
    )
    assert done.exit_code == 3
    assert "set NOT_SET_ANYWHERE in the environment" in done.output
    assert "not made; run `make up`" in done.output
    (tmp_path / "keyless.yaml").write_text("name: [")
    assert "not YAML" in in_process("doctor").output


def test_a_bad_record_is_put_away_and_listed_and_blocks_nothing(platform: Platform, in_process):
    producer = Producer(producer_config(platform.settings.bootstrap_servers, "test"))
    for value in (b"garbage", b"", None):
        for topic in ("chat-requests", "chat-enriched", "chat-prompts", "chat-controls"):
            producer.produce(topic, value, b"bad-session")
    assert producer.flush(10) == 0
    assert platform.ask("still there?", "--session", "bad-session")["state"] == "completed"
    wanted = {
        (topic, reason)
        for topic in ("chat-requests", "chat-enriched", "chat-prompts", "chat-controls")
        for reason in ("bad_magic_byte", "empty_record", "null_record")
    }
    listed: list[str] = []

    def all_there() -> bool:
        listed.append(in_process("dlq", "list", "--json").output)
        letters = json.loads(listed[-1])
        return wanted <= {(letter["origin_topic"], letter["reason"]) for letter in letters}

    assert until(all_there)
    assert "garbage" not in listed[-1]
    assert "bad_magic_byte" in in_process("dlq", "list").output


def test_commands_without_a_broker_say_what_to_do(in_process):
    for arguments in (["topics", "list"], ["topics", "apply"], ["lag"], ["dlq", "list"]):
        done = in_process(*arguments, SLUICE_BROKER="127.0.0.1:1")
        assert done.exit_code == 3
        assert "make up" in done.output


def test_tokens_and_locks(in_process):
    assert in_process("token").output.count(".") == 2
    assert "nothing new" in in_process("schemas", "lock").output


def test_up_again_changes_nothing_and_other_choices_are_refused(platform: Platform):
    before = {p.pid for p in psutil.process_iter()}
    again = platform.run("up")
    assert again.returncode == 0
    assert "Sluice is up." in again.stdout
    status = platform.run("status")
    assert status.returncode == 0
    pids = set(map(int, re.findall(r"RUNNING\s*│\s*(\d+)", status.stdout)))
    assert len(pids) == 8
    assert pids <= before
    other = platform.environment | {"SLUICE_LLM": "gpt-4o-mini"}
    refused = Platform(platform.settings, other).run("up")
    assert refused.returncode == 3
    assert "make down" in refused.stderr


def test_a_taken_port_is_named_with_its_holder(platform: Platform, tmp_path):
    second = start(tmp_path, platform.settings.port_offset).run("up")
    assert second.returncode == 3
    assert str(platform.settings.gateway_port) in second.stderr
    assert "pid" in second.stderr


def test_down_leaves_nothing_and_up_finds_everything(tmp_path_factory):
    own = start(tmp_path_factory.mktemp("second"), OFFSET + 2000)
    up = own.run("up", timeout=280)
    assert up.returncode == 0, up.stdout + up.stderr
    said = own.ask("remember me", "--session", "lasting")
    pids = set(map(int, re.findall(r"RUNNING\s*│\s*(\d+)", own.run("status").stdout)))
    crashed = next(p for p in map(psutil.Process, pids) if "streams.redact" in " ".join(p.cmdline()))
    crashed.kill()
    assert own.ask("after a crash", "--session", "lasting")["state"] == "completed"
    assert own.run("down").returncode == 0
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert own.run("status").returncode == 1
    assert "not running" in own.run("down").stdout
    assert own.run("up", timeout=280).returncode == 0
    try:
        way = json.loads(own.run("turn", said["turn_id"], "--json").stdout)
        assert way["state"] == "completed"
        third = own.ask("and now?", "--session", "lasting")
        assert third["usage"]["prompt_tokens"] > 2 * said["usage"]["prompt_tokens"]
    finally:
        own.run("down")
    assert len(needed(own.settings)) == 10


def test_the_ledger_is_summed_and_prompts_are_made_again(platform: Platform, in_process):
    first = platform.ask("my mail is jane@example.com", "--session", "prompts")
    second = platform.ask("and again?", "--session", "prompts")
    rows = json.loads(in_process("usage", "--by", "bot", "--by", "day", "--json").output)
    assert rows["by"] == ["bot", "day"]
    assert sum(row["calls"] for row in rows["usage"]) >= 2
    assert "assistant" in in_process("usage").output
    shown = json.loads(in_process("prompt", "render", second["turn_id"], "--json").output)
    (attempt,) = shown["attempts"]
    assert attempt["proved"]
    assert [message["role"] for message in attempt["messages"]] == ["system", "user", "assistant", "user"]
    assert attempt["messages"][1]["content"] == "my mail is [EMAIL_1]"
    assert "byte for byte as sent" in in_process("prompt", "render", first["turn_id"]).output
    unknown = in_process("prompt", "render", "no-such-turn")
    assert (unknown.exit_code, "no prompt of turn" in unknown.output) == (1, True)


def test_logs_are_json_lines(platform: Platform):
    assert platform.ask("what do you log?")["state"] == "completed"
    for process in ("gateway", "enrich", "redact", "respond", "landing", "steward"):
        *lines, _being_written = (platform.settings.logs_dir / f"{process}.log").read_text().split("\n")
        assert lines, process
        for line in lines:
            assert isinstance(json.loads(line), dict), (process, line)
