"""Read topics from end to end, once, apart from any consumer group."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.batching import Place
from sluice.dead_letters import Origin
from sluice.errors import Unavailable
from sluice.kafka_access import OPERATOR_GROUP
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import Servers, consumer_config
from sluice.kafka_records import origin_of

_DENIED = {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}
_FIRST_ANSWER_SECONDS = 4.0
_TIMEOUT_SECONDS = 10.0


class Span(NamedTuple):
    """Offsets from `low` up to, not including, `end`."""

    low: int
    end: int


Window = Mapping[Place, Span]
"""The part of the log that is looked at. Retention takes records away below, producers add above."""


class LogScan:
    """Every call raises Unavailable, naming the address, where the broker does not answer."""

    def __init__(self, bootstrap_servers: Servers, group: str = OPERATOR_GROUP) -> None:
        """`group` is that of the principal: nothing is joined or committed, but Kafka looks at it."""
        self._servers, self._group = bootstrap_servers, group

    def partitions(self, topics: Iterable[str]) -> dict[str, int]:
        """Partition counts of those of the topics that exist."""
        existing = KafkaAdmin(self._servers).partitions(_FIRST_ANSWER_SECONDS)
        return {topic: existing[topic] for topic in topics if topic in existing}

    def window(self, places: Iterable[Place]) -> dict[Place, Span]:
        """What the log holds of these partitions now."""
        reader = self._reader()
        try:
            return {
                place: Span(*reader.get_watermark_offsets(TopicPartition(*place), timeout=_TIMEOUT_SECONDS))
                for place in places
            }
        except (KafkaException, TypeError) as error:  # the offsets are None where the time ran out
            raise self._silent(error) from error
        finally:
            reader.close()

    def starts(self, places: Iterable[Place], since: datetime) -> dict[Place, int]:
        """Of each partition the first offset at or after a time; its end where nothing is that late."""
        wanted = [TopicPartition(*place, int(since.timestamp() * 1000)) for place in places]
        reader = self._reader()
        try:
            ends = {Place(p.topic, p.partition): self._end(reader, p) for p in wanted}
            found = reader.offsets_for_times(wanted, _TIMEOUT_SECONDS)
            return {
                (place := Place(one.topic, one.partition)): one.offset if one.offset >= 0 else ends[place]
                for one in found
            }
        except (KafkaException, TypeError) as error:  # the offsets are None where the time ran out
            raise self._silent(error) from error
        finally:
            reader.close()

    def records(self, window: Window) -> Iterator[Origin]:
        """Every record of the window, each partition in order."""
        left = {place: span for place, span in window.items() if span.low < span.end}
        reader = self._reader()
        try:
            reader.assign([TopicPartition(*place, span.low) for place, span in left.items()])
            while left:
                message = reader.poll(_TIMEOUT_SECONDS)
                if message is None:
                    raise Unavailable(f"Kafka at {self._servers} stopped answering. Look at it with `make status`.")
                place = Place(str(message.topic()), int(message.partition() or 0))
                failure = message.error()
                if failure is not None:
                    if failure.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 (librdkafka's own name)
                        left.pop(place, None)
                    elif failure.code() in _DENIED:
                        raise KafkaAdmin(self._servers).refusal(failure)
                    continue
                origin = origin_of(message)
                if place not in left:
                    continue
                if origin.offset < left[place].end:
                    yield origin
                if origin.offset >= left[place].end - 1:
                    del left[place]
        finally:
            reader.close()

    def _end(self, reader: Consumer, place: TopicPartition) -> int:
        return int(reader.get_watermark_offsets(TopicPartition(place.topic, place.partition), _TIMEOUT_SECONDS)[1])

    def _silent(self, error: Exception) -> Unavailable:
        return Unavailable(f"Kafka at {self._servers} does not answer ({error}). Start it with `make up`.")

    def _reader(self) -> Consumer:
        return Consumer(consumer_config(self._servers, "sluice-scan", self._group, {"enable.partition.eof": "true"}))


def whole(scan: LogScan, topics: Iterable[str]) -> Window:
    """All that the topics hold now."""
    counts = scan.partitions(topics)
    return scan.window(Place(topic, number) for topic, count in counts.items() for number in range(count))
