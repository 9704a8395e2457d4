"""Healthy evidence passes; doctored in one place it breaks the invariants that this place is about, and no other."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local.chaos.checker import check
from local.chaos.evidence import Backlog, Committed, Ended, Evidence, Injected, LogRecord, load
from local.chaos.report import last_line, percentile, show, write_verdict
from tests.unit.local.chaos.healthy import KILLED_AT, OTHER, TURN, call, evidence, frame

Doctor = Callable[[Evidence], None]


def drop(topic: str, event: str, turn_id: str) -> Doctor:
    def doctor(found: Evidence) -> None:
        found.records = [
            r for r in found.records if (r.topic, r.event, r.fields.get("turn_id")) != (topic, event, turn_id)
        ]

    return doctor


def change(topic: str, event: str, turn_id: str, at_ms: int | None = None, **fields: Any) -> Doctor:
    """Of all records that match; with `at_ms`, when the log got them."""

    def changed(record: LogRecord) -> LogRecord:
        if (record.topic, record.event, record.fields.get("turn_id")) != (topic, event, turn_id):
            return record
        return dataclasses.replace(record, fields=record.fields | fields, at_ms=at_ms or record.at_ms)

    def doctor(found: Evidence) -> None:
        found.records = [changed(record) for record in found.records]

    return doctor


def unseen(kind: str, turn_id: str) -> Doctor:
    def doctor(found: Evidence) -> None:
        found.seen = [s for s in found.seen if (s.frame["type"], s.frame["turn_id"]) != (kind, turn_id)]

    return doctor


def saw(*frames: Any) -> Doctor:
    return lambda found: found.seen.extend(frames)


def again(topic: str, event: str, turn_id: str, **fields: Any) -> Doctor:
    """The last such record once more at the end of its partition, changed in these fields."""

    def doctor(found: Evidence) -> None:
        of_topic = [r for r in found.records if r.topic == topic]
        last = next(r for r in reversed(of_topic) if (r.event, r.fields.get("turn_id")) == (event, turn_id))
        more = {"offset": len(of_topic), "at_ms": 6_000, "fields": last.fields | {"event_id": "another"} | fields}
        found.records.append(dataclasses.replace(last, **more))

    return doctor


def second_turn_for_one_message(found: Evidence) -> None:
    told = frame(1_006, 1, 1, "accepted", session_id="session-1", client_msg_id="m-1")
    found.seen.append(dataclasses.replace(told, frame=told.frame | {"turn_id": OTHER}))


def cross(found: Evidence) -> None:
    stray = frame(1_300, 2, 1, "delta", attempt=1, seq=0, first_seq=0, text="x")
    found.seen.append(dataclasses.replace(stray, client="client-1"))


def speak_of_others(found: Evidence) -> None:
    change("chat-replies", "DeltaProduced", OTHER, text="zqaaaaaaaaaaqz")(found)


def move_to_other_session(found: Evidence) -> None:
    change("chat-prompts", "PromptReady", OTHER, session_id="session-1")(found)


def commit_early(found: Evidence) -> None:
    found.committed.append(Committed(1_400, "sluice-respond", "chat-prompts", 0, 1))


def commit_turn_early(found: Evidence) -> None:
    found.committed.append(Committed(1_308, "sluice-enrich", "chat-turns", 0, 1))


def commit_control_early(found: Evidence) -> None:
    found.committed.append(Committed(5_200, "sluice-respond", "chat-controls", 0, 2))


def leave_control_behind(found: Evidence) -> None:
    found.backlog[2] = dataclasses.replace(found.backlog[2], committed=1)


def leave_turn_behind(found: Evidence) -> None:
    found.backlog[3] = dataclasses.replace(found.backlog[3], committed=None)


def leave_behind(found: Evidence) -> None:
    found.backlog[0] = dataclasses.replace(found.backlog[0], committed=1)


def never_read(found: Evidence) -> None:
    found.backlog[1] = dataclasses.replace(found.backlog[1], end=3)


def without_faults(found: Evidence) -> None:
    found.faults = []


def only_the_provider_is_cut(found: Evidence) -> None:
    found.faults = [Injected("provider", "cut", KILLED_AT, KILLED_AT, True, "provider-1")]


def call_twice(found: Evidence) -> None:
    found.meter.append(call("b1", 2, 5))


def call_an_attempt_twice(found: Evidence) -> None:
    found.meter.append(call("a2", 1, 6))


def begin_again_without_a_call(found: Evidence) -> None:
    again("chat-replies", "AttemptStarted", TURN, attempt_id="a3", attempt=3, epoch=3)(found)


def call_unbilled(found: Evidence) -> None:
    found.meter.append(call("zzz", 2, 5))


def call_for_nobody(found: Evidence) -> None:
    found.meter.append(call("zzz", 9, 5))


def bill_more(found: Evidence) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 6, "estimated": False}
    change("llm-usage", "AttemptMetered", OTHER, usage=usage)(found)


def bill_twice(found: Evidence) -> None:
    again("llm-usage", "AttemptMetered", OTHER)(found)


def bill_without_call(found: Evidence) -> None:
    found.meter = [one for one in found.meter if one["request_id"] != "b1"]


def land_twice(found: Evidence) -> None:
    found.landed.append(found.landed[0])


def land_less(found: Evidence) -> None:
    found.landed.pop()


def land_another(found: Evidence) -> None:
    found.landed[0] = dataclasses.replace(found.landed[0], event_id="stranger")


def fail_a_build(found: Evidence) -> None:
    found.facts["build"]["failures"] = ["unique_x: fail, Got 2 results"]
    found.facts["reconciliation"]["days"][0]["drift"] = {}


def miss_a_fact(found: Evidence) -> None:
    one = {"topic": "llm-usage", "partition": 0, "offset": 1, "layer": "facts", "what": "missing"}
    found.facts["reconciliation"]["differences"] = [one]


def set_a_fact_aside(found: Evidence) -> None:
    one = {"topic": "llm-usage", "partition": 0, "offset": 1, "reason": "negative_value"}
    found.facts["reconciliation"]["quarantined"] = [one]


def drift_by_a_cent(found: Evidence) -> None:
    found.facts["reconciliation"]["days"][0]["drift"]["cost_usd"] = "0.01"


DOCTORED: list[tuple[str, Doctor]] = [
    ("I1", drop("chat-requests", "ChatRequested", TURN)),
    ("I2 I3 I9", drop("chat-replies", "TurnCompleted", OTHER)),
    ("I2 I7", drop("chat-turns", "TurnFinished", OTHER)),
    ("I2", change("chat-turns", "TurnFinished", OTHER, state="failed")),
    ("I2", change("chat-turns", "TurnFinished", OTHER, answer="something else")),
    ("I2 I7", again("chat-turns", "TurnFinished", OTHER, epoch=7, answer="answered again")),
    ("I2", saw(frame(5_300, 1, 2, "failed", code="internal"))),
    ("I2 I4", second_turn_for_one_message),
    ("I3", unseen("completed", TURN)),
    ("I2 I4", change("chat-replies", "DeltaProduced", OTHER, seq=1)),
    ("I4", change("chat-replies", "TurnCompleted", OTHER, deltas=4)),
    ("I4", unseen("delta", TURN)),
    ("I4", saw(frame(5_103, 1, 1, "delta", attempt=2, seq=1, first_seq=0, text="gate zqaaaa"))),
    ("I4", saw(frame(5_103, 1, 2, "started", session_id="session-1", attempt=1, model="echo"))),
    ("I4", lambda found: found.asked.__setitem__(1, dataclasses.replace(found.asked[1], text="never said"))),
    ("I5 I6", call_unbilled),
    ("I5 I6", call_twice),
    ("I5", bill_more),
    ("I5 I7", bill_twice),
    ("I5", bill_without_call),
    ("I6", without_faults),
    ("I6", only_the_provider_is_cut),
    ("I5 I6", call_an_attempt_twice),
    ("I6", begin_again_without_a_call),
    ("I5 I6", call_for_nobody),
    ("I7", land_twice),
    ("I7", land_less),
    ("I7", land_another),
    ("I4 I8", cross),
    ("I2 I4 I8", speak_of_others),
    ("I8", move_to_other_session),
    ("I9", commit_early),
    ("I9", commit_turn_early),
    ("I9", commit_control_early),
    ("I10", leave_behind),
    ("I10", leave_control_behind),
    ("I10", leave_turn_behind),
    ("I10", never_read),
    ("I11", fail_a_build),
    ("I11", miss_a_fact),
    ("I11", set_a_fact_aside),
    ("I11", set_a_fact_aside),
    ("I11", drift_by_a_cent),
]


def test_without_facts_there_is_no_verdict():
    found = evidence()
    found.facts = {}
    assert check(found).shortcomings == ("I11 had nothing to check: run again with more --turns or another --seed",)


def sort_frames(found: Evidence) -> None:
    found.seen.sort(key=lambda seen: seen.at_ms)


def test_healthy_evidence_passes():
    verdict = check(evidence())
    assert verdict.clean, [f for f in verdict.findings if f.violations]
    assert all(finding.checked for finding in verdict.findings)
    assert (verdict.turns, verdict.faults, verdict.recovery_seconds) == (2, 1, (3.6,))
    assert last_line(verdict) == (
        "CHAOS turns=2 faults=1 lost=0 doubled=0 gaps=0 undelivered=0 mixed=0 "
        "ledger_drift=0 landing_drift=0 stuck=0 recovery_p95_s=3.6"
    )


@pytest.mark.parametrize(("broken", "doctor"), DOCTORED, ids=[f"{n}-{i}" for i, (n, _) in enumerate(DOCTORED)])
def test_doctored_evidence_fails(broken: str, doctor: Doctor):
    found = evidence()
    doctor(found)
    sort_frames(found)
    verdict = check(found)
    violations = {finding.invariant: finding.violations for finding in verdict.findings if finding.violations}
    assert {name: len(each) for name, each in violations.items()} == dict.fromkeys(broken.split(), 1), violations
    assert not verdict.clean


def test_lost_and_doubled_are_told_apart():
    found = evidence()
    drop("chat-replies", "TurnCompleted", OTHER)(found)
    change("chat-turns", "TurnFinished", TURN, state="failed")(found)
    verdict = check(found)
    assert (verdict.lost, verdict.doubled) == (1, 1)


def test_what_was_written_after_the_last_look_need_not_have_landed():
    found = evidence()
    again("llm-usage", "AttemptMetered", TURN, attempt_id="a1", outcome="abandoned")(found)
    assert check(found).count("I7") == 1
    last = found.records[-1]
    found.backlog.append(Backlog("landing", "llm-usage", 0, last.offset, 0, last.offset))
    assert check(found).count("I7") == 0
    found.landed.pop()
    land_twice(found)
    assert check(found).count("I7") == 2


def test_the_true_count_of_a_zombie_beats_the_estimate_of_the_next_owner():
    found = evidence()
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "estimated": False}
    again("llm-usage", "AttemptMetered", TURN, attempt_id="a1", outcome="failed", usage=usage)(found)
    assert check(found).count("I5") == 0
    found.meter[0]["completion_tokens"] = 9
    assert check(found).count("I5") == 1


def test_an_abandoned_attempt_may_never_have_reached_the_provider():
    found = evidence()
    found.meter = [one for one in found.meter if one["request_id"] != "a1"]
    verdict = check(found)
    assert verdict.clean
    assert verdict.findings[4].notes == ["1 estimated rows, 13 tokens off in sum"]


def test_a_zombies_late_words_and_end_do_not_count():
    found = evidence()
    late = {"attempt_id": "a1", "attempt": 1, "epoch": 1}
    again("chat-replies", "DeltaProduced", TURN, **late, seq=1, text="late")(found)
    again("chat-replies", "TurnCompleted", TURN, **late, deltas=2)(found)
    assert check(found).clean


def test_a_repeated_event_is_billed_once():
    found = evidence()
    again("llm-usage", "AttemptMetered", OTHER, event_id="llm-usage-10")(found)
    rows = [r.fields["event_id"] for r in found.records if r.topic == "llm-usage" and r.fields["turn_id"] == OTHER]
    again("llm-usage", "AttemptMetered", OTHER, event_id=rows[0])(found)
    assert check(found).count("I5") == (len(set(rows)) > 1)


def test_a_dead_letter_is_an_outcome():
    found = evidence()
    drop("chat-replies", "TurnCompleted", OTHER)(found)
    letter = {"origin_topic": "chat-prompts", "origin_partition": 0, "origin_offset": 1}
    found.records.append(
        LogRecord("chat-prompts-dlq", 0, 0, 1_150, "", "DeadLetter", letter | {"consumer_group": "sluice-respond"})
    )
    assert check(found).count("I9") == 0


def test_evidence_can_be_saved_read_and_judged_again(tmp_path: Path):
    found = evidence()
    drop("chat-replies", "TurnCompleted", OTHER)(found)
    found.save(tmp_path)
    assert load(tmp_path) == found
    verdict = check(load(tmp_path))
    write_verdict(verdict, tmp_path)
    console = Console(record=True, width=100)
    show(verdict, found, tmp_path, console)
    text = console.export_text()
    assert "no visible terminal" in text
    assert "respond-1" in text
    assert '"lost=1' not in text
    assert "no visible terminal" in (tmp_path / "verdict.json").read_text()


def test_what_cannot_be_read_as_evidence_is_told(tmp_path: Path):
    with pytest.raises(ValueError, match="no evidence that this version can read"):
        load(tmp_path)
    evidence().save(tmp_path)
    (tmp_path / "asked.jsonl").write_text('{"unknown": 1}\n')
    with pytest.raises(ValueError, match="unknown"):
        load(tmp_path)


def test_percentiles_are_nearest_ranks():
    assert percentile((), 95) == 0.0
    assert percentile((1.0, 2.0, 3.0, 4.0), 50) == 2.0
    assert percentile((1.0, 2.0, 3.0, 4.0), 95) == 4.0


def test_what_a_resume_brings_again_is_no_gap():
    found = evidence()
    ahead = [frame(5_105, 1, 2, "delta", attempt=2, seq=2, first_seq=1, text="aaaaaaqz water")]
    saw(*ahead)(found)
    sort_frames(found)
    assert check(found).count("I4") == 1
    wish = {"type": "session.resume", "session_id": "session-1", "cursor": f"{TURN}:2:0"}
    found.seen.append(dataclasses.replace(ahead[0], way="sent", frame=wish))
    assert check(found).clean


def test_two_cursors_in_one_breath_are_answered_one_after_the_other():
    """From the beginning, and from the first delta: the second answer goes back to where the client had said it was."""
    found = evidence()
    whole = "gate zqaaaa" + "aaaaaaqz water"
    again = [
        frame(5_105, 1, 2, "started", session_id="session-1", attempt=2, model="echo"),
        frame(5_106, 1, 2, "snapshot", session_id="session-1", attempt=2, seq=2, text=whole),
        frame(5_107, 1, 2, "delta", attempt=2, seq=2, first_seq=1, text="aaaaaaqz water"),
    ]
    saw(*again)(found)
    sort_frames(found)
    assert check(found).count("I4") == 1
    wish = {"type": "session.resume", "session_id": "session-1", "cursor": f"{TURN}:2:0"}
    found.seen.append(dataclasses.replace(again[0], way="sent", frame=wish))
    assert check(found).clean


def test_an_event_on_the_log_twice_counts_once():
    found = evidence()
    deltas = [r for r in found.records if r.event == "DeltaProduced" and r.fields["turn_id"] == OTHER]
    again("chat-replies", "DeltaProduced", OTHER, event_id=deltas[0].fields["event_id"])(found)
    assert check(found).clean


def test_a_kill_that_nobody_could_take_over_is_not_measured():
    found = evidence()
    found.ended = [Ended("respond-2", -9, 1_400), Ended("respond-1", -9, 1_501)]
    assert check(found).recovery_seconds == ()
    found.ended = [Ended("respond-1", -9, 1_501)]
    assert check(found).recovery_seconds == (3.599,)
    found.faults.append(Injected("broker_kill", "broker-1", 1_600, 5_600, True, "broker-1"))
    assert check(found).recovery_seconds == ()


def test_a_failed_call_allows_another_as_often_as_its_bot_does():
    found = evidence()
    found.faults = []
    change("llm-usage", "AttemptMetered", TURN, outcome="failed")(found)
    assert check(found).count("I6") == 1
    found.bots["parrot"]["calls"] = 2
    assert check(found).count("I6") == 0
    begin_again_without_a_call(found)
    assert check(found).count("I6") == 1
