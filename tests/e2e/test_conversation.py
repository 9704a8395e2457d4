"""A question goes in at one end and comes out at the other, and leaves its marks."""

import asyncio
import json
import os
import pty
import re
import signal
import subprocess
from uuid import uuid4

import httpx
import pytest

from sluice.chat_client import ChatClient
from sluice.cli.chat import development_token
from tests.e2e.conftest import SLUICE, Platform
from tests.ports import free_offset


def meter_of(platform: Platform) -> list[dict]:
    return httpx.get(platform.settings.provider_url.replace("/v1", "/meter")).json()["calls"]


def test_an_answer_with_all_its_numbers(platform: Platform):
    before = len(meter_of(platform))
    answer = platform.ask("What is a sluice?")
    assert answer["state"] == "completed"
    assert "> What is a sluice?" in answer["text"]
    assert answer["error"] is None
    assert answer["attempts"] == 1
    call = meter_of(platform)[before]
    assert answer["usage"] == {
        "prompt_tokens": call["prompt_tokens"],
        "completion_tokens": call["completion_tokens"],
        "estimated": False,
    }
    cost = (call["prompt_tokens"] * 15 + call["completion_tokens"] * 60) / 100_000_000
    assert float(answer["cost_usd"]) == pytest.approx(cost, abs=1e-12)
    assert 0 < answer["latency_ms"]["first_delta"] < answer["latency_ms"]["total"]
    assert answer["latency_ms"]["overhead"] >= 0


def test_the_conversation_is_remembered(platform: Platform):
    session = str(uuid4())
    before = len(meter_of(platform))
    platform.ask("first question", "--session", session)
    platform.ask("second question", "--session", session)
    first, second = meter_of(platform)[before:]
    assert second["prompt_tokens"] > first["prompt_tokens"] + first["completion_tokens"]


def test_the_trace_of_the_client_reaches_the_provider(platform: Platform):
    trace = uuid4().hex
    token = development_token(platform.settings)
    accepted = httpx.post(
        f"{platform.settings.gateway_url}/v1/sessions/{uuid4()}/messages",
        json={"text": "trace me", "bot": "assistant"},
        headers={"Authorization": f"Bearer {token}", "traceparent": f"00-{trace}-{'1' * 16}-01"},
    )
    assert accepted.status_code == 202
    events = httpx.get(
        platform.settings.gateway_url + accepted.json()["events"],
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    ).text
    assert "event: completed" in events
    assert any(trace in call["traceparent"] for call in meter_of(platform))


async def test_a_stop_ends_the_turn_with_what_was_said(platform: Platform):
    stop = asyncio.Event()
    async with ChatClient(platform.settings.gateway_url, development_token(platform.settings)) as client:
        result = await asyncio.wait_for(
            client.ask(
                "tell me a story",
                session_id=str(uuid4()),
                bot="storyteller",
                client_msg_id=str(uuid4()),
                on_text=lambda _: stop.set(),
                stop=stop,
            ),
            30,
        )
    assert result.state == "cancelled"
    assert 0 < len(result.text) < 3000
    token = development_token(platform.settings)
    headers = {"Authorization": f"Bearer {token}"}
    again = httpx.post(f"{platform.settings.gateway_url}/v1/turns/{result.turn_id}/stop", headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "turn_finished")


def test_ctrl_c_stops_the_turn_and_the_command_says_so(platform: Platform):
    process = subprocess.Popen(
        [SLUICE, "chat", "--bot", "storyteller", "--once", "go on"],
        env=platform.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.read(10)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "stopped · turn " in out


def test_two_questions_at_the_prompt(platform: Platform):
    """At a terminal: ask, read, ask again, leave with an empty line."""
    parent, child = pty.openpty()
    process = subprocess.Popen([SLUICE, "chat"], env=platform.environment, stdin=child, stdout=child, stderr=child)
    os.close(child)
    shown = ""

    def until(pattern: str, count: int) -> None:
        nonlocal shown
        while len(re.findall(pattern, shown)) < count:
            shown += os.read(parent, 4096).decode(errors="replace")

    until("leaves", 1)
    for number in (1, 2):
        os.write(parent, f"question {number}\n".encode())
        until(r"tokens · \$", number)
    os.write(parent, b"\n")
    assert process.wait(30) == 0
    os.close(parent)


def test_the_end_of_the_input_leaves(platform: Platform):
    done = subprocess.run([SLUICE, "chat"], env=platform.environment, stdin=subprocess.DEVNULL, timeout=60, check=False)
    assert done.returncode == 0


def test_the_cli_says_what_is_wrong(in_process):
    assert in_process("chat", "--json").exit_code == 2
    assert in_process("chat", "--session", "not an id!", "--once", "x").exit_code == 2
    away = in_process("chat", "--once", "x", SLUICE_PORT_OFFSET=str(free_offset(8080)))
    assert away.exit_code == 3
    assert "make up" in away.output


def test_json_holds_one_document_and_the_refusal(platform: Platform):
    done = platform.run("chat", "--once", "x", "--json", "--bot", "nobody")
    answer = json.loads(done.stdout)
    assert done.returncode == 1
    assert answer["error"]["code"] == "bot_unknown"
    assert answer["error"]["retryable"] is False


def test_once_without_json(in_process):
    done = in_process("chat", "--once", "hello")
    assert done.exit_code == 0
    assert "assistant" in done.output
    refused = in_process("chat", "--once", "hello", "--bot", "nobody")
    assert refused.exit_code == 1
    assert "bot_unknown: There is no bot of this name." in refused.output
