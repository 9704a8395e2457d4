"""Frames on their way to one reader: gathered, bounded in bytes, and given up when the reader is too slow."""

import asyncio
from collections.abc import Iterable

from gateway.frames import Delta, ServerFrame, Snapshot

_SMALL_FRAME_BYTES = 256


class Outbox:
    """Deltas that wait are joined into one frame, so a slow reader costs no more than its text."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._frames: list[ServerFrame] = []
        self._size = 0
        self._filled = asyncio.Event()
        self.overflown = False

    def put(self, frame: ServerFrame) -> None:
        """Never waits. Beyond the limit everything is dropped and `overflown` says so: the reader must resume."""
        if self.overflown:
            return
        self._size += len(frame.text.encode()) if isinstance(frame, Delta | Snapshot) else _SMALL_FRAME_BYTES
        if self._size > self._limit:
            self.overflown = True
            self._frames.clear()
        else:
            self._frames.append(frame)
        self._filled.set()

    async def take(self) -> list[ServerFrame]:
        """All that waits, joined; waits for at least one. Empty when overflown."""
        await self._filled.wait()
        self._filled.clear()
        frames, self._frames, self._size = self._frames, [], 0
        return list(joined(frames))


def joined(frames: Iterable[ServerFrame]) -> list[ServerFrame]:
    """Neighbouring deltas of one attempt become one frame."""
    out: list[ServerFrame] = []
    run: list[Delta] = []
    for frame in frames:
        if run and not (isinstance(frame, Delta) and _follows(run[-1], frame)):
            out.append(_one(run))
            run = []
        if isinstance(frame, Delta):
            run.append(frame)
        else:
            out.append(frame)
    if run:
        out.append(_one(run))
    return out


def _follows(first: Delta, second: Delta) -> bool:
    return (first.turn_id, first.attempt, first.seq + 1) == (second.turn_id, second.attempt, second.first_seq)


def _one(run: list[Delta]) -> Delta:
    text = "".join(delta.text for delta in run)
    return Delta(run[0].turn_id, run[0].attempt, run[-1].seq, run[0].first_seq, text)
