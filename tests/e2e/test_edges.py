"""Bad input at the real gateway: a code for everything, the connection lives on, nothing reaches Kafka."""

import json
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from sluice.cli.chat import development_token
from sluice.kafka_admin import KafkaAdmin
from tests.e2e.conftest import Platform


def url(platform: Platform) -> str:
    return platform.settings.gateway_url.replace("http", "ws") + "/v1/ws"


def bearer(platform: Platform, subject: str = "developer") -> dict[str, str]:
    return {"Authorization": f"Bearer {development_token(platform.settings, subject)}"}


def requests_on_the_log(platform: Platform) -> int:
    return sum(KafkaAdmin(platform.settings.bootstrap_servers).ends({"chat-requests": 8}).values())


@pytest.fixture
async def socket(platform: Platform) -> AsyncIterator[ClientConnection]:
    async with connect(url(platform), subprotocols=["sluice.v1"], additional_headers=bearer(platform)) as connection:
        ready = json.loads(await connection.recv())
        assert ready["type"] == "ready"
        yield connection


def message(**over: object) -> str:
    plain = {"type": "message.send", "client_msg_id": str(uuid4()), "session_id": "s", "text": "hi", "bot": "assistant"}
    return json.dumps(plain | over)


BAD = {
    "broken JSON": ("{", "invalid_json"),
    "not an object": ("[1]", "invalid_frame"),
    "no type": ("{}", "invalid_frame"),
    "unknown type": ('{"type":"dance"}', "unknown_frame_type"),
    "wrong type of a field": (message(text=5), "invalid_frame"),
    "unknown field": (message(colour="red"), "invalid_frame"),
    "missing field": ('{"type":"turn.stop"}', "invalid_frame"),
    "bad id": (message(session_id="a b"), "invalid_frame"),
    "empty text": (message(text=" \n"), "text_empty"),
    "long text": (message(text="x" * 8001), "text_too_long"),
    "control characters": (message(text="a\x07b"), "text_control_characters"),
    "lone surrogate": (message(text="\ud800"), "invalid_json"),
    "deep": ('{"type":' + "[" * 500 + "]" * 500 + "}", "frame_too_deep"),
    "1 MB": (message(text="x" * 1_000_000), "frame_too_large"),
    "binary": (b"\x00\x01", "binary_frame"),
    "unknown bot": (message(bot="nobody"), "bot_unknown"),
    "unknown turn": (json.dumps({"type": "turn.stop", "turn_id": str(uuid4())}), "not_found"),
    "unknown session": (json.dumps({"type": "session.resume", "session_id": "never-seen"}), "not_found"),
    "bad cursor": (json.dumps({"type": "session.resume", "session_id": "s", "cursor": "12"}), "invalid_frame"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_frame_is_refused_with_its_code(platform: Platform, socket: ClientConnection, name: str):
    frame, code = BAD[name]
    before = requests_on_the_log(platform)
    await socket.send(frame)
    answer = json.loads(await socket.recv())
    assert (answer["type"], answer["code"]) == ("error", code)
    await socket.send('{"type":"dance"}')
    assert json.loads(await socket.recv())["code"] == "unknown_frame_type"
    assert requests_on_the_log(platform) == before


async def test_who_only_sends_rubbish_is_shown_out(socket: ClientConnection):
    for _ in range(50):
        await socket.send("{")
    with pytest.raises(ConnectionClosedError):
        async for _ in socket:
            pass
    assert socket.close_code == 4400


@pytest.mark.parametrize(
    ("subprotocols", "headers", "status", "code"),
    [
        (["sluice.v0"], {}, 400, "subprotocol_required"),
        (None, {}, 400, "subprotocol_required"),
        (["sluice.v1"], {}, 401, "unauthenticated"),
        (["sluice.v1"], {"Authorization": "Bearer nonsense"}, 401, "unauthenticated"),
        (["sluice.v1", "ticket.nonsense"], {}, 401, "unauthenticated"),
        (["sluice.v1"], {"Origin": "http://evil.example"}, 403, "origin_refused"),
    ],
)
async def test_a_bad_handshake_is_refused_with_its_code(platform, subprotocols, headers, status, code):
    with pytest.raises(InvalidStatus) as refused:
        await connect(url(platform), subprotocols=subprotocols, additional_headers=headers)
    assert refused.value.response.status_code == status
    assert json.loads(refused.value.response.body)["code"] == code


async def test_a_ticket_is_good_once(platform: Platform):
    ticket = httpx.post(f"{platform.settings.gateway_url}/v1/tickets", headers=bearer(platform)).json()["ticket"]
    protocols = ["sluice.v1", f"ticket.{ticket}"]
    async with connect(url(platform), subprotocols=protocols) as connection:
        assert json.loads(await connection.recv())["type"] == "ready"
    with pytest.raises(InvalidStatus):
        await connect(url(platform), subprotocols=protocols)


async def test_someone_elses_session_and_turn(platform: Platform, socket: ClientConnection):
    answer = platform.ask("mine")
    session, turn = answer["session_id"], answer["turn_id"]
    other = bearer(platform, "other")
    before = requests_on_the_log(platform)
    async with connect(url(platform), subprotocols=["sluice.v1"], additional_headers=other) as stranger:
        await stranger.recv()
        await stranger.send(message(session_id=session))
        assert json.loads(await stranger.recv())["code"] == "session_forbidden"
        for frame in (
            {"type": "session.resume", "session_id": session, "cursor": f"{turn}:1:0"},
            {"type": "turn.stop", "turn_id": turn},
            {"type": "feedback", "turn_id": turn, "rating": "up"},
        ):
            await stranger.send(json.dumps(frame))
            assert json.loads(await stranger.recv())["code"] == "not_found"
    base = platform.settings.gateway_url
    for method, path in (
        ("GET", f"/v1/turns/{turn}"),
        ("GET", f"/v1/turns/{turn}/events"),
        ("POST", f"/v1/turns/{turn}/stop"),
        ("GET", f"/v1/sessions/{session}/turns"),
    ):
        answer = httpx.request(method, base + path, headers=other)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    assert requests_on_the_log(platform) == before


REST = [
    ("GET", "/v1/sessions", None, {}, 401, "unauthenticated"),
    ("GET", "/v1/sessions?limit=0", None, None, 400, "invalid_frame"),
    ("GET", "/v1/sessions?limit=x", None, None, 400, "invalid_frame"),
    ("GET", "/v1/sessions?cursor=x", None, None, 400, "invalid_frame"),
    ("GET", "/v1/turns/nonsense", None, None, 404, "not_found"),
    ("GET", "/v1/nothing/here", None, None, 404, "not_found"),
    ("POST", "/v1/sessions/s/messages", b"{", None, 400, "invalid_json"),
    ("POST", "/v1/sessions/s/messages", b'{"text": 1, "bot": "assistant"}', None, 400, "invalid_frame"),
    ("POST", "/v1/sessions/s/messages", b'{"text": "", "bot": "assistant"}', None, 422, "text_empty"),
    ("POST", "/v1/sessions/s/messages", b'{"text": "x", "bot": "nobody"}', None, 422, "bot_unknown"),
    ("POST", "/v1/sessions/a%20b/messages", b'{"text": "x", "bot": "assistant"}', None, 400, "invalid_frame"),
    ("POST", "/v1/sessions/s/messages", b"x" * 100_000, None, 413, "frame_too_large"),
    ("DELETE", "/v1/sessions", None, None, 405, "method_not_allowed"),
]


@pytest.mark.parametrize(("method", "path", "body", "headers", "status", "code"), REST)
def test_a_bad_request_is_refused_with_its_code(platform, method, path, body, headers, status, code):
    before = requests_on_the_log(platform)
    answer = httpx.request(
        method,
        platform.settings.gateway_url + path,
        content=body,
        headers=bearer(platform) if headers is None else headers,
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert requests_on_the_log(platform) == before


def test_the_development_token_is_for_loopback_names_only(platform: Platform):
    path = platform.settings.gateway_url + "/v1/dev/token"
    assert httpx.post(path).status_code == 200
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        assert httpx.post(path, headers=headers).json()["code"] == "origin_refused"


def test_the_page_comes_with_its_policy_and_nothing_beside_it(platform: Platform):
    page = httpx.get(platform.settings.gateway_url + "/")
    assert page.status_code == 200
    assert "require-trusted-types-for 'script'" in page.headers["content-security-policy"]
    assert httpx.get(platform.settings.gateway_url + "/assets/none.js").status_code == 404
    assert httpx.get(platform.settings.gateway_url + "/..%2f..%2fpackage.json").status_code == 404


async def test_a_resend_is_the_same_turn_and_has_one_answer(platform: Platform, socket: ClientConnection):
    frame = message(client_msg_id="same", session_id=f"resend-{uuid4()}")
    before = requests_on_the_log(platform)
    await socket.send(frame)
    await socket.send(frame)
    accepted, completed = [], 0
    while completed == 0 or len(accepted) < 2:
        answer = json.loads(await socket.recv())
        if answer["type"] == "accepted":
            accepted.append(answer["turn_id"])
        completed += answer["type"] == "completed"
    assert len(set(accepted)) == 1
    assert requests_on_the_log(platform) == before + 1


async def test_who_comes_back_gets_what_is_missing(platform: Platform):
    """Leave in mid-stream, come back with the cursor: the two halves are the whole answer, without a seam."""
    session = f"resume-{uuid4()}"
    headers = bearer(platform)
    async with connect(url(platform), subprotocols=["sluice.v1"], additional_headers=headers) as first:
        await first.send(message(session_id=session, bot="storyteller"))
        text, cursor = "", ""
        while len(text) < 100:
            frame = json.loads(await first.recv())
            if frame["type"] == "delta":
                text += frame["text"]
                cursor = f"{frame['turn_id']}:{frame['attempt']}:{frame['seq']}"
    turn = cursor.split(":")[0]
    async with connect(url(platform), subprotocols=["sluice.v1"], additional_headers=headers) as second:
        await second.recv()
        await second.send(json.dumps({"type": "session.resume", "session_id": session, "cursor": cursor}))
        async with connect(url(platform), subprotocols=["sluice.v1"], additional_headers=headers) as late:
            await late.recv()
            await late.send(json.dumps({"type": "session.resume", "session_id": session}))
            kinds = [json.loads(await late.recv())["type"] for _ in range(2)]
            assert kinds == ["started", "snapshot"]
        while True:
            frame = json.loads(await second.recv())
            if frame["type"] == "delta":
                text += frame["text"]
                if len(text) > 400:
                    break
        await second.send(json.dumps({"type": "turn.stop", "turn_id": turn}))
        while frame["type"] != "cancelled":
            frame = json.loads(await second.recv())
            text += frame["text"] if frame["type"] == "delta" else ""
    whole = httpx.get(f"{platform.settings.gateway_url}/v1/turns/{turn}", headers=headers).json()
    assert whole["answer"] == text


async def test_a_cursor_nobody_knows_any_more_asks_for_a_resync(platform: Platform, socket: ClientConnection):
    session = platform.ask("hello")["session_id"]
    cursor = f"{uuid4()}:1:5"
    await socket.send(json.dumps({"type": "session.resume", "session_id": session, "cursor": cursor}))
    assert json.loads(await socket.recv()) == {"type": "resync_required", "session_id": session}


def test_rest_knows_conversations_and_turns(platform: Platform):
    headers = bearer(platform, f"reader-{uuid4()}")
    base = platform.settings.gateway_url
    session = f"rest-{uuid4()}"
    for number in range(3):
        sent = httpx.post(
            f"{base}/v1/sessions/{session}/messages",
            json={"text": f"number {number}", "bot": "assistant"},
            headers=headers | {"Idempotency-Key": f"m-{number}"},
        ).json()
        events = httpx.get(base + sent["events"], headers=headers, timeout=30).text
        assert "event: completed" in events
    found = httpx.get(f"{base}/v1/sessions", headers=headers).json()
    assert [(s["session_id"], s["turns"]) for s in found["sessions"]] == [(session, 3)]
    first = httpx.get(f"{base}/v1/sessions/{session}/turns?limit=2", headers=headers).json()
    rest = httpx.get(f"{base}/v1/sessions/{session}/turns", params={"cursor": first["next"]}, headers=headers).json()
    questions = [turn["question"] for turn in first["turns"] + rest["turns"]]
    assert questions == ["number 0", "number 1", "number 2"]
    assert rest["next"] is None
    judged = httpx.post(
        f"{base}/v1/turns/{sent['turn_id']}/feedback", json={"rating": "up", "comment": "good"}, headers=headers
    )
    assert judged.status_code == 202


def test_server_sent_events_resume_where_they_were_left(platform: Platform):
    headers = bearer(platform)
    base = platform.settings.gateway_url
    body = {"text": "go", "bot": "storyteller"}
    sent = httpx.post(f"{base}/v1/sessions/{uuid4()}/messages", json=body, headers=headers).json()
    first, cursor = "", ""
    with httpx.stream("GET", base + sent["events"], headers=headers, timeout=30) as stream:
        for line in stream.iter_lines():
            if line.startswith("id: "):
                cursor = line.removeprefix("id: ")
            if line.startswith("data: ") and '"text":' in line:
                first += json.loads(line[6:])["text"]
                if len(first) > 100:
                    break
    httpx.post(f"{base}/v1/turns/{sent['turn_id']}/stop", headers=headers)
    rest = ""
    resumed = headers | {"Last-Event-ID": cursor}
    with httpx.stream("GET", base + sent["events"], headers=resumed, timeout=30) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: ") and '"type":"delta"' in line:
                rest += json.loads(line[6:])["text"]
    assert httpx.get(f"{base}/v1/turns/{sent['turn_id']}", headers=headers).json()["answer"] == first + rest
    bad = httpx.get(base + sent["events"], headers=headers | {"Last-Event-ID": "x"})
    assert bad.json()["code"] == "invalid_frame"
