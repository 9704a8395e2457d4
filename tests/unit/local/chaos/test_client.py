"""The campaign's client against a gateway that refuses at first."""

import asyncio
import json
import random
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from local.chaos.client import Client
from local.chaos.conversation import Saying
from local.chaos.evidence import Seen
from tests.ports import free_ports
from tests.waiting import meanwhile


async def test_who_may_not_resume_yet_asks_again():
    """Two turns of a session: the log is away when both are resumed, and the first connection broke."""
    resumed: list[str] = []
    connections = 0

    async def gateway(socket: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        first = connections == 1
        await tell(socket, {"type": "ready", "user_id": "usr_1"})
        async for text in socket:
            frame = json.loads(text)
            if frame["type"] == "message.send":
                turn_id = f"turn of {frame['client_msg_id']}"
                await tell(socket, {"type": "accepted", "client_msg_id": frame["client_msg_id"], "turn_id": turn_id})
                if first and frame["client_msg_id"] == "m-2":
                    return
                continue
            turn_id = frame["cursor"].partition(":")[0]
            resumed.append(turn_id)
            if resumed.count(turn_id) == 1:
                await tell(
                    socket, {"type": "error", "code": "log_unavailable", "retryable": True, "ref": frame["session_id"]}
                )
            else:
                await tell(socket, {"type": "completed", "turn_id": turn_id})

    seen: list[Seen] = []
    (port,) = free_ports(1)
    async with serve(gateway, "127.0.0.1", port, subprotocols=["sluice.v1"]):
        client = Client("c", "token", [f"http://127.0.0.1:{port}"], random.Random(1), lambda: 0.0, seen.append)
        running = asyncio.create_task(client.run())
        await meanwhile(lambda: client.user_id)
        for name in ("m-1", "m-2"):
            await client.say(Saying(0.0, "c", "s-1", name, "helper", "text", "word", "plain", 0.0))
        await meanwhile(lambda: client.turns and not client.open_turns)
        running.cancel()
    assert sorted(resumed) == ["turn of m-1", "turn of m-1", "turn of m-2", "turn of m-2"]


async def tell(socket: ServerConnection, frame: dict[str, Any]) -> None:
    await socket.send(json.dumps(frame))
