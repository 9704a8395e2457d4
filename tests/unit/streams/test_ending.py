"""What a worker says when its end, or a rebalance, takes too long."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest
from confluent_kafka import KafkaError, KafkaException

from sluice.kafka_config import consumer_config
from sluice.logs import get_logger
from streams.transport import member as module
from streams.transport.member import Handlers, Member, Partition
from streams.worker import leave

GivesUp = Callable[[set[Partition], bool], Awaitable[Mapping[Partition, int]]]


def member_that(gives_up: GivesUp) -> Member:
    handlers = Handlers(lambda _: None, lambda _: None, lambda _: None, gives_up, lambda _: None)
    return Member(consumer_config("127.0.0.1:1", "test", "g"), incremental=True, handlers=handlers, log=get_logger())


async def test_work_that_is_not_let_go_of_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_LET_GO_SECONDS", 0.01)
    cancelled = asyncio.Event()

    async def never(_gone: set[Partition], _lost: bool) -> Mapping[Partition, int]:
        try:
            await cancelled.wait()
        finally:
            cancelled.set()
        return {}

    member = member_that(never)
    member._loop = asyncio.get_running_loop()
    gone = {("chat-requests", number) for number in range(6)}
    with pytest.raises(TimeoutError, match=r"6 partitions \(chat-requests/0, .*\) was not let go of within 0\.01 s"):
        await asyncio.to_thread(member._give_up, gone, lost=False)
    cancelled.set()
    await asyncio.to_thread(member._consumer.close)


async def test_a_group_that_is_not_left_in_time_is_said():
    await leave(asyncio.sleep(0), 1.0)
    with pytest.raises(TimeoutError, match=r"leaving the group took more than 0\.01 s"):
        await leave(asyncio.Event().wait(), 0.01)


async def test_a_member_whose_client_is_done_for_is_no_member():
    async def never(_gone: set[Partition], _lost: bool) -> Mapping[Partition, int]:
        return {}

    member = member_that(never)
    member._note(KafkaError(KafkaError._TRANSPORT))
    with pytest.raises(KafkaException):
        member._note(KafkaError(KafkaError._FATAL))
    await asyncio.to_thread(member._consumer.close)
