"""Two gateways of one platform, and one that dies between Kafka's word and its own."""

import asyncio
import json
from typing import Any

import httpx
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from connectors.log_scan import LogScan, whole
from sluice.chat_client import ChatClient
from sluice.errors import Unavailable
from sluice.events import ChatRequested
from sluice.ids import turn_id_for
from sluice.safe_text import SafeText
from tests.integration.gateway.conftest import CODEC, Gateway, Site
from tests.samples import SAMPLES
from tests.waiting import until

SEND = {"type": "message.send", "client_msg_id": "m-1", "session_id": "s-1", "text": "hello", "bot": "assistant"}


async def frames(client: ChatClient, *kinds: str) -> list[dict[str, Any]]:
    """So many, of these types and in this order."""
    found = []
    async with asyncio.timeout(60):
        async for frame in client.frames():
            found.append(frame)
            if len(found) == len(kinds):
                break
    assert tuple(frame["type"] for frame in found) == kinds
    return found


def client_of(gateway: Gateway) -> ChatClient:
    return ChatClient(gateway.settings.gateway_url, gateway.token)


def requests(site: Site) -> list[ChatRequested]:
    """All there are now."""
    scan = LogScan(site.kafka.broker.bootstrap_servers)
    found = [CODEC.decode(record.value) for record in scan.records(whole(scan, ["chat-requests"]))]
    return [event for event in found if isinstance(event, ChatRequested)]


async def known_to(gateway: Gateway, turn_id: str) -> bool:
    """Once it has read the question, which it may do later than others: until then it would write it once more."""
    turn, headers = f"{gateway.settings.gateway_url}/v1/turns/{turn_id}", {"Authorization": f"Bearer {gateway.token}"}
    return await asyncio.to_thread(until, lambda: httpx.get(turn, headers=headers).status_code == 200)


@pytest.fixture
async def both(site: Site) -> tuple[Gateway, Gateway]:
    one, two = await asyncio.gather(asyncio.to_thread(site.gateway, 1), asyncio.to_thread(site.gateway, 2))
    return one, two


async def test_resend_resume_stop_and_tickets_work_on_the_other_gateway(site: Site, both: tuple[Gateway, Gateway]):
    one, two = both
    assert two.settings.gateway_port == one.settings.gateway_port + 100
    headers = {"Authorization": f"Bearer {one.token}"}
    async with client_of(one) as first, client_of(two) as second:
        await first.send(SEND)
        (accepted,) = await frames(first, "accepted")
        own = {"user_id": first.ready["user_id"], "turn_id": accepted["turn_id"]}
        await second.send({"type": "session.resume", "session_id": "s-1"})
        await second.send({"type": "nothing.else", "note": "so that its refusal comes after what the resume gave"})
        await frames(second, "error")
        site.kafka.write(
            *(msgspec.structs.replace(SAMPLES[name], **own) for name in ("AttemptStarted", "DeltaProduced"))
        )
        await frames(first, "started", "delta")
        await frames(second, "started", "delta")
        await second.send(SEND)
        again, _, snapshot = await frames(second, "accepted", "started", "snapshot")
        assert (again["turn_id"], snapshot["seq"]) == (accepted["turn_id"], 0)
        stopped = httpx.post(f"{two.settings.gateway_url}/v1/turns/{accepted['turn_id']}/stop", headers=headers)
        assert stopped.status_code == 202
        end = (SAMPLES["TurnCancelled"], SAMPLES["TurnFinished"])
        site.kafka.write(*(msgspec.structs.replace(event, **own) for event in end))
        await frames(first, "cancelled")
        await frames(second, "cancelled")
    assert len(requests(site)) == 1
    ticket = httpx.post(f"{one.settings.gateway_url}/v1/tickets", headers=headers).json()["ticket"]
    url = two.settings.gateway_url.replace("http", "ws") + "/v1/ws"
    protocols = [Subprotocol("sluice.v1"), Subprotocol(f"ticket.{ticket}")]
    async with connect(url, subprotocols=protocols, proxy=None) as socket:
        assert json.loads(await socket.recv())["type"] == "ready"
    token = httpx.post(f"{two.settings.gateway_url}/v1/dev/token").json()["token"]
    answer = httpx.get(f"{one.settings.gateway_url}/v1/sessions", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


async def test_a_fresh_gateway_gives_the_answer_of_long_ago(site: Site, both: tuple[Gateway, Gateway]):
    one, two = both
    await asyncio.to_thread(two.end)
    async with client_of(one) as client:
        await client.send(SEND)
        (accepted,) = await frames(client, "accepted")
        own = {"user_id": client.ready["user_id"], "turn_id": accepted["turn_id"]}
        site.kafka.write(msgspec.structs.replace(SAMPLES["TurnFinished"], **own, answer=SafeText("the answer")))
    await asyncio.to_thread(two.start)
    async with client_of(two) as client:
        await client.send({"type": "session.resume", "session_id": "s-1", "cursor": f"{accepted['turn_id']}:1:0"})
        snapshot, _ = await frames(client, "snapshot", "completed")
        assert snapshot["text"] == "the answer"
        await client.send(SEND)
        again, snapshot, _ = await frames(client, "accepted", "snapshot", "completed")
        assert (again["turn_id"], snapshot["text"]) == (accepted["turn_id"], "the answer")
    headers = {"Authorization": f"Bearer {two.token}", "Idempotency-Key": "m-1"}
    url = f"{two.settings.gateway_url}/v1/sessions/s-1/messages"
    told = httpx.post(url, json={"text": "hello", "bot": "assistant"}, headers=headers).json()
    assert told["turn_id"] == accepted["turn_id"]
    assert "the answer" in httpx.get(two.settings.gateway_url + told["events"], headers=headers).text
    assert len(requests(site)) == 1


@pytest.mark.parametrize(("point", "written"), [("gateway.before_produce", 0), ("gateway.accepted_not_told", 1)])
async def test_a_gateway_dies_while_it_accepts_and_the_other_gives_the_same_turn(
    site: Site, both: tuple[Gateway, Gateway], point: str, written: int
):
    one, two = both
    (site.home / "failpoints" / point).touch()
    async with client_of(one) as client:
        user_id = client.ready["user_id"]
        await client.send(SEND)
        with pytest.raises((Unavailable, ConnectionClosed, AssertionError)):
            await frames(client, "accepted")
    found = await asyncio.to_thread(requests, site)
    assert len(found) == written
    assert not found or await known_to(two, found[0].turn_id)
    async with client_of(two) as client:
        await client.send(SEND)
        (accepted,) = await frames(client, "accepted")
    assert accepted["turn_id"] == turn_id_for(user_id, "s-1", "m-1")
    found = await asyncio.to_thread(requests, site)
    assert {event.turn_id for event in found} == {accepted["turn_id"]}
    assert len(found) == 1
