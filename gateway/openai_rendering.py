"""Frames of a turn as OpenAI's objects: what was sent can never be taken back, so nothing is sent twice or mended."""

from dataclasses import dataclass
from typing import Protocol

import msgspec

from gateway.frames import Cancelled, Completed, Delta, Failed, Reset, ServerFrame, Snapshot, Started
from gateway.openai_objects import (
    AnswerMessage,
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    ChunkDelta,
    Usage,
)
from sluice.errors import ErrorCode, Refused

DONE = b"data: [DONE]\n\n"
BEAT = b": still here\n\n"
_FALLBACK = "fallback"
_ENCODER = msgspec.json.Encoder()


class SentOnce:
    """The text that may be sent of a turn whose attempts may begin anew.

    An attempt that repeats what was sent is held back while it does, and goes on from there. One that says something
    else, or ends before it said as much, cannot be told to a client that has no word for `discard`: Refused.
    """

    def __init__(self) -> None:
        self._sent: list[str] = []
        self._before = ""
        self._repeated = 0

    def take(self, frame: ServerFrame) -> str:
        """What of this frame is new. Raises Refused(model_stream_broken) where it does not fit to what was sent."""
        match frame:
            case Started() | Reset():
                self._hold()
            case Snapshot():
                self._hold()
                return self._new(frame.text)
            case Delta():
                return self._new(frame.text)
            case Completed() if self._repeated < len(self._before):
                raise Refused(ErrorCode.MODEL_STREAM_BROKEN)
            case _:
                pass
        return ""

    def _hold(self) -> None:
        self._before, self._repeated = "".join(self._sent), 0
        self._sent = [self._before] if self._before else []

    def _new(self, text: str) -> str:
        known = self._before[self._repeated : self._repeated + len(text)]
        if not text.startswith(known):
            raise Refused(ErrorCode.MODEL_STREAM_BROKEN)
        self._repeated += len(known)
        new = text[len(known) :]
        if new:
            self._sent.append(new)
        return new


@dataclass(frozen=True, slots=True)
class Head:
    """What all objects of one answer begin with."""

    turn_id: str
    created: int
    model: str

    @property
    def id(self) -> str:
        """As OpenAI names answers."""
        return f"chatcmpl-{self.turn_id}"


class Rendering(Protocol):
    """Frames of one turn to bytes for its client."""

    @property
    def media_type(self) -> str:
        """Of the bytes."""
        ...

    def take(self, frame: ServerFrame) -> bytes:
        """What to send for this frame, if anything. Raises Refused where there will be no whole answer."""
        ...


class Streamed:
    """As server-sent events."""

    media_type = "text/event-stream; charset=utf-8"

    def __init__(self, head: Head, *, include_usage: bool = False) -> None:
        self._head, self._include_usage = head, include_usage
        self._begun = False
        self._text = SentOnce()

    def take(self, frame: ServerFrame) -> bytes:
        """See Rendering."""
        check_goes_on(frame)
        text = self._text.take(frame)
        if text:
            return self._role() + self._chunk(ChunkDelta(content=text))
        return self._end(frame) if isinstance(frame, Completed) else b""

    def _end(self, completed: Completed) -> bytes:
        reason, origin, head = finish_reason(completed.finish_reason), origin_of(completed), self._head
        chunks = self._role() + self._chunk(ChunkDelta(), reason, origin)
        if self._include_usage:
            last = ChatCompletionChunk(head.id, head.created, head.model, [], origin, usage=usage_of(completed))
            chunks += event(last)
        return chunks + DONE

    def _role(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        return self._chunk(ChunkDelta(role="assistant", content=""))

    def _chunk(self, delta: ChunkDelta, reason: str | None = None, origin: str | None = None) -> bytes:
        head, usage = self._head, None if self._include_usage else msgspec.UNSET
        choices = [ChunkChoice(delta, reason)]
        return event(ChatCompletionChunk(head.id, head.created, head.model, choices, origin, usage=usage))


class Whole:
    """As one object, once all of it is known: here attempts may begin anew as they like."""

    media_type = "application/json"

    def __init__(self, head: Head) -> None:
        self._head = head
        self._pieces: list[str] = []

    def take(self, frame: ServerFrame) -> bytes:
        """See Rendering."""
        check_goes_on(frame)
        match frame:
            case Started() | Reset():
                self._pieces = []
            case Snapshot():
                self._pieces = [frame.text]
            case Delta():
                self._pieces.append(frame.text)
            case Completed():
                head, message = self._head, AnswerMessage("".join(self._pieces))
                choices = [Choice(message, finish_reason(frame.finish_reason))]
                answer = ChatCompletion(head.id, head.created, head.model, choices, usage_of(frame), origin_of(frame))
                return _ENCODER.encode(answer)
            case _:
                pass
        return b""


def check_goes_on(frame: ServerFrame) -> None:
    """Raises Refused where the turn ended without a whole answer."""
    if isinstance(frame, Failed):
        raise Refused(ErrorCode(frame.code), frame.message)
    if isinstance(frame, Cancelled):
        raise Refused(ErrorCode.TURN_CANCELLED)


def finish_reason(reason: str) -> str:
    """One of those that OpenAI has: a filtered answer is an error here."""
    return "length" if reason == "length" else "stop"


def origin_of(completed: Completed) -> str | None:
    """For `system_fingerprint`: that no model answered, and this is the bot's own text."""
    return _FALLBACK if completed.finish_reason == _FALLBACK else None


def usage_of(completed: Completed) -> Usage:
    """Of all attempts."""
    usage = completed.usage
    return Usage(usage.prompt_tokens, usage.completion_tokens, usage.prompt_tokens + usage.completion_tokens)


def event(content: object) -> bytes:
    """As one server-sent event."""
    return b"data: " + _ENCODER.encode(content) + b"\n\n"
