"""Every failure kind, at the first, a middle and the last model, before the first word and in mid-stream, both ways to
a model: what readers see, and the ledger against the provider's own meter.
"""

import logging

import pytest

from agents.failures import REACTIONS, FailureKind
from local.provider.faults import FAULTS, Fault
from sluice.bots import Route, RouteLimits
from sluice.events import (
    AttemptMetered,
    AttemptReset,
    AttemptStarted,
    Exchange,
    TurnCompleted,
    TurnFailed,
    TurnFinished,
)
from sluice.safe_text import SafeText
from tests.integration.streams.conftest import KEY, PLANTED, TEXT, World, all_of, transcript

# litellm warns about its own types and leaves sockets to the garbage collector; none of it is ours.
pytestmark = pytest.mark.filterwarnings("ignore")
HALF = 7
HASTY = {
    FailureKind.FIRST_TOKEN_TIMEOUT: RouteLimits(first_token_seconds=0.8),
    FailureKind.STALLED: RouteLimits(gap_seconds=0.4),
}
"""Of a model that is to be silent, from there on."""
SWALLOWED = {FailureKind.MALFORMED_CHUNK: FailureKind.NO_END_MARK}
"""What litellm does not pass on: it drops a chunk it cannot read, and ends."""


FAILING = {fault: note.kind for fault, note in FAULTS.items() if note.kind is not None}
CASES = [
    (fault, after, prefill)
    for fault in FAILING
    for after in ((0, HALF) if FAULTS[fault].moment == "within" else (None,))
    for prefill in ((True, False) if after else (True,))
    if fault is not Fault.CONTEXT_TOO_LONG
]
"""With how many tokens before the fault, and whether the next model goes on with a beginning."""


def expected_kind(fault: Fault, after: int | None, way: str) -> FailureKind:
    kind = FAILING[fault]
    if kind is FailureKind.STALLED and after == 0:
        return FailureKind.FIRST_TOKEN_TIMEOUT
    return SWALLOWED.get(kind, kind) if way == "hosted_vllm" else kind


def check_silent(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither prompt nor key is in a log line of anybody, or on the terminal."""
    written = "\n".join([*(record.getMessage() for record in caplog.records), *capfd.readouterr()])
    assert "POST /v1/chat/completions" in written, "nobody logged anything"
    assert PLANTED not in written
    assert KEY not in written


@pytest.mark.parametrize("place", ["first", "middle", "last"])
@pytest.mark.parametrize(("fault", "after", "prefill"), CASES)
async def test_every_failure_at_every_place(
    world: World,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    place: str,
    fault: Fault,
    after: int | None,
    *,
    prefill: bool,
):
    caplog.set_level(logging.INFO)
    await world.script("bad", fault=fault.value, **({} if after is None else {"after_tokens": after}))
    await world.script("good")
    await world.script("dead", status=503)
    dead, good = world.route("dead"), world.route("good", prefill=prefill)
    kind = expected_kind(fault, after, world.way)
    bad = world.route("bad", **({"limits": HASTY[kind]} if kind in HASTY else {}))
    routes = {"first": (bad, good), "middle": (dead, bad, good), "last": (dead, bad)}[place]
    emitted = await world.answer(*routes)
    text, terminal = transcript(emitted)
    rows = {row.model.partition("/")[2]: row for row in all_of(emitted, AttemptMetered)}
    assert rows["bad"].failure == kind.value
    world.check_ledger(emitted)
    finished = all_of(emitted, TurnFinished)[0]
    assert finished.answer == text
    if place == "last" or not REACTIONS[kind].next_model:
        assert isinstance(terminal, TurnFailed)
        assert terminal.code == REACTIONS[kind].code.value == finished.error_code
        assert TEXT.startswith(text) or fault is Fault.REPEATED_CHUNKS
        assert text != TEXT
    else:
        assert isinstance(terminal, TurnCompleted)
        assert (text, finished.model) == (TEXT, good.model)
        goes_on = bool(all_of(emitted, AttemptStarted)[-1].continues)
        circles = fault is Fault.REPEATED_CHUNKS
        assert goes_on == (bool(after) and prefill and not circles)
        assert len(all_of(emitted, AttemptReset)) == (circles or (bool(after) and not prefill))
    check_silent(caplog, capfd)


@pytest.mark.parametrize("fault", [None, *(fault for fault, note in FAULTS.items() if note.kind is None)])
async def test_what_is_no_failure_is_a_whole_answer(world: World, fault: Fault | None):
    fields = {"usage": False} if fault is None else {"fault": fault.value}
    await world.script("odd", **fields)
    emitted = await world.answer(world.route("odd"))
    text, terminal = transcript(emitted)
    assert isinstance(terminal, TurnCompleted)
    assert TEXT.startswith(text)
    assert terminal.finish_reason == ("length" if fault is Fault.LENGTH else "stop")
    world.check_ledger(emitted)


async def test_a_context_that_is_too_long_is_tried_shorter(world: World):
    await world.script("short", fault=Fault.CONTEXT_TOO_LONG.value)
    exchange = Exchange(turn_id="t-0", question=SafeText("word " * 30), answer=SafeText("word " * 30))
    emitted = await world.answer(world.route("short"), history=(exchange, exchange))
    assert transcript(emitted)[0] == TEXT
    assert [started.dropped_turns for started in all_of(emitted, AttemptStarted)] == [0, 2]
    assert [row.failure for row in all_of(emitted, AttemptMetered)] == ["context_too_long", ""]
    world.check_ledger(emitted)


@pytest.mark.parametrize(
    ("prefill", "resets", "calls"), [("refuse", 1, 3), ("end", 1, 3), ("repeat", 0, 2), ("continue", 0, 2)]
)
async def test_a_beginning_that_is_refused_repeated_or_gone_on_with(world: World, prefill, resets, calls):
    await world.script("bad", fault=Fault.CUT.value, after_tokens=HALF)
    await world.script("next", prefill=prefill)
    emitted = await world.answer(world.route("bad"), world.route("next", prefill=True))
    text, terminal = transcript(emitted)
    assert (text, isinstance(terminal, TurnCompleted)) == (TEXT, True)
    assert len(all_of(emitted, AttemptReset)) == resets
    assert len(world.provider.meter.calls) == calls
    world.check_ledger(emitted)


async def test_nobody_is_there_at_all(world: World):
    await world.script("good")
    nowhere = Route(model=f"{world.way}/x", api_base="http://127.0.0.1:9/v1", api_key="KEY", price="none")
    emitted = await world.answer(nowhere, world.route("good"))
    assert transcript(emitted)[0] == TEXT
    assert [row.failure for row in all_of(emitted, AttemptMetered)] == ["unreachable", ""]
