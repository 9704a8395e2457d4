"""What a reader has not seen, in order: from the hub where it is known there, else from the history."""

from collections.abc import Sequence

from gateway.documents import StoredTurn, stored_frames
from gateway.frames import ResyncRequired, ServerFrame
from gateway.history import History
from gateway.rendering import Cursor, catch_up
from sluice.replies import Reply

_MOST_TURNS = 50
"""Turns after the cursor that are sent. Who has missed more loads them over REST, page by page."""


def turn_so_far(reply: Reply | None, stored: StoredTurn | None, cursor: Cursor | None = None) -> list[ServerFrame]:
    """One turn from the cursor on, or whole: nothing where it waits for its beginning."""
    if reply is not None and (reply.attempt or reply.terminal is not None):
        return catch_up(reply, cursor)
    return stored_frames(stored, cursor) if stored is not None else []


def missed(
    user_id: str, session_id: str, cursor: Cursor | None, replies: Sequence[Reply], history: History
) -> list[ServerFrame]:
    """Everything after the cursor: the rest of its turn, then later turns in the order they were asked.

    Without a cursor, the running turns. `resync_required` ends the list where it is not all. Running turns are in
    every list, so that what comes next can be understood.
    """
    known = {reply.turn_id: reply for reply in replies}
    at = None if cursor is None else _own(history.turn(cursor[0]), user_id, session_id)
    frames: list[ServerFrame] = []
    told: set[str] = set()
    whole = True
    if cursor is not None:
        rest = turn_so_far(known.get(cursor[0]), at, cursor)
        whole = bool(rest) or cursor[0] in known
        later = history.turns(session_id, (at.created_at, at.turn_id), _MOST_TURNS + 1) if at is not None else []
        if whole and len(later) <= _MOST_TURNS:
            frames, told = rest, {cursor[0], *(turn.turn_id for turn in later)}
            for turn in later:
                frames += turn_so_far(known.get(turn.turn_id), turn)
        else:
            whole = False
    passed = cursor is None or cursor[0] not in known
    for reply in replies:
        if cursor is not None and reply.turn_id == cursor[0]:
            passed = True
        elif reply.turn_id not in told:
            # An ended turn that the history has not read yet is later than all that it has.
            late = whole and cursor is not None and passed and history.turn(reply.turn_id) is None
            if reply.terminal is None or late:
                frames += turn_so_far(reply, None)
    return frames if whole else [*frames, ResyncRequired(session_id)]


def _own(turn: StoredTurn | None, user_id: str, session_id: str) -> StoredTurn | None:
    return turn if turn is not None and (turn.user_id, turn.session_id) == (user_id, session_id) else None
