"""A person goes from a running platform, with a turn in flight, and comes back."""

import json
from functools import partial
from typing import Any
from uuid import uuid4

import httpx

from connectors.log_scan import LogScan, whole
from sluice import wiring
from sluice.cli.chat import development_token
from sluice.events import TurnFinished
from sluice.ids import pseudonym
from sluice.key_files import PSEUDONYM_KEY, read_key_file
from sluice.topics import catalogue
from tests.e2e.conftest import Platform
from tests.landed import landed_bytes
from tests.waiting import until


def person(platform: Platform) -> tuple[str, dict[str, str], str]:
    """A new subject, a header with a token, and the pseudonym."""
    subject = f"person-{uuid4().hex[:8]}"
    header = {"Authorization": f"Bearer {development_token(platform.settings, subject)}"}
    return subject, header, pseudonym(subject, read_key_file(platform.settings.keys_dir, PSEUDONYM_KEY))


def ask(platform: Platform, header: dict[str, str], session: str, text: str) -> dict[str, Any]:
    token = header["Authorization"].removeprefix("Bearer ")
    return platform.ask(text, "--session", session, "--token", token)


def changelog_entries(platform: Platform, session: str) -> list[bytes | None]:
    scan = LogScan(platform.settings.bootstrap_servers)
    topics = [name for name in catalogue() if name.endswith("-changelog")]
    return [record.value for record in scan.records(whole(scan, topics)) if record.key == session.encode()]


def finished(platform: Platform, turn_id: str) -> TurnFinished | None:
    scan, codec = LogScan(platform.settings.bootstrap_servers), wiring.codec(platform.settings)
    for record in scan.records(whole(scan, ["chat-turns"])):
        event = codec.decode(record.value)
        if isinstance(event, TurnFinished) and event.turn_id == turn_id:
            return event
    return None


def test_a_person_goes_with_a_turn_in_flight_and_comes_back(platform: Platform):
    subject, header, user_id = person(platform)
    url, session = platform.settings.gateway_url, str(uuid4())
    first = ask(platform, header, session, "I am jane@example.com")
    own = json.loads(platform.run("export", subject).stdout)
    assert own["conversations"][0]["turns"][0]["question"] == "I am jane@example.com"
    body = {"text": "essay, please", "bot": "storyteller"}
    flying = httpx.post(f"{url}/v1/sessions/{session}/messages", json=body, headers=header).json()["turn_id"]
    done = platform.run("erase", subject, "--yes", "--json")
    assert done.returncode == 0, done.stderr
    proof = json.loads(done.stdout)
    assert (proof["user_id"], proof["keys"], proof["turns_stopped"]) == (user_id, 1, 1)
    ended = finished(platform, flying)
    assert ended is not None
    assert ended.state == "cancelled"
    assert httpx.get(f"{url}/v1/turns/{first['turn_id']}", headers=header).status_code == 404
    assert httpx.get(f"{url}/v1/sessions", headers=header).json()["sessions"] == []
    assert changelog_entries(platform, session)[-1] is None
    landed = partial(landed_bytes, platform.settings.landing_dir, without="audit-log")
    assert until(lambda: not any(user_id.encode() in content for content in landed().values()))
    marks = json.loads(platform.run("audit", "list", "--json").stdout)
    told = [mark["reason"] for mark in marks if mark["action"] == "data.erase" and mark["subject_id"] == user_id]
    assert told[0] == "requested"
    assert told[-1].startswith("1 keys, ")
    assert json.loads(platform.run("audit", "verify", "--json").stdout)["broken"] == []
    again = ask(platform, header, session, "and what did I say?")
    assert again["state"] == "completed"
    shown = httpx.get(f"{url}/v1/sessions/{session}/turns", headers=header).json()["turns"]
    assert [turn["turn_id"] for turn in shown] == [again["turn_id"]]
    context = json.loads(platform.run("prompt", "render", again["turn_id"], "--json").stdout)
    said = [message["content"] for message in context["attempts"][0]["messages"] if message["role"] == "user"]
    assert said == ["and what did I say?"]


def test_a_privacy_officer_asks_over_rest(platform: Platform):
    _, header, user_id = person(platform)
    ask(platform, header, str(uuid4()), "hello")
    where = f"{platform.settings.gateway_url}/v1/people/{user_id}/erasure"
    assert httpx.post(where, headers=header).json()["code"] == "role_required"
    token = platform.run("token", "--subject", "officer", "--role", "privacy_officer").stdout.strip()
    officer = {"Authorization": f"Bearer {token}"}
    assert httpx.post(where, headers=officer).status_code == 202
    body = {"text": "hello", "bot": "assistant"}
    answer = httpx.post(f"{platform.settings.gateway_url}/v1/sessions/x/messages", json=body, headers=header)
    assert (answer.status_code, answer.json()["code"]) == (409, "erasure_running")
    assert until(lambda: httpx.get(where, headers=officer).json()["state"] == "completed")
