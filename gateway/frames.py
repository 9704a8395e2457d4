"""Frames of the sub-protocol `sluice.v1`: JSON text objects with a `type`. Reference: docs/reference/protocol.md."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from sluice.tokens import Scope

SUBPROTOCOL = "sluice.v1"
TICKET_PREFIX = "ticket."
MAX_FRAME_BYTES = 65_536
MAX_TEXT_CHARACTERS = 8_000

WireId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
TurnId = Annotated[str, Meta(pattern=r"^[0-9a-f-]{36}$")]
Cursor = Annotated[str, Meta(pattern=r"^[0-9a-f-]{36}:[0-9]{1,9}:-?[0-9]{1,9}$")]


class MessageSend(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="message.send"):
    """Ask a bot. The same client_msg_id again gives the same turn, and what there is of its answer."""

    client_msg_id: WireId
    session_id: WireId
    text: str
    bot: str


class TurnStop(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="turn.stop"):
    """End a running turn."""

    turn_id: TurnId


class SessionResume(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="session.resume"):
    """Get all after the cursor, later turns too; without one, running turns whole."""

    session_id: WireId
    cursor: Cursor | None = None


class Feedback(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="feedback"):
    """Judge an answer."""

    turn_id: TurnId
    rating: Literal["up", "down"]
    comment: Annotated[str, Meta(max_length=2000)] | None = None


ClientFrame = MessageSend | TurnStop | SessionResume | Feedback
NEEDS: dict[type[ClientFrame], Scope] = {
    MessageSend: "chat",
    TurnStop: "chat",
    SessionResume: "read",
    Feedback: "chat",
}
"""Which scope of a machine's key each frame needs."""
OPENED_BY = tuple(sorted(set(NEEDS.values())))
"""One of these opens a socket."""


class BotCard(Struct, frozen=True):
    """A bot as clients see it."""

    name: str
    description: str
    development: bool


class ProtocolLimits(Struct, frozen=True):
    """What the gateway takes."""

    text_characters: int = MAX_TEXT_CHARACTERS
    frame_bytes: int = MAX_FRAME_BYTES


class Ready(Struct, frozen=True, tag_field="type", tag="ready"):
    """The first frame of a connection."""

    user_id: str
    bots: list[BotCard]
    protocol: str = SUBPROTOCOL
    limits: ProtocolLimits = ProtocolLimits()


class Accepted(Struct, frozen=True, tag_field="type", tag="accepted"):
    """Kafka has the message."""

    turn_id: str
    session_id: str
    client_msg_id: str


class Started(Struct, frozen=True, tag_field="type", tag="started"):
    """A model is being asked."""

    turn_id: str
    session_id: str
    attempt: int
    model: str
    continues: bool = False
    """The first delta is all that was said before; there is no need to take it away meanwhile."""


class Delta(Struct, frozen=True, tag_field="type", tag="delta"):
    """A piece of the answer; `first_seq` to `seq` where several were gathered."""

    turn_id: str
    attempt: int
    seq: int
    first_seq: int
    text: str


class Reset(Struct, frozen=True, tag_field="type", tag="reset"):
    """Discard what `attempt` has said; another one begins anew."""

    turn_id: str
    attempt: int


class UsageShown(Struct, frozen=True):
    """Tokens of the turn."""

    prompt_tokens: int
    completion_tokens: int
    estimated: bool


class Latency(Struct, frozen=True):
    """Milliseconds since the message was accepted. `overhead` is first_delta without the model's own time."""

    first_delta: float | None
    total: float
    overhead: float | None


class Completed(Struct, frozen=True, tag_field="type", tag="completed"):
    """The answer is whole."""

    turn_id: str
    attempt: int
    usage: UsageShown
    cost_usd: str
    latency_ms: Latency
    model: str
    finish_reason: str
    """`stop`, `length`, ... as the provider says; `fallback` where no model answered and this is the bot's own text."""


class Failed(Struct, frozen=True, tag_field="type", tag="failed"):
    """There is no whole answer."""

    turn_id: str
    code: str
    message: str
    retryable: bool


class Cancelled(Struct, frozen=True, tag_field="type", tag="cancelled"):
    """The person stopped it."""

    turn_id: str
    attempt: int


class Snapshot(Struct, frozen=True, tag_field="type", tag="snapshot"):
    """The whole text so far, for who joins late. `seq` is 999999999 where the turn ended long ago."""

    turn_id: str
    session_id: str
    attempt: int
    seq: int
    text: str


class ResyncRequired(Struct, frozen=True, tag_field="type", tag="resync_required"):
    """What is missing cannot be sent: load the turns of the session over REST."""

    session_id: str


class ErrorFrame(Struct, frozen=True, tag_field="type", tag="error"):
    """A frame was refused. `ref` is the client_msg_id or turn_id it was about."""

    code: str
    message: str
    retryable: bool
    ref: str | None = None


ServerFrame = (
    Ready | Accepted | Started | Delta | Reset | Completed | Failed | Cancelled | Snapshot | ResyncRequired | ErrorFrame
)
TERMINAL_FRAMES = (Completed, Failed, Cancelled)
