"""Requests straight to a broker as one user, past what client libraries look up first: they ask where a topic is before
they read or write, and so hear of a refusal that another client might never meet.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.admin import DescribeAclsRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from confluent_kafka import KafkaError

from sluice.kafka_config import Connection
from sluice.tls import trusting

_ANY = 1
_NODE = 1


def fetch(connection: Connection, topics: Collection[str]) -> dict[str, str | None]:
    """Read from the beginning of the first partition of each: an error's name, None where it went through."""
    wanted = [(topic, [(0, 0, 1000)]) for topic in topics]
    answer = _ask(connection, FetchRequest(100, 1, 1_000_000, 0, wanted))
    return {topic: _name(partitions[0][1]) for topic, partitions in answer.topics}


def produce(connection: Connection, topics: Collection[str]) -> dict[str, str | None]:
    """Write a record without a value, which no stage takes for an event, to the first partition of each."""
    batch = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1000)
    batch.append(0, int(time.time() * 1000), b"cells", None, [])
    record = bytes(batch.build())
    answer = _ask(connection, ProduceRequest(None, -1, 10_000, [(topic, [(0, record)]) for topic in topics]))
    return {topic: _name(partitions[0][1]) for topic, partitions in answer.topics}


def describe_acls(connection: Connection) -> str | None:
    """All of them: librdkafka takes a refusal of this for an empty list."""
    anything: Any = None
    answer = _ask(connection, DescribeAclsRequest(_ANY, anything, _ANY, anything, anything, _ANY, _ANY))
    return _name(answer.error_code)


def _name(code: int) -> str | None:
    return str(KafkaError(code).name()) if code else None


def _ask(connection: Connection, request: Any) -> Any:
    async def ask() -> Any:
        async with _client(connection) as client:
            return await client.send(_NODE, request)

    return asyncio.run(ask())


@asynccontextmanager
async def _client(connection: Connection) -> AsyncIterator[AIOKafkaClient]:
    config = connection.config
    client = AIOKafkaClient(
        bootstrap_servers=connection.servers,
        security_protocol=connection.protocol,
        ssl_context=trusting(connection.ca_file),
        sasl_mechanism=connection.mechanism,
        sasl_plain_username=connection.user,
        sasl_plain_password=config["sasl.password"],
    )
    await client.bootstrap()
    try:
        yield client
    finally:
        await client.close()
