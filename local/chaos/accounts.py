"""Invariants about calls of the provider and about the landing zone: I5 to I7."""

from collections import Counter, defaultdict

from local.chaos.evidence import Injected, JsonObject, LogRecord
from local.chaos.findings import Finding
from local.chaos.index import Index, TurnOnLog, trace_id

_GRACE_MS = 10_000
"""A fault still works when it is over: sessions run out, partitions move, delayed requests arrive."""
_TOUCHES_ALL = frozenset({"broker_kill", "brokers_restart", "provider"})


def ledger_equals_meter(index: Index) -> Finding:
    """I5.

    Each call has the rows of one attempt, each attempt one valid row: one that is not `abandoned` beats those that are,
    because a zombie's true count beats the next owner's estimate. Tokens are equal unless the row says `estimated`.
    A row without a call is right only where nothing is billed, or where the count is an estimate of an attempt that
    did not complete: its worker may have died, or been stopped, before the request reached the provider.
    """
    rows = _valid_rows(index.evidence.records)
    finding = Finding("I5", max(len(rows), len(index.evidence.meter)))
    by_call_id = {row.fields["provider_call_id"]: name for name, (row, _) in rows.items()}
    met: dict[str, JsonObject] = {}
    off = estimates = 0
    for call in index.evidence.meter:
        name = call["request_id"] if call["request_id"] in rows else by_call_id.get(call["call_id"])
        if name is None:
            finding.blame(call["request_id"] or call["call_id"], f"a call of {call['model']} without a row")
        elif name in met:
            finding.blame(name, "one attempt, two calls")
        else:
            met[name] = call
    for name, (row, count) in rows.items():
        usage = row.fields["usage"]
        if count > 1:
            finding.blame(name, f"{count} distinct rows that are not abandoned")
        billed = usage["prompt_tokens"] + usage["completion_tokens"]
        called = met.get(name)
        if called is None:
            if billed and (not usage["estimated"] or row.fields["outcome"] == "completed"):
                finding.blame(name, f"a row ({row.fields['outcome']}, {billed} tokens) without a call")
            estimates += bool(billed)
            off += billed
            continue
        metered = called["prompt_tokens"] + called["completion_tokens"]
        if usage["estimated"]:
            estimates += 1
            off += abs(billed - metered)
        elif (usage["prompt_tokens"], usage["completion_tokens"]) != (
            called["prompt_tokens"],
            called["completion_tokens"],
        ):
            finding.blame(
                name,
                f"ledger {usage['prompt_tokens']}+{usage['completion_tokens']}, meter "
                f"{called['prompt_tokens']}+{called['completion_tokens']} ({called['state']})",
            )
    finding.notes.append(f"{estimates} estimated rows, {off} tokens off in sum")
    return finding


def _valid_rows(records: list[LogRecord]) -> dict[str, tuple[LogRecord, int]]:
    """Attempt to its valid row, and how many distinct ones claim to be it. A repeat has the same event_id."""
    attempts: dict[str, dict[str, LogRecord]] = defaultdict(dict)
    for record in records:
        if record.topic == "llm-usage" and record.event == "AttemptMetered":
            name = record.fields.get("attempt_id") or f"{record.fields['turn_id']}#{record.fields['attempt']}"
            attempts[name].setdefault(record.fields["event_id"], record)
    found = {}
    for name, rows in attempts.items():
        true = [row for row in rows.values() if row.fields["outcome"] != "abandoned"]
        found[name] = (true[0], len(true)) if true else (next(iter(rows.values())), 1)
    return found


def calls_are_bounded(index: Index) -> Finding:
    """I6. Faults touch a turn that is under way between their begin and ten seconds after their end.

    What counts is what can end an attempt: faults of the respond stage, of brokers and their links, of the provider.
    """
    faults = [fault for fault in index.evidence.faults if fault.done and _touches_respond(fault)]
    calls: Counter[str] = Counter()
    for call in index.evidence.meter:
        turn_id = index.turn_of_attempt.get(call["request_id"]) or index.turn_of_trace.get(trace_id(call))
        calls[turn_id or ""] += 1
    finding = Finding("I6", len(calls))
    for turn_id, count in calls.items():
        turn = index.turns.get(turn_id)
        if turn is None:
            finding.blame(turn_id or "?", f"{count} calls for no turn of the log")
            continue
        touched = sum(_under_way(turn, fault) for fault in faults)
        asked = index.asked_for(turn_id)
        each = index.evidence.bots[asked.bot]["calls"] if asked else 1
        if count > each * (1 + touched):
            finding.blame(turn_id, f"{count} calls, allowed {each} x (1 + {touched})")
    return finding


def _touches_respond(fault: Injected) -> bool:
    if fault.kind in _TOUCHES_ALL or fault.target == "respond":
        return True
    return fault.victim.startswith(("respond", "broker", "provider"))


def _under_way(turn: TurnOnLog, fault: Injected) -> bool:
    return turn.begun_ms <= fault.end_ms + _GRACE_MS and turn.ended_ms >= fault.begin_ms


def landing_equals_topics(index: Index) -> Finding:
    """I7: each record once, no other."""
    topics = set(index.evidence.landed_topics)
    wanted = {
        (r.topic, r.partition, r.offset): r.fields["event_id"]
        for r in index.evidence.records
        if r.topic in topics and r.event != "undecodable"
    }
    finding = Finding("I7", len(wanted))
    landed: Counter[tuple[str, int, int]] = Counter()
    for row in index.evidence.landed:
        place = (row.topic, row.partition, row.offset)
        landed[place] += 1
        if wanted.get(place) != row.event_id:
            finding.blame("{} {}@{}".format(*place), f"landed {row.event_id}, the log has {wanted.get(place)}")
    for place in wanted:
        if landed[place] != 1:
            finding.blame("{} {}@{}".format(*place), f"landed {landed[place]} times")
    return finding
