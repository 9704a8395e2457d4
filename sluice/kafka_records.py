"""librdkafka's messages in our words."""

from datetime import UTC, datetime
from typing import cast

from confluent_kafka import Message

from sluice.dead_letters import Origin
from sluice.kafka_config import Headers


def origin_of(message: Message) -> Origin:
    """Where a message came from, with what it holds. Key and value are bytes as they were."""
    key = message.key()
    return Origin(
        topic=str(message.topic()),
        partition=int(message.partition() or 0),
        offset=int(message.offset() or 0),
        timestamp=datetime.fromtimestamp(max(0, message.timestamp()[1]) / 1000, UTC),
        key=key.encode() if isinstance(key, str) else key,
        value=message.value(),
        headers=list(cast(Headers, message.headers() or [])),
    )
