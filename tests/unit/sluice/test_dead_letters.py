import pytest

from sluice.codec import Codec
from sluice.dead_letters import DeadLetters, Origin
from sluice.errors import RejectReason
from sluice.events import DeadLetter
from sluice.key_files import make_key_files, read_key_file
from sluice.letter_box import PRIVATE_FILE, PUBLIC_FILE, take_out
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds
from tests.doubles import NOON, ManualClock
from tests.samples import TRACE

CODEC = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))


def letters(folder) -> DeadLetters:
    make_key_files(folder)
    public = read_key_file(folder, PUBLIC_FILE)
    return DeadLetters(CODEC, public, "sluice-enrich", ManualClock(), lambda: "fresh")


def origin(**over) -> Origin:
    plain = {"topic": "chat-requests", "partition": 3, "offset": 42, "timestamp": NOON, "key": b"s-1", "value": b"bad"}
    return Origin(**(plain | {"headers": [("traceparent", TRACE.encode())]} | over))


def opened(folder, **over) -> DeadLetter:
    _, value = letters(folder).letter(origin(**over), RejectReason.UNDECODABLE, "EOFError")
    letter = CODEC.decode(value)
    assert isinstance(letter, DeadLetter)
    return letter


def test_says_reason_origin_and_trace_and_keeps_the_bytes_sealed(tmp_path):
    letter = opened(tmp_path)
    assert (letter.reason, letter.detail, letter.consumer_group) == ("undecodable", "EOFError", "sluice-enrich")
    assert (letter.origin_topic, letter.origin_partition, letter.origin_offset) == ("chat-requests", 3, 42)
    assert letter.traceparent == TRACE
    assert letter.value is not None
    assert take_out(read_key_file(tmp_path, PRIVATE_FILE), letter.value) == b"bad"


def test_goes_to_the_topic_of_its_origin(tmp_path):
    assert letters(tmp_path).letter(origin(), RejectReason.NULL_RECORD, "")[0] == "chat-requests-dlq"


def test_a_record_met_again_has_the_same_event_id(tmp_path):
    assert opened(tmp_path).event_id == opened(tmp_path).event_id
    assert opened(tmp_path).event_id != opened(tmp_path, offset=43).event_id


def test_what_is_too_large_goes_without_its_bytes(tmp_path):
    letter = opened(tmp_path, value=b"x" * 1_000_000)
    assert (letter.reason, letter.key, letter.value) == ("record_too_large", None, None)
    assert letter.detail == "undecodable: EOFError; 1000003 bytes left out"


def test_nothing_stays_nothing_and_a_lost_trace_begins_anew(tmp_path):
    letter = opened(tmp_path, key=None, value=None, headers=[("traceparent", None)])
    assert (letter.key, letter.value, letter.traceparent) == (None, None, "fresh")


@pytest.mark.parametrize("value", [b"0" * 600_000, b"jane.doe@example.com", TRACE.encode() + b"-x", b"\xff", ""])
def test_what_is_no_trace_does_not_go_on(tmp_path, value: bytes | str):
    false = origin(headers=[("traceparent", value)])
    assert false.trace_headers == []
    assert opened(tmp_path, headers=false.headers).traceparent == "fresh"
