"""What the transport needs from its worker."""

from collections.abc import Callable
from dataclasses import dataclass

from sluice.kafka_config import Config
from sluice.logs import Logger


@dataclass(frozen=True, slots=True)
class Options:
    """`incremental`: whether rebalances move single partitions (KIP-848) or all of them (classic)."""

    member_config: Config
    query_config: Config
    incremental: bool
    on_fatal: Callable[[str], None]
    reach: Callable[[str], None]
    log: Logger
