"""What the redact stage keeps of a conversation, so that a value has one placeholder throughout."""

import msgspec
from msgspec import Struct

SEALED_AS = "Memory"
"""The field a memory is sealed as: see sluice.sealing."""
MOST_VALUES = 2_000


class Memory(Struct, frozen=True):
    """Values by placeholder, oldest first, and the highest number given for each type."""

    values: dict[str, str] = {}
    highest: dict[str, int] = {}

    def encode(self) -> str:
        """As JSON, to be sealed. Beyond MOST_VALUES the oldest are forgotten; their numbers are not given again."""
        newest = dict(list(self.values.items())[-MOST_VALUES:])
        return msgspec.json.encode(Memory(newest, self.highest)).decode()


NOTHING = Memory()


def read_memory(text: str) -> Memory:
    """From JSON. Raises msgspec.DecodeError."""
    return msgspec.json.decode(text, type=Memory)
