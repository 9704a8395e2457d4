"""The broker goes away while readers are connected: retryable refusals in bounded time, and a return by itself."""

import asyncio
import os
import signal
import sys
import time
from typing import Any

import msgspec
import pytest

from sluice.chat_client import ChatClient
from sluice.ids import turn_id_for
from sluice.safe_text import SafeText
from tests.integration.gateway.conftest import Site
from tests.samples import SAMPLES

AWAY_SECONDS = float(os.environ.get("BROKER_AWAY_SECONDS", "8"))
BOUND_SECONDS = 15
"""Five, and what a busy machine adds; a producer that is not bounded gives up after thirty."""
TURN = {"session_id": "s-1", "text": "hello", "bot": "assistant"}


async def next_of(client: ChatClient, kinds: set[str]) -> dict[str, Any]:
    async with asyncio.timeout(60):
        async for frame in client.frames():
            if frame["type"] in kinds:
                return frame
    raise AssertionError("the socket was closed")


async def send(client: ChatClient, ref: str) -> dict[str, Any]:
    await client.send({"type": "message.send", "client_msg_id": ref, **TURN})
    return await next_of(client, {"accepted", "error"})


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_readers_and_writers_outlive_a_broker_that_is_away(site: Site, how: str):
    gateway = await asyncio.to_thread(site.gateway)
    async with ChatClient(gateway.settings.gateway_url, gateway.token) as client:
        user_id = client.ready["user_id"]
        accepted = await send(client, "m-1")
        assert accepted["type"] == "accepted"
        own = {"user_id": user_id, "turn_id": accepted["turn_id"]}
        site.kafka.write(
            *(msgspec.structs.replace(SAMPLES[name], **own) for name in ("AttemptStarted", "DeltaProduced"))
        )
        assert (await next_of(client, {"delta"}))["seq"] == 0

        site.kafka.signal(signal.SIGKILL if how == "killed" else signal.SIGSTOP)
        gone = time.monotonic()
        refused = await send(client, "m-2")
        assert (refused["type"], refused["code"], refused["retryable"]) == ("error", "log_unavailable", True)
        assert time.monotonic() - gone < BOUND_SECONDS
        await asyncio.to_thread(gateway.wait_for, 503)
        begun = time.monotonic()
        assert (await send(client, "m-3"))["code"] == "log_unavailable"
        assert time.monotonic() - begun < BOUND_SECONDS
        await asyncio.sleep(max(0.0, AWAY_SECONDS - (time.monotonic() - gone)))

        if how == "killed":
            site.kafka.start()
        else:
            site.kafka.signal(signal.SIGCONT)
        back = await asyncio.to_thread(gateway.wait_for, 200)
        away = time.monotonic() - gone - back
        sys.stderr.write(f"ready {back:.1f} s after a broker that was {how} for {away:.1f} s came back\n")
        resent = await send(client, "m-2")
        assert (resent["type"], resent["turn_id"]) == ("accepted", turn_id_for(user_id, "s-1", "m-2"))
        more = msgspec.structs.replace(SAMPLES["DeltaProduced"], **own, seq=1, text=SafeText("still here"))
        site.kafka.write(more, msgspec.structs.replace(SAMPLES["TurnCancelled"], **own))
        assert (await next_of(client, {"delta"}))["text"] == "still here"
        assert (await next_of(client, {"cancelled"}))["turn_id"] == accepted["turn_id"]
    assert gateway.process is not None
    assert gateway.process.poll() is None
