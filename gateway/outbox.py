"""Frames on their way to one reader: gathered, bounded in bytes, and given up when the reader is too slow."""

import asyncio
from collections.abc import Callable, Iterable

from gateway.frames import Delta, ServerFrame, Snapshot

FRAME_BYTES = 256
"""What a waiting frame costs beside its text."""


class Outbox:
    """Deltas that wait are joined, so a slow reader costs little more than its text.

    The limit, in bytes of UTF-8, holds for what waits together with what was taken last and is still being sent.
    """

    __slots__ = ("_filled", "_frames", "_limit", "_sending", "_size", "on_overflow", "overflown")

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._frames: list[ServerFrame] = []
        self._size = 0
        self._sending = 0
        self._filled = asyncio.Event()
        self.overflown = False
        self.on_overflow: Callable[[], None] | None = None

    @property
    def room(self) -> int:
        """Bytes that still go in."""
        return 0 if self.overflown else self._limit - self._sending - self._size

    def put(self, frame: ServerFrame) -> None:
        """Never waits. Beyond the limit everything is dropped and `overflown` says so: the reader must resume."""
        if self.overflown:
            return
        self._frames.append(frame)
        self._size += bytes_of(frame)
        if self._size + self._sending > self._limit:
            self._frames = joined(self._frames)
            self._size = sum(map(bytes_of, self._frames))
            if self._size + self._sending > self._limit:
                self.give_up()
        self._filled.set()

    def give_up(self) -> None:
        """The reader is too slow: drop what waits, once."""
        if not self.overflown:
            self.overflown = True
            self._frames, self._size = [], 0
            self._filled.set()
            if self.on_overflow is not None:
                self.on_overflow()

    async def take(self) -> list[ServerFrame]:
        """All that waits, joined; waits for at least one. Empty when overflown. What was taken before is sent."""
        self._sending = 0
        await self._filled.wait()
        self._filled.clear()
        frames = joined(self._frames)
        self._sending, self._frames, self._size = self._size, [], 0
        return frames


def bytes_of(frame: ServerFrame) -> int:
    """What a frame counts for."""
    if not isinstance(frame, Delta | Snapshot):
        return FRAME_BYTES
    text = frame.text
    return FRAME_BYTES + (len(text) if text.isascii() else len(text.encode()))


def joined(frames: Iterable[ServerFrame]) -> list[ServerFrame]:
    """Deltas of one attempt that follow on another become one frame, also with other turns' frames in between.

    The order within a turn stays; a frame of the whole connection or session stays behind and before what was.
    """
    out: list[ServerFrame | list[Delta]] = []
    runs: dict[str, list[Delta]] = {}
    for frame in frames:
        if isinstance(frame, Delta):
            run = runs.get(frame.turn_id)
            if run is not None and run[-1].attempt == frame.attempt and run[-1].seq + 1 == frame.first_seq:
                run.append(frame)
                continue
            run = runs[frame.turn_id] = [frame]
            out.append(run)
            continue
        turn_id = getattr(frame, "turn_id", None)
        if turn_id is None:
            runs.clear()
        else:
            runs.pop(turn_id, None)
        out.append(frame)
    return [_one(part) if isinstance(part, list) else part for part in out]


def _one(run: list[Delta]) -> Delta:
    if len(run) == 1:
        return run[0]
    text = "".join([delta.text for delta in run])
    return Delta(run[0].turn_id, run[0].attempt, run[-1].seq, run[0].first_seq, text)
