"""The conversation with one client as a sans-I/O object: text in, checked frames or refusals out."""

import re
from typing import Any

import msgspec

from gateway.frames import (
    MAX_FRAME_BYTES,
    MAX_TEXT_CHARACTERS,
    ClientFrame,
    ErrorFrame,
    Feedback,
    MessageSend,
    SessionResume,
    TurnStop,
)
from gateway.mistakes import mistake
from sluice.errors import ErrorCode, Refused

_DECODER = msgspec.json.Decoder(ClientFrame)
_TYPES = {"message.send", "turn.stop", "session.resume", "feedback"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_DEEPEST = 8
_REFUSALS_BEFORE_CLOSE = 50
CLOSE_BAD_FRAMES = 4400


class Protocol:
    """One connection. `close_code` is set when the client has been refused too often."""

    def __init__(self) -> None:
        self._refusals = 0
        self.close_code: int | None = None

    def receive(self, data: str | bytes) -> ClientFrame | ErrorFrame:
        """Check one frame. A refusal is an answer, not an end."""
        try:
            return read_frame(data)
        except Refused as refused:
            return self.refuse(refused)

    def refuse(self, refused: Refused) -> ErrorFrame:
        """The error frame of a refusal."""
        self._refusals += 1
        if self._refusals >= _REFUSALS_BEFORE_CLOSE:
            self.close_code = CLOSE_BAD_FRAMES
        return error_frame(refused)


def error_frame(refused: Refused) -> ErrorFrame:
    """As the client sees it."""
    return ErrorFrame(refused.code.value, refused.message, refused.code.kind.retryable, refused.ref)


def read_frame(data: str | bytes) -> ClientFrame:
    """Raises Refused with the code of what is wrong."""
    if isinstance(data, bytes):
        raise Refused(ErrorCode.BINARY_FRAME)
    if len(data) > MAX_FRAME_BYTES or len(raw := _bytes(data)) > MAX_FRAME_BYTES:
        raise Refused(ErrorCode.FRAME_TOO_LARGE)
    if depth(data) > _DEEPEST:
        raise Refused(ErrorCode.FRAME_TOO_DEEP)
    try:
        frame: ClientFrame = _DECODER.decode(raw)
    except msgspec.ValidationError as error:
        raise _refusal(error, raw) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused(ErrorCode.INVALID_JSON) from None
    check(frame)
    return frame


def check(frame: ClientFrame) -> None:
    """What the types do not say. Raises Refused."""
    match frame:
        case MessageSend(text=text, client_msg_id=ref):
            check_text(text, ref)
        case Feedback(comment=str() as comment, turn_id=ref) if has_control_characters(comment):
            raise Refused(ErrorCode.TEXT_CONTROL_CHARACTERS, ref=ref)
        case TurnStop() | SessionResume() | Feedback():
            pass


def check_text(text: str, ref: str | None = None) -> None:
    """A message: not empty, not too long, no control characters but tab and line ends. Raises Refused."""
    if not text.strip():
        raise Refused(ErrorCode.TEXT_EMPTY, ref=ref)
    if len(text) > MAX_TEXT_CHARACTERS:
        raise Refused(ErrorCode.TEXT_TOO_LONG, ref=ref)
    if has_control_characters(text):
        raise Refused(ErrorCode.TEXT_CONTROL_CHARACTERS, ref=ref)


def has_control_characters(text: str) -> bool:
    """Others than tab and line ends."""
    return _CONTROL.search(text) is not None


def depth(text: str) -> int:
    """How deeply the JSON is nested, brackets in strings not counted."""
    if text.count("{") + text.count("[") <= _DEEPEST:
        return 0
    deepest = now = 0
    quoted = escaped = False
    for character in text:
        if quoted:
            quoted = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "{[":
            now += 1
            deepest = max(deepest, now)
        elif character in "}]":
            now -= 1
    return deepest


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Refused(ErrorCode.INVALID_JSON) from None


def _refusal(error: msgspec.ValidationError, raw: bytes) -> Refused:
    """What is wrong with a frame: its JSON after all, its type, or a field."""
    try:
        found: Any = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return Refused(ErrorCode.INVALID_JSON)
    fields = found if isinstance(found, dict) else {}
    kind, reference = fields.get("type"), fields.get("client_msg_id", fields.get("turn_id"))
    unknown = isinstance(kind, str) and kind not in _TYPES
    code = ErrorCode.UNKNOWN_FRAME_TYPE if unknown else ErrorCode.INVALID_FRAME
    return Refused(code, _safe(error), reference[:64] if isinstance(reference, str) else None)


def _safe(error: msgspec.ValidationError) -> str:
    unknown = str(error).startswith("Invalid value")
    return ErrorCode.UNKNOWN_FRAME_TYPE.kind.message if unknown else mistake(error)
