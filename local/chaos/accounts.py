"""Invariants about calls of the provider and about the landing zone: I5 to I7, I11."""

import math
from collections import Counter, defaultdict

from local.chaos.evidence import Injected, JsonObject, LogRecord
from local.chaos.findings import Finding
from local.chaos.index import Index, TurnOnLog, trace_id
from local.chaos.visible import attempt_of

_GRACE_MS = 30_000
"""A fault still works when it is over: sessions run out, partitions move, delayed requests arrive. After all brokers
were away, workers that were starting meanwhile join one after another. On a busy machine a successor took its
partitions 16.5 s after the fault's end.
"""


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
    """I6: an attempt is one call at most, and a turn one attempt and one more for each fault that touched it.

    A fault is a call that failed, by its row in the ledger: another model may be asked, or the same once more, as often
    as the bot allows. And it is what gives the turn another owner, or takes the log away: faults of the respond stage,
    of brokers and of their links, if the turn was under way between their begin and their grace after the end.
    """
    faults = [fault for fault in index.evidence.faults if fault.done and _may_hand_over(fault)]
    calls: dict[str, Counter[str]] = defaultdict(Counter)
    for call in index.evidence.meter:
        turn_id = index.turn_of_attempt.get(call["request_id"]) or index.turn_of_trace.get(trace_id(call))
        calls[turn_id or ""][call["request_id"]] += 1
    finding = Finding("I6", len(calls))
    for turn_id in calls.keys() - index.turns.keys():
        finding.blame(turn_id or "?", f"{calls[turn_id].total()} calls for no turn of the log")
    failed = Counter(
        row.fields["turn_id"]
        for row, _ in _valid_rows(index.evidence.records).values()
        if row.fields["outcome"] == "failed"
    )
    for turn_id, turn in index.turns.items():
        owners = 1 + sum(_under_way(turn, fault) for fault in faults)
        asked = index.asked_for(turn_id)
        each = index.evidence.bots[asked.bot].get("calls", 1) if asked else 1
        allowed = owners + min(failed[turn_id], owners * (each - 1))
        attempts = {attempt_of(record) for record in turn.replies if record.event == "AttemptStarted"}
        if len(attempts) > allowed:
            finding.blame(turn_id, f"{len(attempts)} attempts, allowed {allowed}")
        if calls[turn_id].total() > len(calls[turn_id]):
            finding.blame(turn_id, f"{calls[turn_id].total()} calls for {len(calls[turn_id])} attempts")
        if calls[turn_id].total() > allowed:
            finding.blame(turn_id, f"{calls[turn_id].total()} calls, allowed {allowed}")
    return finding


def _may_hand_over(fault: Injected) -> bool:
    return fault.victim.startswith(("respond", "broker"))


def _under_way(turn: TurnOnLog, fault: Injected) -> bool:
    return turn.begun_ms <= fault.end_ms + _GRACE_MS and turn.ended_ms >= fault.begin_ms


def facts_equal_topics(index: Index) -> Finding:
    """I11: the star schema was built with all its tests, and differs from the log in nothing."""
    build, found = (index.evidence.facts.get(name) or {} for name in ("build", "reconciliation"))
    days = found.get("days", [])
    finding = Finding("I11", sum(day["topics"]["events"] for day in days))
    for failure in build.get("failures", []):
        finding.blame(failure.partition(":")[0], failure)
    for one in found.get("differences", []):
        finding.blame("{topic} {partition}@{offset}".format(**one), f"{one['layer']}: {one['what']}")
    for one in found.get("quarantined", []):  # nothing bad is said in a run
        finding.blame("{topic} {partition}@{offset}".format(**one), f"in quarantine: {one['reason']}")
    for day in days:
        drift = {name: value for name, value in day["drift"].items() if float(value)}
        if drift:
            finding.blame(day["date"], f"drift of {drift}")
    return finding


def landing_equals_topics(index: Index) -> Finding:
    """I7: each record once, no other. What was written after the last look at the lag may not have landed yet."""
    topics = set(index.evidence.landed_topics)
    ends = {(row.topic, row.partition): row.end for row in index.evidence.backlog if row.group == "landing"}
    wanted = {
        (r.topic, r.partition, r.offset): r.fields["event_id"]
        for r in index.evidence.records
        if r.topic in topics and r.event != "undecodable" and r.offset < ends.get((r.topic, r.partition), math.inf)
    }
    finding = Finding("I7", len(wanted))
    landed: Counter[tuple[str, int, int]] = Counter()
    for row in index.evidence.landed:
        if row.offset >= ends.get((row.topic, row.partition), math.inf):
            continue
        place = (row.topic, row.partition, row.offset)
        landed[place] += 1
        if wanted.get(place) != row.event_id:
            finding.blame("{} {}@{}".format(*place), f"landed {row.event_id}, the log has {wanted.get(place)}")
    for place in wanted:
        if landed[place] != 1:
            finding.blame("{} {}@{}".format(*place), f"landed {landed[place]} times")
    return finding
