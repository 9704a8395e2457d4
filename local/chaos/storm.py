"""A member of a consumer group that takes partitions and gives them back without having read them.

`python -m local.chaos.storm SERVERS STAGE`: a process of its own, so that it can be given up if it hangs. Ends with 1
where it got no partition.
"""

import sys
import time

from confluent_kafka import Consumer

from sluice.kafka_config import client_config

_TOPICS = {"enrich": "chat-requests", "redact": "chat-enriched", "respond": "chat-prompts"}
_PATIENCE_SECONDS, _STAY_SECONDS = 20.0, 0.5


def join_and_leave(servers: str, stage: str) -> bool:
    """Blocks until it had partitions for a moment, or in vain. Nothing is committed."""
    consumer = Consumer(
        client_config(servers, "chaos-storm")
        | {
            "group.id": f"sluice-{stage}",
            "group.protocol": "consumer",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
        }
    )
    consumer.subscribe([_TOPICS[stage]])
    deadline = time.monotonic() + _PATIENCE_SECONDS
    had = False
    try:
        while time.monotonic() < deadline:
            consumer.poll(0.1)
            assigned = consumer.assignment()
            if assigned:
                consumer.pause(assigned)
                deadline = deadline if had else time.monotonic() + _STAY_SECONDS
                had = True
        return had
    finally:
        consumer.close()


if __name__ == "__main__":
    sys.exit(not join_and_leave(*sys.argv[1:]))
