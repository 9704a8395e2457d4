"""The redact stage's memory is sealed, and gone with its person's key."""

import pytest

from agents.memory import NOTHING, Memory
from sluice.key_store import MemoryKeyStore
from sluice.sealing import CannotOpen, Sealer
from streams.memories import Memories

MEMORY = Memory({"[EMAIL_1]": "jane@example.org"}, {"EMAIL": 1})


def test_what_is_put_is_sealed_and_comes_back():
    table: dict[bytes, bytes] = {}
    memories = Memories(table, Sealer(MemoryKeyStore(), "t"))
    assert memories.open(memories.get("s"), "usr") == NOTHING
    memories.put("s", MEMORY, "usr")
    assert b"jane" not in b"".join(table.values())
    assert memories.open(memories.get("s"), "usr") == MEMORY


def test_who_was_erased_begins_anew():
    keys = MemoryKeyStore()
    memories = Memories({}, Sealer(keys, "t"))
    memories.put("s", MEMORY, "usr")
    keys.destroy("usr")
    assert memories.open(memories.get("s"), "usr") == NOTHING


def test_what_was_changed_is_not_taken():
    table: dict[bytes, bytes] = {}
    memories = Memories(table, Sealer(MemoryKeyStore(), "t"))
    memories.put("s", MEMORY, "usr")
    table[b"s"] = table[b"s"][:-1] + bytes([table[b"s"][-1] ^ 1])
    with pytest.raises(CannotOpen, match="changed bytes"):
        memories.open(memories.get("s"), "usr")
