"""The proxy between real sockets on loopback."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from local.chaos.proxy import Proxy
from tests.ports import free_ports


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """In front of a server that says everything again."""

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1000):
                writer.write(data)
        writer.close()
        ended.set()

    ended = asyncio.Event()
    port, target = free_ports(2)
    server = await asyncio.start_server(repeat, "127.0.0.1", target)
    made = Proxy(port, target)
    await made.start()
    yield made
    await made.stop()
    server.close()
    if not made.refused:
        await ended.wait()
    await asyncio.sleep(0)


async def say(proxy: Proxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"hello")
    return reader, writer


async def test_what_goes_in_comes_out(proxy: Proxy):
    reader, writer = await say(proxy)
    assert await reader.readexactly(5) == b"hello"
    assert not proxy.late.is_set()
    writer.close()


async def test_a_cut_ends_both_sides_and_new_ones_pass(proxy: Proxy):
    reader, writer = await say(proxy)
    assert await reader.readexactly(5) == b"hello"
    assert proxy.cut() == 1
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()
    reader, writer = await say(proxy)
    assert await reader.readexactly(5) == b"hello"
    writer.close()


async def test_who_is_refused_gets_nothing(proxy: Proxy):
    proxy.refusing = True
    reader, writer = await say(proxy)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(5)
    assert proxy.refused == 1
    writer.close()


async def test_a_delay_holds_back(proxy: Proxy):
    proxy.delay_seconds = 0.05
    begun = asyncio.get_running_loop().time()
    reader, writer = await say(proxy)
    assert await reader.readexactly(5) == b"hello"
    assert asyncio.get_running_loop().time() - begun >= 0.1
    assert proxy.late.is_set()
    writer.close()


async def test_a_target_that_is_away_cuts_the_caller_off():
    port, nobody = free_ports(2)
    made = Proxy(port, nobody)
    await made.start()
    reader, writer = await say(made)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(5)
    writer.close()
    await made.stop()
