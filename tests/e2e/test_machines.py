"""A machine's key, from its making to its end, at a whole platform."""

import json
import time
from typing import Any
from uuid import uuid4

import httpx
import openai
import pytest
from openai import OpenAI
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.e2e.conftest import Platform
from tests.e2e.test_privacy import files_of, records_with
from tests.waiting import until


def created(platform: Platform, *more: str) -> dict[str, Any]:
    made = platform.run("api-keys", "create", "e2e", *more, "--json")
    assert made.returncode == 0, made.stderr
    key: dict[str, Any] = json.loads(made.stdout)
    return key


def bearer(key: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {key['key']}"}


def marks_of(platform: Platform, key: dict[str, Any]) -> set[tuple[str, str, str | None]]:
    listed = json.loads(platform.run("audit", "list", "--json").stdout)
    return {
        (mark["action"], mark["outcome"], mark["reason"])
        for mark in listed
        if key["user_id"] in (mark["actor_id"], mark["subject_id"])
    }


async def test_a_machine_talks_until_its_key_is_revoked_and_the_key_is_nowhere(platform: Platform):
    key, other, reader = created(platform), created(platform), created(platform, "--scope", "read")
    base, session = platform.settings.gateway_url, str(uuid4())
    with OpenAI(base_url=f"{base}/openai/v1", api_key=key["key"], max_retries=0) as client:
        answer = client.chat.completions.create(
            model="assistant", messages=[{"role": "user", "content": "What is it?"}]
        )
        assert answer.choices[0].message.content
    url = f"{base.replace('http', 'ws')}/v1/ws"
    async with connect(url, additional_headers=bearer(key), subprotocols=["sluice.v1"]) as socket:
        assert json.loads(await socket.recv())["user_id"] == key["user_id"]
        sent = {
            "type": "message.send",
            "client_msg_id": "m",
            "session_id": session,
            "text": "hello",
            "bot": "assistant",
        }
        await socket.send(json.dumps(sent))
        frames = [json.loads(await socket.recv())]
        while frames[-1]["type"] not in ("completed", "failed", "error"):
            frames.append(json.loads(await socket.recv()))
        assert frames[-1]["type"] == "completed"
        turn = f"{base}/v1/turns/{frames[0]['turn_id']}"
        assert httpx.get(turn, headers=bearer(key)).json()["session_id"] == session
        assert httpx.get(turn, headers=bearer(other)).json()["code"] == "not_found"
        assert "event: completed" in httpx.get(f"{turn}/events", headers=bearer(key)).text
        refused = httpx.post(f"{turn}/stop", headers=bearer(reader))
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_required")
        assert platform.run("api-keys", "revoke", key["id"]).returncode == 0
        begun = time.monotonic()
        assert json.loads(await socket.recv())["code"] == "key_revoked"
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, time.monotonic() - begun < 15) == (4401, True)
    with (
        OpenAI(base_url=f"{base}/openai/v1", api_key=key["key"], max_retries=0) as client,
        pytest.raises(openai.AuthenticationError, match="revoked"),
    ):
        client.models.list()
    states = {
        one["id"]: (one["state"], one["used_on"])
        for one in json.loads(platform.run("api-keys", "list", "--json").stdout)
    }
    assert states[key["id"]][0] == "revoked"
    assert None not in (states[key["id"]][1], states[reader["id"]][1])
    assert states[other["id"]][0] == "active"
    wanted = {
        ("api_keys.create", "allowed", "chat read"),
        ("api_keys.revoke", "allowed", None),
        ("api_keys.refuse", "refused", "key_revoked"),
    }
    assert until(lambda: marks_of(platform, key) == wanted)
    assert until(lambda: ("api_keys.refuse", "refused", "scope_required") in marks_of(platform, reader))
    written = dict(files_of(platform))
    kept = {path: path.read_bytes() for path in platform.settings.keys_dir.rglob("*") if path.is_file()}
    assert platform.settings.api_keys_path in kept
    for one in (key, other, reader):
        secret = one["key"][-64:].encode()
        assert not [path for path, content in (written | kept).items() if secret in content]
        assert records_with(platform, secret) == []


def test_a_key_that_somebody_writes_is_not_on_the_log(platform: Platform):
    text = created(platform)["key"]
    answer = platform.ask(f"is {text} a good key?")
    assert f"is {text} a good key?" in answer["text"]
    assert records_with(platform, text.encode()) == []
    assert records_with(platform, answer["turn_id"].encode())
