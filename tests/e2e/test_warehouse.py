"""Turns are followed to their rows in the star schema; tokens there equal the provider's own meter."""

import json

import duckdb
import httpx
import pytest

from tests.e2e.conftest import Platform
from tests.landed import landed_bytes


@pytest.fixture(scope="module")
def answers(platform: Platform) -> list[dict]:
    """Four turns, then the warehouse built over everything so far."""
    session = "warehouse-session"
    found = [platform.ask(f"question {number}", "--session", session) for number in range(3)]
    found.append(platform.ask("one more"))
    built = platform.run("warehouse", timeout=280)
    assert built.returncode == 0, built.stdout + built.stderr
    return found


def test_every_turn_is_in_the_facts_with_the_tokens_of_the_meter(platform: Platform, answers: list[dict]):
    calls = httpx.get(platform.settings.provider_url.replace("/v1", "/meter")).json()["calls"]
    metered = {call["call_id"]: (call["prompt_tokens"], call["completion_tokens"]) for call in calls}
    with duckdb.connect(str(platform.settings.warehouse_path), read_only=True) as warehouse:
        for answer in answers:
            rows = warehouse.execute(
                "select provider_call_id, prompt_tokens, completion_tokens, cost_usd "
                "from marts.fact_llm_attempts where turn_id = ?",
                [answer["turn_id"]],
            ).fetchall()
            assert len(rows) == 1
            call_id, prompt, completion, cost = rows[0]
            assert metered[call_id] == (prompt, completion)
            assert float(cost) == pytest.approx(float(answer["cost_usd"]))
            events = warehouse.execute(
                "select count(*) from marts.fact_chat_events where turn_id = ?", [answer["turn_id"]]
            ).fetchone()
            assert events is not None
            assert events[0] == 6  # accept, enrich, redact, respond, the turn's end, and as its client saw it


def test_the_numbers_agree_without_drift(platform: Platform, answers: list[dict]):
    done = platform.run("reconcile", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    drift = json.loads(done.stdout)["drift"]
    assert {name: float(value) for name, value in drift.items()} == dict.fromkeys(drift, 0.0)


def test_the_way_of_one_turn(platform: Platform, answers: list[dict]):
    done = platform.run("turn", answers[0]["turn_id"], "--json")
    way = json.loads(done.stdout)
    assert (way["state"], way["session_id"]) == ("completed", "warehouse-session")
    assert [stage["stage"] for stage in way["stages"]] == ["accept", "enrich", "redact", "respond"]
    assert {record["topic"] for record in way["records"]} >= {"chat-requests", "chat-enriched", "chat-prompts"}
    assert way["warehouse"] == {"fact_chat_events": 6, "fact_llm_attempts": 1}
    assert way["landed"]
    human = platform.run("turn", answers[0]["turn_id"])
    assert human.returncode == 0
    assert "redact" in human.stdout


def test_no_raw_personal_data_is_landed(platform: Platform, answers: list[dict]):
    platform.ask("I am planted.person@example.com")
    assert platform.run("warehouse", timeout=280).returncode == 0
    warehouse = platform.settings.warehouse_path
    for path, content in {**landed_bytes(platform.settings.landing_dir), warehouse: warehouse.read_bytes()}.items():
        assert b"planted.person@example.com" not in content, path
