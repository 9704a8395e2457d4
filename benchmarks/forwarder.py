"""One hop of the bare chain: `python -m benchmarks.forwarder SERVERS SOURCE TARGET`. Runs until SIGTERM."""

import signal
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from sluice.kafka_config import consumer_config, producer_config
from sluice.topics import catalogue


def main() -> None:
    """Poll and produce, nothing else: no decoding, no groups, no acknowledgement of what was read."""
    servers, source, target = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    producer = Producer(producer_config(servers, f"bare-{target}"))
    consumer = Consumer(consumer_config(servers, f"bare-{source}", f"bare-{source}"))
    partitions = range(catalogue()["chat-requests"].partitions)
    consumer.assign([TopicPartition(source, partition, OFFSET_BEGINNING) for partition in partitions])
    while True:
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            producer.produce(target, message.value(), message.key())
        producer.poll(0)


if __name__ == "__main__":
    main()
