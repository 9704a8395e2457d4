"""What a client that brings its own context sends along, as it is sealed in `ChatRequested.context`."""

import msgspec

from sluice.events import ContextRole

SEALED_AS = "ChatRequested.context"
MOST_BYTES = 262_144
"""Of all messages with the question: the redact stage has to read them, and a record must not outgrow the log."""
MESSAGE_BYTES = 64
"""What a message counts for beside its text."""


class OwnMessage(msgspec.Struct, frozen=True):
    """One message as the client wrote it."""

    role: ContextRole
    content: str


class OwnContext(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Messages before the question, and strings before which the answer is to end. Both may be personal."""

    messages: tuple[OwnMessage, ...]
    stop: tuple[str, ...]

    @property
    def size_bytes(self) -> int:
        """What counts against MOST_BYTES."""
        texts = (*(message.content for message in self.messages), *self.stop)
        return sum(len(text.encode()) + MESSAGE_BYTES for text in texts)

    def encode(self) -> str:
        """As JSON."""
        return msgspec.json.encode(self).decode()


def read_own_context(text: str) -> OwnContext:
    """From JSON. Raises msgspec.DecodeError."""
    return msgspec.json.decode(text, type=OwnContext)
