"""Invariants about turns and their clients: I1 to I4 and I8."""

import re
from collections import defaultdict
from collections.abc import Sequence

from local.chaos.evidence import LogRecord, Seen
from local.chaos.findings import Finding
from local.chaos.index import Index, TurnOnLog, end_of
from local.chaos.visible import attempt_of, epoch_of

_MARKER = re.compile(r"zq[a-z]{10}qz")
_STATED = ("completed", "cancelled")


def accepted_is_logged(index: Index) -> Finding:
    """I1."""
    finding = Finding("I1", len(index.accepted))
    for turn_id, frames in index.accepted.items():
        turn = index.turns.get(turn_id)
        if turn is None or not turn.requests:
            finding.blame(turn_id, f"accepted by gateway {frames[0].gateway}, not in chat-requests")
    return finding


def one_terminal(index: Index) -> tuple[Finding, int, int]:
    """I2, with how many turns are lost and how many doubled."""
    turns = set(index.accepted) | {turn_id for turn_id, turn in index.turns.items() if turn.requests}
    finding = Finding("I2", len(turns))
    lost = 0
    for turn_id in turns:
        turn = index.turns.get(turn_id, TurnOnLog(turn_id))
        why = _missing(turn)
        if why:
            lost += 1
            finding.blame(turn_id, why)
            continue
        why = _disagreement(turn) or _two_ends(index.at_client.get(turn_id, ()))
        if why:
            finding.blame(turn_id, why)
    messages: dict[tuple[str, str], set[str]] = defaultdict(set)
    for turn_id, frames in index.accepted.items():
        for seen in frames:
            messages[seen.client, seen.frame["client_msg_id"]].add(turn_id)
    for (client, message), ids in messages.items():
        if len(ids) > 1:
            finding.blame(f"{client} {message}", f"one message, {len(ids)} turns: {sorted(ids)}")
    return finding, lost, len(finding.violations) - lost


def _missing(turn: TurnOnLog) -> str:
    if turn.shown.end is None:
        return f"no visible terminal; {len(turn.prompts)} prompts, {len(turn.replies)} replies"
    return "" if turn.finished else "a terminal, but no record in chat-turns"


def _valid_finished(turn: TurnOnLog) -> list[LogRecord]:
    """The records of the highest (epoch, attempts): one, or repeats of it."""
    best = max((epoch_of(r), r.fields["attempts"]) for r in turn.finished)
    return [r for r in turn.finished if (epoch_of(r), r.fields["attempts"]) == best]


def _disagreement(turn: TurnOnLog) -> str:
    for record in _valid_finished(turn):
        if record.fields["state"] != turn.shown.state:
            return f"visible terminal says {turn.shown.state}, chat-turns@{record.offset} {record.fields['state']}"
        if turn.shown.state in _STATED and record.fields["answer"] != "".join(turn.shown.text):
            return f"chat-turns {record.partition}@{record.offset} has another text than the visible attempt"
    return ""


def _two_ends(frames: Sequence[Seen]) -> str:
    ends = {end_of(seen) for seen in frames} - {""}
    return f"the client saw {sorted(ends)}" if len(ends) > 1 else ""


def clients_saw_it(index: Index) -> Finding:
    """I3. Whoever was told `accepted` must have seen the visible end."""
    finding = Finding("I3", len(index.accepted))
    fetched = 0
    for turn_id in index.accepted:
        turn = index.turns.get(turn_id)
        ends = [seen for seen in index.at_client.get(turn_id, ()) if end_of(seen)]
        fetched += any(seen.way == "fetched" for seen in ends)
        state = turn.shown.state if turn else ""
        if not ends:
            finding.blame(turn_id, f"the client saw no end (visible: {state or 'none'})")
        elif state not in {end_of(seen) for seen in ends}:
            finding.blame(turn_id, f"the client saw {end_of(ends[0])}, visible is {state or 'none'}")
    finding.notes.append(f"{fetched} of them read over REST after resync_required")
    return finding


def no_gaps(index: Index) -> Finding:
    """I4: numbers on the log, texts on the log, texts at the client."""
    finding = Finding("I4", len(index.turns))
    for turn in index.turns.values():
        for why in (_numbers(turn), _texts(turn), _at_client(index, turn), _echo(index, turn)):
            if why:
                finding.blame(turn.turn_id, why)
    return finding


def _numbers(turn: TurnOnLog) -> str:
    """An event that is on the log twice counts once: a producer may repeat what it could not see acknowledged."""
    following: dict[str, int] = defaultdict(int)
    known: set[str] = set()
    for record in turn.replies:
        if record.fields["event_id"] in known:
            continue
        known.add(record.fields["event_id"])
        name = attempt_of(record)
        if record.event == "AttemptReset":
            following[name] = 0
        elif record.event == "DeltaProduced":
            if record.fields["seq"] != following[name]:
                return f"attempt {name}: seq {record.fields['seq']} where {following[name]} is next @{record.offset}"
            following[name] += 1
    return ""


def _texts(turn: TurnOnLog) -> str:
    end = turn.shown.end
    if end is not None and end.event == "TurnCompleted" and end.fields["deltas"] != len(turn.shown.text):
        return f"the terminal counts {end.fields['deltas']} deltas, the log has {len(turn.shown.text)}"
    return ""


def _at_client(index: Index, turn: TurnOnLog) -> str:
    """What the client put together, frame by frame.

    A delta that does not fit is passed over on a connection that has not yet told where the turn stands: its resume is
    under way or was refused, and another message of the session made the gateway listen. One that goes on at a cursor
    the client has named replaces what came after it: live deltas may be ahead of the answer to a resume, and one who
    asks twice is answered twice.
    """
    text, attempt, last = "", 0, -1
    ends: dict[int, int] = {-1: 0}
    told: set[int] = set()
    cursors = index.cursors.get(turn.turn_id, set())
    for seen in index.at_client.get(turn.turn_id, ()):
        frame = seen.frame
        kind = "fetched" if seen.way == "fetched" else frame["type"]
        if kind in ("started", "reset"):
            if frame["attempt"] < attempt:
                return f"attempt {frame['attempt']} after {attempt} on connection {seen.connection}"
            ends = ends if frame["attempt"] == attempt else {-1: 0}
            text, attempt, last = "", frame["attempt"], -1
            told.add(seen.connection)
        elif kind == "snapshot":
            ends = ends if frame["attempt"] == attempt else {-1: 0}
            text, attempt, last = frame["text"], frame["attempt"], frame["seq"]
            ends[last] = len(text)
            told.add(seen.connection)
        elif kind == "delta":
            before = frame["first_seq"] - 1
            named = before in ends and f"{turn.turn_id}:{attempt}:{before}" in cursors
            if frame["attempt"] == attempt and (before == last or (before < last and named)):
                text, last = text[: ends.get(before, 0)] + frame["text"], frame["seq"]
                ends[last] = len(text)
                told.add(seen.connection)
            elif seen.connection in told:
                return (
                    f"connection {seen.connection}: delta {frame['attempt']}:{frame['first_seq']} "
                    f"where {attempt}:{last + 1} is next"
                )
        elif end_of(seen) in _STATED and turn.shown.state == end_of(seen):
            shown = frame["answer"] if kind == "fetched" else text
            if (shown or "") != "".join(turn.shown.text):
                return f"the client has {len(shown or '')} characters, the log {len(''.join(turn.shown.text))}"
    return ""


def _echo(index: Index, turn: TurnOnLog) -> str:
    asked = index.asked_for(turn.turn_id)
    if asked is None or turn.shown.state != "completed" or not index.evidence.bots[asked.bot]["echoes"]:
        return ""
    return "" if "".join(turn.shown.text) == asked.text else "the echo is not what was asked"


def nothing_crosses(index: Index) -> Finding:
    """I8: sessions, persons and words."""
    finding = Finding("I8", len(index.evidence.seen))
    sessions: dict[str, set[str]] = defaultdict(set)
    markers: dict[str, str] = {}
    for asked in index.evidence.asked:
        sessions[asked.client].add(asked.session_id)
        markers[asked.session_id] = asked.marker
    home: dict[str, tuple[str, str]] = {}
    for record in index.evidence.records:
        turn_id, session_id = record.fields.get("turn_id"), record.fields.get("session_id")
        if turn_id and session_id:
            place = home.setdefault(turn_id, (session_id, record.fields["user_id"]))
            if place != (session_id, record.fields["user_id"]) or record.key != session_id:
                finding.blame(turn_id, f"{record.topic} {record.partition}@{record.offset} is in another session")
    for seen in index.evidence.seen:
        if seen.way == "sent":
            continue
        session_id = seen.frame.get("session_id") or home.get(seen.frame.get("turn_id", ""), ("", ""))[0]
        if session_id and session_id not in sessions[seen.client]:
            finding.blame(f"{seen.client} {session_id}", f"a frame of it came on connection {seen.connection}")
    for turn in index.turns.values():
        session_id = home.get(turn.turn_id, ("", ""))[0]
        said = "".join(turn.shown.text) + "".join(
            str(seen.frame.get("text", "")) for seen in index.at_client.get(turn.turn_id, ())
        )
        strange = set(_MARKER.findall(said)) - {markers.get(session_id, "")}
        if session_id in markers and strange:
            finding.blame(turn.turn_id, f"says words of another session: {sorted(strange)}")
    return finding
