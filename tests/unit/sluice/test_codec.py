import subprocess
import sys
from pathlib import Path

import pytest

from sluice.codec import Codec
from sluice.errors import ConfigurationError, Rejected, RejectReason
from sluice.events import EVENT_TYPES
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds, lock
from sluice.schemas import Schema, schema_of
from tests.samples import SAMPLES

IDS = LockFileIds(data_folder("avro") / "schema-ids.lock.json")
CODEC = Codec(IDS)
GOOD = CODEC.encode(SAMPLES["StopRequested"])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, RejectReason.NULL_RECORD),
        (b"", RejectReason.EMPTY_RECORD),
        (b"\x00\x00", RejectReason.BAD_MAGIC_BYTE),
        (b'{"json": true}', RejectReason.BAD_MAGIC_BYTE),
        (b"\x00\x7f\xff\xff\xff" + GOOD[5:], RejectReason.UNKNOWN_SCHEMA),
        (GOOD[:-1], RejectReason.UNDECODABLE),
        (GOOD + b"\x00", RejectReason.UNDECODABLE),
    ],
)
def test_what_is_no_event_is_rejected_with_its_reason(value, reason):
    with pytest.raises(Rejected) as rejected:
        CODEC.decode(value)
    assert rejected.value.reason is reason


def test_a_schema_that_is_no_event_of_ours_is_rejected():
    class Foreign:
        def id_of(self, event_name: str) -> int:
            return 1

        def schema_for(self, schema_id: int) -> Schema:
            return {"type": "record", "name": "Stranger", "fields": []}

    with pytest.raises(Rejected) as rejected:
        Codec(Foreign()).decode(b"\x00\x00\x00\x00\x01")
    assert rejected.value.reason is RejectReason.UNEXPECTED_EVENT


def test_the_detail_of_a_rejection_holds_no_content():
    with pytest.raises(Rejected) as rejected:
        CODEC.decode(GOOD[:20])
    assert "e-1" not in str(rejected.value)


def test_the_lock_gives_numbers_once_and_keeps_them(tmp_path):
    path = tmp_path / "lock.json"
    assert lock(path) == list(EVENT_TYPES)
    first = path.read_bytes()
    assert lock(path) == []
    assert path.read_bytes() == first
    assert LockFileIds(path).id_of("ChatRequested") == 1


@pytest.mark.parametrize("content", ["{", "[]", '{"other": 1}'])
def test_a_broken_lock_file_says_what_to_do(tmp_path, content):
    path = tmp_path / "lock.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match="version control"):
        LockFileIds(path)


def test_a_schema_without_a_number_says_what_to_do(tmp_path):
    path = tmp_path / "lock.json"
    path.write_text('{"schemas": []}')
    with pytest.raises(ConfigurationError, match="sluice schemas lock"):
        LockFileIds(path).id_of("ChatRequested")


def test_there_is_no_schema_for_an_unknown_event():
    with pytest.raises(ConfigurationError, match="Unheard"):
        schema_of("Unheard")


MEETING = """
import sys, threading
from pathlib import Path
from sluice.codec import Codec
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds

sys.setswitchinterval(1e-7)
codec = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))
for golden in sorted(Path(sys.argv[1]).glob("*.hex")):
    value, gate = bytes.fromhex(golden.read_text()), threading.Barrier(8)
    threads = [threading.Thread(target=lambda: (gate.wait(), codec.decode(value))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


@pytest.mark.parametrize("_attempt", range(3))
def test_threads_may_meet_a_type_at_the_same_time(_attempt: int):
    """Without what the codec does at its import two runs of three end with a crash of the interpreter."""
    golden = Path(__file__).parents[2] / "golden"
    assert subprocess.run([sys.executable, "-c", MEETING, str(golden)], check=False).returncode == 0
