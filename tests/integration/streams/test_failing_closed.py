"""Whatever happens to the search for personal data, at whichever layer: the turn fails with a code, no text goes on."""

import io
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from agents.personal.finding import find
from agents.personal.policy import Policy, Rule
from agents.personal.spans import Span
from agents.policies import load_policies
from sluice.events import Event, PromptReady, RequestEnriched, StageTimed
from sluice.key_store import MemoryKeyStore
from sluice.own_context import SEALED_AS, OwnContext, OwnMessage
from sluice.sealing import Sealer
from streams.finding.pool import COMMAND, FinderPool, FindingFailed
from streams.memories import Memories
from streams.redact import redact_step
from tests.doubles import NOON, ManualClock
from tests.samples import SAMPLES

POLICIES = load_policies()
DEFAULT = POLICIES["default"]
SECRET = "jane.roe@example.org"  # nosecret (a double)
TEXT = f"Please write to {SECRET} today"
FINDERS = str(Path(__file__).parent / "finders.py")
FAILURES = {
    "hang": "timed_out",
    "die": "died",
    "half": "died",
    "garbage": "died",
    "endless": "died",
    "other-number": "wrong_answer",
    "outside": "wrong_answer",
    "overlapping": "wrong_answer",
    "empty": "wrong_answer",
    "unasked": "wrong_answer",
    "crash": "crashed",
    "no-model": "no_process",
    "never-begins": "no_process",
}
BEGINS = {"hang", "die", "crash", "garbage", "outside"}


@dataclass
class Watched:
    pool: FinderPool
    failures: list[str]
    log: io.StringIO


@contextmanager
def pool_of(command: tuple[str, ...], size: int = 1, seconds: float = 20.0, wait: float = 30.0) -> Iterator[Watched]:
    log, failures = io.StringIO(), []
    logger = structlog.wrap_logger(
        structlog.WriteLogger(log),
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
    )
    pool = FinderPool(POLICIES, size, seconds, logger, failures.append, command, wait)
    pool.start()
    try:
        yield Watched(pool, failures, log)
    finally:
        pool.close()


@contextmanager
def going_wrong(kind: str) -> Iterator[Watched]:
    impatient = {"hang": {"seconds": 0.5}, "never-begins": {"wait": 1.0}}.get(kind, {})
    with pool_of((sys.executable, FINDERS, kind), **impatient) as watched:
        if kind == "no-model":
            while "the model is missing" not in watched.log.getvalue():
                threading.Event().wait(0.05)
        yield watched


def first_fine(pool: FinderPool) -> None:
    """Waits for the first process, so that a short limit is for the search alone."""
    pool.find("fine", DEFAULT)


@pytest.fixture(scope="module")
def real() -> Iterator[FinderPool]:
    with pool_of(COMMAND, size=2) as watched:
        yield watched.pool


def test_the_real_processes_find_what_is_found_here(real: FinderPool):
    for text in (TEXT, "", "😀 ﬁ jane%40example.com", "x" * 300_000 + SECRET):
        assert real.find(text, DEFAULT) == find(text, DEFAULT)


def test_many_threads_search_side_by_side(real: FinderPool):
    texts = [f"user{number}@example.com" for number in range(100)]
    with ThreadPoolExecutor(10) as threads:
        found = [*threads.map(lambda text: real.find(text, DEFAULT), texts)]
    assert [span.end for [span] in found] == [len(text) for text in texts]


def test_a_policy_that_the_processes_do_not_have_is_refused(real: FinderPool):
    other = DEFAULT.model_copy(update={"regions": ("US",)})
    for policy in (Policy(name="other", types={"EMAIL": Rule()}), other):
        with pytest.raises(FindingFailed, match="policy_unknown"):
            real.find(TEXT, policy)


def test_a_text_that_cannot_be_sent_is_refused_without_a_word_of_it(real: FinderPool):
    with pytest.raises(FindingFailed, match=r"\Acrashed\Z") as raised:
        real.find(f"\ud800{SECRET}", DEFAULT)
    assert raised.value.__cause__ is None
    assert real.find(TEXT, DEFAULT) == find(TEXT, DEFAULT)


def test_a_process_that_dies_idle_is_replaced_unseen(real: FinderPool):
    for _ in range(2):
        for finder in list(real._running):
            finder.process.kill()
            finder.process.wait()
        assert real.find(TEXT, DEFAULT) == find(TEXT, DEFAULT)


@pytest.mark.parametrize("kind", FAILURES)
def test_a_search_that_fails_says_so_by_its_kind_alone(kind: str):
    with going_wrong(kind) as watched:
        if kind in BEGINS:
            first_fine(watched.pool)
        with pytest.raises(FindingFailed) as raised:
            watched.pool.find(TEXT, DEFAULT)
        assert raised.value.failure == FAILURES[kind]
        assert watched.failures == [FAILURES[kind]]
        assert SECRET not in watched.log.getvalue()
        if kind in BEGINS:
            first_fine(watched.pool)


@dataclass
class Written:
    """A delivery whose log is a list."""

    repeated: bool = False
    events: list[Event] = field(default_factory=list)

    async def emit(self, event: Event) -> None:
        self.events.append(event)


SEALER = Sealer(MemoryKeyStore(), "default")


def enriched(**changes: Any) -> RequestEnriched:
    sample = SAMPLES["RequestEnriched"]
    assert isinstance(sample, RequestEnriched)
    own = OwnContext((OwnMessage("user", TEXT),), (SECRET,))
    sealed = {
        "text": SEALER.seal(TEXT, subject=sample.user_id, field="ChatRequested.text"),
        "context": SEALER.seal(own.encode(), subject=sample.user_id, field=SEALED_AS),
    }
    return msgspec.structs.replace(sample, **(sealed | changes))


async def through_the_stage(find_spans, sealer: Sealer = SEALER, **changes: Any) -> tuple[PromptReady, bytes]:
    """The prompt that the stage emits, and all bytes that left it outside of sealed fields."""
    written = Written()
    with ThreadPoolExecutor(1) as threads:
        step = redact_step(POLICIES, sealer, Memories({}, sealer), find_spans, threads, ManualClock(NOON))
        await step(enriched(**changes), written)  # type: ignore[arg-type]
    prompt, timed = written.events
    assert isinstance(prompt, PromptReady)
    assert isinstance(timed, StageTimed)
    assert timed.error_code == (prompt.refusal and prompt.refusal.code)
    return prompt, msgspec.msgpack.encode([msgspec.structs.replace(prompt, placeholders=None), timed])


def is_refused(prompt: PromptReady, code: str = "redaction_failed") -> bool:
    nothing = (prompt.question, prompt.context, prompt.history, prompt.placeholders, prompt.redacted_types)
    return prompt.refusal is not None and prompt.refusal.code == code and nothing == ("", None, (), None, {})


async def test_the_stage_lets_through_what_was_searched(real: FinderPool):
    prompt, left = await through_the_stage(real.find)
    assert (prompt.question, prompt.refusal) == ("Please write to [EMAIL_1] today", None)
    assert prompt.placeholders is not None
    assert SECRET.encode() not in left


@pytest.mark.parametrize("kind", FAILURES)
async def test_the_turn_fails_when_the_search_does(kind: str):
    with going_wrong(kind) as watched:
        if kind in BEGINS:
            first_fine(watched.pool)
        prompt, left = await through_the_stage(watched.pool.find)
        assert is_refused(prompt)
        assert SECRET.encode() not in left
        assert SECRET not in watched.log.getvalue()


@pytest.mark.parametrize(
    "change",
    [
        {"redaction_policy": "unheard-of"},
        {"redaction_policy": ""},
        {"text": None},
        {"text": b"not sealed"},
        {"context": b"x"},
    ],
    ids=lambda change: "-".join(f"{name}-{value}" for name, value in change.items()),
)
async def test_the_turn_fails_when_policy_or_text_is_wrong(real: FinderPool, change: dict[str, Any]):
    prompt, left = await through_the_stage(real.find, **change)
    assert is_refused(prompt)
    assert SECRET.encode() not in left


async def test_the_turn_fails_when_the_key_has_gone(real: FinderPool):
    prompt, _ = await through_the_stage(real.find, sealer=Sealer(MemoryKeyStore(), "default"))
    assert is_refused(prompt)


@pytest.mark.parametrize("good_searches", range(3))
async def test_the_turn_fails_when_only_a_later_text_of_it_cannot_be_searched(good_searches: int):
    """The client's own list, the question and the stop strings: one failure is one too many."""
    searches = iter([None] * good_searches)

    def find_some(text: str, policy: Policy) -> list[Span]:
        next(searches)
        return find(text, policy)

    prompt, left = await through_the_stage(find_some)
    assert is_refused(prompt)
    assert SECRET.encode() not in left


async def test_the_turn_fails_when_the_pool_is_closed():
    with pool_of(COMMAND) as watched:
        watched.pool.find(TEXT, DEFAULT)
    watched.pool._wait_seconds = 0.1
    prompt, left = await through_the_stage(watched.pool.find)
    assert is_refused(prompt)
    assert SECRET.encode() not in left
