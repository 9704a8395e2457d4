"""Invariants about offsets, and how long a killed worker's work stood still: I9, I10, recovery."""

from bisect import bisect_left
from collections import defaultdict
from itertools import accumulate

from local.chaos.evidence import CONVERSATIONS, Evidence, Injected
from local.chaos.findings import Finding
from local.chaos.index import Index
from local.chaos.visible import TERMINALS

_TOLERANCE_MS = 5
"""Between the clocks of brokers, which are the same machine's."""
_HAND_OVER = {
    "sluice-enrich": ("chat-requests", "chat-enriched"),
    "sluice-redact": ("chat-enriched", "chat-prompts"),
    "sluice-respond": ("chat-prompts", "chat-replies"),
}
_OUTCOMES = (
    *((group, source, target) for group, (source, target) in _HAND_OVER.items()),
    ("sluice-enrich", "chat-turns", CONVERSATIONS),
    ("sluice-respond", "chat-controls", "chat-controls"),
)
"""Group, what it reads, where the outcome shows. A stop works in a worker's memory: it is its own outcome."""
_ARRIVALS_MS = 8_000
_NOTICEABLE_MS = 1_000
_START_MS, _TAKE_OVER_MS = 10_000, 8_000
"""A worker is away for so long after it ended; the other one takes over within so long."""
_BEFORE_MS, _AFTER_MS = 10_000, 8_000
"""A kill so long before a broker's fault, or so long after it, is not measured."""
_NEVER = float("inf")


def commits_follow_work(index: Index) -> Finding:
    """I9: at each commit, whatever lies below the committed offset has its outcome on the log.

    An outcome is a terminal for respond's prompts, the next stage's event for requests and enriched ones, a row of
    enrich's table for finished turns, or a dead letter. Of controls only so much can be seen: that they were written.
    """
    evidence = index.evidence
    finding = Finding("I9", len(evidence.committed))
    for group, source, target in _OUTCOMES:
        done = _done_at(evidence, target)
        letters = _dead_letters(evidence, group)
        works: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for record in evidence.records:
            if record.topic == source:
                at_ms = letters.get((source, record.partition, record.offset), _NEVER)
                turn_id = record.fields.get("turn_id", "")
                works[record.partition].append((record.offset, min(at_ms, done.get(turn_id, _NEVER))))
        for partition, rows in works.items():
            offsets = [offset for offset, _ in rows]
            latest = list(accumulate((at_ms for _, at_ms in rows), max))
            for sample in evidence.committed:
                if (sample.group, sample.topic, sample.partition) != (group, source, partition):
                    continue
                below = bisect_left(offsets, sample.offset)
                if below and latest[below - 1] > sample.at_ms + _TOLERANCE_MS:
                    late = next(o for o, at_ms in rows if at_ms > sample.at_ms + _TOLERANCE_MS)
                    finding.blame(f"{source} {partition}@{late}", f"unfinished, {group} committed {sample.offset}")
    return finding


def _done_at(evidence: Evidence, topic: str) -> dict[str, float]:
    """Turn to the log's time of its first outcome in a topic."""
    found: dict[str, float] = {}
    for record in evidence.records:
        if record.topic == topic and (topic != "chat-replies" or record.event in TERMINALS):
            for turn_id in record.fields.get("finished", [record.fields.get("turn_id", "")]):
                found.setdefault(turn_id, record.at_ms)
    return found


def _dead_letters(evidence: Evidence, group: str) -> dict[tuple[str, int, int], float]:
    return {
        (r.fields["origin_topic"], r.fields["origin_partition"], r.fields["origin_offset"]): r.at_ms
        for r in evidence.records
        if r.event == "DeadLetter" and r.fields["consumer_group"] == group
    }


def lag_is_zero(index: Index) -> Finding:
    """I10: at the end every group has committed all there is."""
    finding = Finding("I10", len(index.evidence.backlog))
    for row in index.evidence.backlog:
        if row.end > row.begin and (row.committed is None or row.committed < row.end):
            finding.blame(f"{row.group} {row.topic} {row.partition}", f"committed {row.committed} of {row.end}")
    return finding


def recoveries(evidence: Evidence) -> list[float]:
    """Seconds from each kill of a worker until its partitions moved again, the last of them.

    A partition has work if a record of it was unfinished at the kill or came within 8 s after it; it moves when the
    stage's next event of any such record's turn is in the log. Where that took less than a second the partition was not
    the victim's, or nothing stood still; a kill that no partition noticed counts with its longest wait. Left out are a
    kill that met no work at all, and two whose recovery would be somebody else's: with a broker's fault around it, or
    while the stage's other worker was away too, so that there was nobody to take over before one was started anew.
    """
    brokers = [fault for fault in evidence.faults if fault.done and fault.kind.startswith("broker")]
    found = []
    for fault in evidence.faults:
        group = f"sluice-{fault.victim.split('-', 1)[0]}"
        if fault.done and fault.kind in ("kill", "failpoint") and group in _HAND_OVER:
            died_ms = _died_ms(evidence, fault)
            if any(one.begin_ms - _BEFORE_MS < died_ms < one.end_ms + _AFTER_MS for one in brokers):
                continue
            if _other_away(evidence, fault, died_ms):
                continue
            seconds = _recovery(evidence, group, died_ms)
            if seconds is not None:
                found.append(seconds)
    return sorted(found)


def _other_away(evidence: Evidence, fault: Injected, died_ms: float) -> bool:
    stage = fault.victim.split("-", 1)[0]
    others = [
        (one.at_ms, one.at_ms + _START_MS)
        for one in evidence.ended
        if one.name.startswith(f"{stage}-") and one.name != fault.victim
    ]
    others += [
        (one.begin_ms, one.end_ms)
        for one in evidence.faults
        if one.kind == "freeze" and one.victim.startswith(f"{stage}-") and one.victim != fault.victim
    ]
    return any(begin < died_ms + _TAKE_OVER_MS and end > died_ms for begin, end in others)


def _died_ms(evidence: Evidence, fault: Injected) -> float:
    deaths = (
        one.at_ms
        for one in evidence.ended
        if one.name == fault.victim and fault.begin_ms <= one.at_ms <= fault.end_ms + _NOTICEABLE_MS
    )
    return next(deaths, fault.begin_ms)


def _recovery(evidence: Evidence, group: str, died_ms: float) -> float | None:
    source, target = _HAND_OVER[group]
    done = _done_at(evidence, target)
    outputs: dict[str, list[float]] = defaultdict(list)
    for record in evidence.records:
        if record.topic == target:
            outputs[record.fields.get("turn_id", "")].append(record.at_ms)
    waiting: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for record in evidence.records:
        turn_id = record.fields.get("turn_id", "")
        late = record.at_ms > died_ms + _ARRIVALS_MS
        if record.topic == source and not late and done.get(turn_id, _NEVER) > died_ms:
            since = max(died_ms, record.at_ms)
            waiting[record.partition].append((since, min((t for t in outputs[turn_id] if t >= since), default=_NEVER)))
    moved = [(min(s for s, _ in work), min(t for _, t in work)) for work in waiting.values()]
    ended = [(since, at_ms) for since, at_ms in moved if at_ms < _NEVER]
    noticed = [at_ms - died_ms for since, at_ms in ended if at_ms - since > _NOTICEABLE_MS]
    waits = noticed or [at_ms - since for since, at_ms in ended]
    return max(waits) / 1000 if waits else None
