"""What the transport needs from its worker, and the group protocols it speaks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sluice.kafka_config import Config, Servers, consumer_config
from sluice.kafka_producer import KafkaProducer
from sluice.logs import Logger, get_logger

GroupProtocol = Literal["consumer", "classic"]
_FLUSH_AND_COMMIT_SECONDS = 12.0


@dataclass(frozen=True, slots=True)
class Options:
    """`incremental`: whether rebalances move single partitions (KIP-848) or all of them (classic)."""

    member_config: Config
    query_config: Config
    incremental: bool
    producer: KafkaProducer
    on_fatal: Callable[[str], None]
    reach: Callable[[str], None]
    log: Logger


def options_for(
    servers: Servers,
    group: str,
    protocol: GroupProtocol,
    session_seconds: float,
    producer: KafkaProducer,
    on_fatal: Callable[[str], None],
    reach: Callable[[str], None] = lambda _point: None,
    grace_seconds: float = 3.0,
) -> Options:
    """`session_seconds` counts in the classic protocol; with KIP-848 the broker sets the group's time.

    `grace_seconds` is what running work gets when its partition moves.
    """
    base = consumer_config(servers, group, group)
    return Options(
        member_config=base | _membership(protocol, int(session_seconds * 1000), grace_seconds),
        query_config=base,
        incremental=protocol == "consumer",
        producer=producer,
        on_fatal=on_fatal,
        reach=reach,
        log=get_logger(),
    )


def _membership(protocol: GroupProtocol, session_ms: int, grace_seconds: float) -> Config:
    """`range` in both: co-partitioned topics must give a worker the same numbers.

    With KIP-848 `max.poll.interval.ms` is also the longest that the group waits for a member to give partitions back.
    librdkafka 2.16 forgets to ask again where the answer that names them comes later than a heartbeat: such a member
    keeps what it has, and the one that should get it waits, until the group throws the first one out.
    """
    if protocol == "consumer":
        patience = int((grace_seconds + _FLUSH_AND_COMMIT_SECONDS) * 1000)
        return {"group.protocol": "consumer", "group.remote.assignor": "range", "max.poll.interval.ms": patience}
    return {
        "partition.assignment.strategy": "range",
        "session.timeout.ms": session_ms,
        "heartbeat.interval.ms": session_ms // 5,
    }
