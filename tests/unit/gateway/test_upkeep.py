"""How far the log was read, whether it answers, and telemetry that outlives its absence."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from gateway import posting as posting_module
from gateway import progress as progress_module
from gateway.posting import Posting
from gateway.progress import Progress
from gateway.pulse import Pulse
from sluice.errors import Unavailable
from sluice.logs import get_logger
from sluice.metrics import Metrics, make_metrics
from tests.doubles import MemoryLog
from tests.waiting import meanwhile

ZERO, ONE = ("chat-turns", 0), ("chat-turns", 1)


async def asked(progress: Progress) -> asyncio.Task[None]:
    """A waiter that has its answer of the log and waits for the reader."""
    waiting = asyncio.create_task(progress.catch_up())
    await meanwhile(lambda: bool(progress._waiting) or waiting.done())
    return waiting


async def test_catching_up_is_reaching_the_ends_as_they_are_now():
    progress = Progress(lambda: {ZERO: 5, ONE: 0})
    progress.reached({ZERO: 4})
    waiting = await asked(progress)
    progress.reached({ONE: 9})
    await asyncio.sleep(0)
    assert not waiting.done()
    progress.reached({ZERO: 5})
    await waiting
    await progress.catch_up()


async def test_many_who_ask_share_an_answer_that_was_asked_for_after_they_came():
    calls: list[int] = []

    def ends():
        calls.append(1)
        return {}

    progress = Progress(ends)
    await asyncio.gather(*(progress.catch_up() for _ in range(100)))
    assert len(calls) <= 2


async def test_the_first_time_is_waited_for_and_then_free(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(progress_module, "_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(progress_module, "_PATIENCE_SECONDS", 0.0)
    answers = iter([Unavailable("away"), {ZERO: 1}])

    def ends():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    progress = Progress(ends)
    assert not progress.is_current
    with pytest.raises(TimeoutError):
        await progress.caught_up_once()
    progress.reached({ZERO: 1})
    await progress.begin()
    assert progress.is_current
    await progress.caught_up_once()


async def test_a_log_that_does_not_say_is_a_time_out_and_a_waiter_that_left_is_forgotten():
    def away():
        raise Unavailable("away")

    with pytest.raises(TimeoutError):
        await Progress(away).catch_up()
    progress = Progress(lambda: {ZERO: 5})
    waiting = await asked(progress)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    progress.reached({ONE: 1})
    assert progress._waiting == []


async def test_the_pulse_goes_and_comes_back_by_itself():
    away = [False, True, True, False]

    def ask() -> None:
        if away.pop(0):
            raise Unavailable("away")

    pulse = Pulse(ask, get_logger())
    seen = []
    for _ in range(4):
        await pulse.look()
        seen.append(pulse.beats)
    assert seen == [True, False, False, True]


async def test_telemetry_the_log_gave_up_on_is_handed_over_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(posting_module, "_AGAIN_SECONDS", 0.0)
    log = MemoryLog(away=True)
    posting = Posting(log, make_metrics(CollectorRegistry()))
    await posting.post(("t", "k", b"v", []))
    for _ in range(5):
        await asyncio.sleep(0)
    assert (posting.undelivered, log.records) == (1, [])
    log.away = False
    await meanwhile(lambda: not posting.undelivered)
    assert [value for _, _, value, _ in log.records] == [b"v"]


class FatalLog:
    """librdkafka after a fatal error, once."""

    def __init__(self, error: Exception) -> None:
        self.errors = [error]

    async def put(self, topic, key, value, headers):
        if self.errors:
            raise self.errors.pop()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


async def test_a_producer_that_takes_nothing_now_is_asked_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(posting_module, "_AGAIN_SECONDS", 0.0)
    posting = Posting(FatalLog(Unavailable("x")), make_metrics(CollectorRegistry()))  # type: ignore[arg-type]
    await posting.post(("t", "k", b"v", []))
    await meanwhile(lambda: not posting.undelivered)


def dropped(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("sluice_telemetry_dropped_total")


async def test_a_record_that_can_never_be_written_is_not_kept():
    metrics = make_metrics(CollectorRegistry())
    posting = Posting(FatalLog(ValueError("a bug")), metrics)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a bug"):
        await posting.post(("t", "k", b"v", []))
    assert (posting.undelivered, dropped(metrics)) == (0, 1)


async def test_undelivered_telemetry_is_bounded_and_what_is_dropped_is_counted():
    log, metrics = MemoryLog(away=True), make_metrics(CollectorRegistry())
    posting = Posting(log, metrics, most=2)
    for _ in range(5):
        await posting.post(("t", "k", b"v", []))
    assert (posting.undelivered, dropped(metrics)) == (2, 3)
