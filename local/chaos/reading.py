"""Reads what the run left in topics, landing zone, meter and groups. Runs past the proxies, in threads."""

import json
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pyarrow.parquet as pq
from confluent_kafka import Consumer, ConsumerGroupState, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from connectors.landing_zone import LandingZone
from local.chaos.evidence import CONVERSATIONS, Backlog, Committed, JsonObject, Landed, LogRecord
from sluice import wiring
from sluice.codec import Codec
from sluice.errors import Rejected, Unavailable
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import client_config
from sluice.schemas import sealed_fields
from sluice.settings import Settings
from sluice.topics import catalogue

STAGE_TOPICS = {
    "sluice-enrich": ("chat-requests", "chat-turns"),
    "sluice-redact": ("chat-enriched",),
    "sluice-respond": ("chat-prompts", "chat-controls"),
}
_OFFSETS_TOPIC, _OFFSETS_PARTITIONS = "__consumer_offsets", 4
_OFFSET_KEYS = (0, 1)
_READ_SECONDS = 60.0
_TIMEOUT_SECONDS = 10.0
_BUILD_SECONDS, _TAIL = 300.0, 1_000


def landed_topics() -> list[str]:
    """Topics the sink must land: those that name `connectors` among their readers."""
    return sorted(topic.name for topic in catalogue().values() if "connectors" in topic.consumers)


def read_topics(settings: Settings) -> list[LogRecord]:
    """All records of the catalogue's topics, by topic, partition and offset. Raises Unavailable when that hangs."""
    codec = wiring.codec(settings)
    topics = {name: topic.partitions for name, topic in catalogue().items()}
    found = [_record(codec, message) for message in _messages(settings, topics)]
    return sorted(found, key=lambda record: (record.topic, record.partition, record.offset))


def read_commits(settings: Settings) -> list[Committed]:
    """Every commit of the stages, from Kafka's own topic: it is compacted, but not as soon as a run is over.

    Keys are `int16 version, string group, string topic, int32 partition`, values begin with `int16 version, int64
    offset`. Source: OffsetCommitKey.json and OffsetCommitValue.json of Apache Kafka's group coordinator.
    """
    found = []
    for message in _messages(settings, {_OFFSETS_TOPIC: _OFFSETS_PARTITIONS}):
        key, value = message.key() or b"", message.value() or b""
        if len(value) < _OFFSET_VALUE.size or int.from_bytes(key[:2], "big") not in _OFFSET_KEYS:
            continue
        group, rest = _string(key[2:])
        topic, rest = _string(rest)
        if topic in STAGE_TOPICS.get(group, ()):
            offset = _OFFSET_VALUE.unpack_from(value)[1]
            found.append(Committed(message.timestamp()[1], group, topic, int.from_bytes(rest[:4], "big"), offset))
    return found


_OFFSET_VALUE = struct.Struct(">hq")


def _string(data: bytes) -> tuple[str, bytes]:
    length = int.from_bytes(data[:2], "big")
    return data[2 : 2 + length].decode(), data[2 + length :]


def _messages(settings: Settings, topics: dict[str, int]) -> Iterator[Any]:
    consumer = _reader(settings)
    try:
        ends = _bounds(consumer, topics)
        todo = {place: end for place, (begin, end) in ends.items() if end > begin}
        consumer.assign([TopicPartition(*place, ends[place][0]) for place in todo])
        deadline = time.monotonic() + _READ_SECONDS
        while todo:
            if time.monotonic() > deadline:
                raise Unavailable(f"Topics could not be read to their end: {sorted(todo)[:5]}")
            for message in consumer.consume(1000, 1.0):
                error, place = message.error(), (str(message.topic()), int(message.partition() or 0))
                if error is not None:
                    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 (librdkafka's own name)
                        todo.pop(place, None)  # what is last there can be a transaction's mark, which nobody is shown
                    continue
                yield message
                if int(message.offset() or 0) + 1 >= todo.get(place, 0):
                    todo.pop(place, None)
    finally:
        consumer.close()


def _reader(settings: Settings) -> Consumer:
    own = {"group.id": "chaos-evidence", "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    own["enable.partition.eof"] = True
    return Consumer(client_config(settings.bootstrap_servers, "chaos-evidence") | own)


def _bounds(consumer: Consumer, topics: dict[str, int]) -> dict[tuple[str, int], tuple[int, int]]:
    found = {}
    for name, count in topics.items():
        for partition in range(count):
            low, high = consumer.get_watermark_offsets(TopicPartition(name, partition), timeout=_TIMEOUT_SECONDS)
            found[name, partition] = (low, high)
    return found


def _record(codec: Codec, message: Any) -> LogRecord:
    if message.topic() == CONVERSATIONS:
        row = msgspec.json.decode(message.value() or b"{}")
        return _placed(message, "ConversationKept", {"finished": list(row.get("ranks", ()))})
    try:
        event = codec.decode(message.value())
    except Rejected:
        name, shown = "undecodable", {}
    else:
        name = type(event).__name__
        sealed = sealed_fields(name)
        fields = msgspec.to_builtins(event, builtin_types=(bytes,))
        shown = {key: value for key, value in fields.items() if key not in sealed and not _holds_bytes(value)}
    return _placed(message, name, shown)


def _placed(message: Any, name: str, shown: JsonObject) -> LogRecord:
    key = (message.key() or b"").decode(errors="replace")
    return LogRecord(message.topic(), message.partition(), message.offset(), message.timestamp()[1], key, name, shown)


def _holds_bytes(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_bytes(one) for one in value.values())
    return isinstance(value, bytes)


def read_landing(folder: Path) -> list[Landed]:
    """Every row of every file, also the same row in two files. Nobody merges files meanwhile."""
    rows = []
    with LandingZone(folder).rewriting():
        for path in sorted(folder.glob("*/date=*/*.parquet")):
            table = pq.read_table(path, columns=["_topic", "_partition", "_offset", "event_id"], partitioning=None)
            rows += [Landed(*row.values()) for row in table.to_pylist()]
    return rows


def read_facts(environment: Mapping[str, str]) -> JsonObject:
    """Builds the warehouse and compares it with the log. Raises RuntimeError where it says nothing."""
    sluice = Path(sys.executable).with_name("sluice")
    done = subprocess.run(
        [sluice, "warehouse", "--json"],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        check=False,
    )
    if not done.stdout:
        raise RuntimeError(done.stderr[-_TAIL:])
    facts: JsonObject = json.loads(done.stdout)
    return facts


def read_meter(settings: Settings) -> list[JsonObject]:
    """The provider's calls."""
    address = f"http://127.0.0.1:{settings.provider_port}/meter"
    calls: list[JsonObject] = httpx.get(address, timeout=_TIMEOUT_SECONDS, trust_env=False).json()["calls"]
    return calls


def read_backlog(settings: Settings) -> list[Backlog]:
    """Where each group stands in each partition it must read. Raises Unavailable or KafkaException."""
    wanted = STAGE_TOPICS | {"landing": tuple(landed_topics())}
    admin = KafkaAdmin(settings.bootstrap_servers)
    consumer = _reader(settings)
    try:
        names = {name for topics in wanted.values() for name in topics}
        bounds = _bounds(consumer, {name: catalogue()[name].partitions for name in names})
    finally:
        consumer.close()
    rows = []
    for group, topics in wanted.items():
        committed = admin.committed(group)
        for (topic, partition), (begin, end) in sorted(bounds.items()):
            if topic in topics:
                rows.append(Backlog(group, topic, partition, committed.get((topic, partition)), begin, end))
    return rows


def groups_complete(servers: str) -> bool:
    """Every stage's group has two members, stands still, and the sink has joined its own."""
    admin = AdminClient(client_config(servers, "chaos-groups"))
    wanted = dict.fromkeys(STAGE_TOPICS, 2) | {"landing": 1}
    try:
        for group, future in admin.describe_consumer_groups(list(wanted)).items():
            found = future.result(_TIMEOUT_SECONDS)
            if found.state != ConsumerGroupState.STABLE or len(found.members) < wanted[group]:
                return False
    except (KafkaException, TimeoutError):
        return False
    return True
