"""The redact stage's memory is sealed, and gone with its person's key or by order."""

from datetime import timedelta

import msgspec
import pytest

from agents.memory import NOTHING, Memory
from sluice.events import PersonErased, StateExpired
from sluice.key_store import MemoryKeyStore
from sluice.sealing import CannotOpen, Sealer
from streams.memories import Kept, Memories
from tests.doubles import NOON
from tests.samples import HEAD
from tests.unit.streams.tables import FakeTable

MEMORY = Memory({"[EMAIL_1]": "jane@example.org"}, {"EMAIL": 1})
DAY = timedelta(days=1)


def test_what_is_put_is_sealed_and_comes_back():
    table: dict[bytes, bytes] = {}
    memories = Memories(table, Sealer(MemoryKeyStore(), "t"))
    assert memories.open(memories.get("s"), "usr") == NOTHING
    memories.put("s", MEMORY, "usr", NOON)
    assert b"jane" not in b"".join(table.values())
    assert memories.open(memories.get("s"), "usr") == MEMORY


def test_who_was_erased_begins_anew():
    keys = MemoryKeyStore()
    memories = Memories({}, Sealer(keys, "t"))
    memories.put("s", MEMORY, "usr", NOON)
    keys.destroy("usr")
    assert memories.open(memories.get("s"), "usr") == NOTHING


def test_what_was_changed_is_not_taken():
    table: dict[bytes, bytes] = {}
    memories = Memories(table, Sealer(MemoryKeyStore(), "t"))
    memories.put("s", MEMORY, "usr", NOON)
    kept = msgspec.msgpack.decode(table[b"s"], type=Kept)
    changed = kept.sealed[:-1] + bytes([kept.sealed[-1] ^ 1])
    table[b"s"] = msgspec.msgpack.encode(msgspec.structs.replace(kept, sealed=changed))
    with pytest.raises(CannotOpen, match="changed bytes"):
        memories.open(memories.get("s"), "usr")


def test_what_an_older_version_left_begins_anew():
    assert Memories({b"s": b"\x01sealed"}, Sealer(MemoryKeyStore(), "t")).get("s") is None


async def test_it_forgets_by_order_what_lies_in_the_partition():
    table = FakeTable(partition=3)
    memories = Memories(table, Sealer(MemoryKeyStore(), "t"))
    for session, user, at in (("a", "usr_1", NOON), ("b", "usr_2", NOON - DAY), ("c", "usr_2", NOON + DAY)):
        memories.put(session, MEMORY, user, at)
    table[b"old"] = b"\x01sealed"
    erased = PersonErased(**HEAD, user_id="usr_1", erased_at=NOON)
    assert await memories.forget(erased, 4) == 0
    assert await memories.forget(erased, 3) == 2
    assert sorted(table.deleted) == [b"a", b"old"]
    assert await memories.forget(StateExpired(**HEAD, before=NOON), 3) == 1
    assert list(table) == [b"c"]
