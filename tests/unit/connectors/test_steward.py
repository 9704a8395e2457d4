"""What the steward does where something goes wrong: it says why and tries again."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from connectors import steward as module
from connectors.steward import Steward
from connectors.steward_metrics import StewardMetrics
from sluice.codec import Codec
from sluice.errors import Unavailable
from sluice.kafka_records import origin_of
from sluice.logs import Field
from sluice.schema_ids import LOCK_FILE, LockFileIds
from tests.samples import SAMPLES
from tests.unit.connectors.doubles import FakeMessage, KeptLetters

CODEC = Codec(LockFileIds(LOCK_FILE))


class Impatient(threading.Event):
    """Does not wait."""

    def wait(self, _timeout: float | None = None) -> bool:
        return False


class Told:
    """A Logger that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Field]]] = []

    def info(self, message: str, /, **fields: Field) -> None:
        self.lines.append((message, fields))

    warning = error = info


class Requests:
    """A consumer with one request; `stopping` is set when it is committed."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping

    def subscribe(self, _topics: list[str]) -> None:
        return

    def poll(self, _seconds: float) -> FakeMessage | None:
        return FakeMessage("erasure-requests", 7, CODEC.encode(SAMPLES["ErasureRequested"]))

    def commit(self, **_: Any) -> None:
        self._stopping.set()


class Silence(Requests):
    """A consumer without a request, for so many looks."""

    def __init__(self, stopping: threading.Event, looks: int) -> None:
        super().__init__(stopping)
        self._looks = looks

    def poll(self, _seconds: float) -> None:
        self._looks -= 1
        if not self._looks:
            self._stopping.set()


class Troubled:
    """An eraser and a retention that fail so and then no more."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = [*failures]
        self.scan = self
        self.log: list[bytes] = []
        self.forgotten: list[str] = []
        self.settled = 0

    def settle(self) -> None:
        self._fail()
        self.settled += 1

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    def erase(self, request: Any, say: Callable[[str], None]) -> Any:
        say("landed rows")
        self._fail()
        return SAMPLES["ErasureCompleted"]

    def apply(self) -> Any:
        self._fail()
        raise SystemExit

    def look(self) -> int:
        return 0

    def rebuild(self) -> None:
        self._fail()

    def partitions(self, _topics: Any) -> dict[str, int]:
        return {}

    def window(self, _places: Any) -> dict[Any, Any]:
        return {}

    def records(self, _window: Any) -> list[Any]:
        return [origin_of(FakeMessage("erasure-requests", at, value)) for at, value in enumerate(self.log)]  # type: ignore[arg-type]

    def forget(self, request: Any) -> None:
        self.forgotten.append(request.event_id)


def steward(
    consumer: Any, trouble: Any, retention: Any, log: Told, settle: Callable[[], object] = lambda: None
) -> tuple[Steward, StewardMetrics]:
    metrics = StewardMetrics()
    made = Steward(consumer, CODEC, KeptLetters(), trouble, retention, retention, metrics, log, lambda: None, settle)
    return made, metrics


FAILURES = [pa.ArrowInvalid("Parquet magic bytes not found"), OSError(28, "No space left"), Unavailable("away")]


def test_an_erasure_is_tried_again_whatever_went_wrong() -> None:
    stopping, log = Impatient(), Told()
    made, metrics = steward(Requests(stopping), Troubled(*FAILURES), Troubled(Unavailable("later")), log)
    made.run(stopping)
    again = [fields["reason"] for message, fields in log.lines if message == "the erasure will be tried again"]
    assert again == [
        "ArrowInvalid: Parquet magic bytes not found",
        "OSError: [Errno 28] No space left",
        "Unavailable: away",
    ]
    assert [message for message, _ in log.lines].count("erased") == 1
    assert metrics.registry.get_sample_value("sluice_erasure_failures_total") == 3


def test_policies_are_looked_at_again_where_no_mark_could_be_left() -> None:
    class Away(Troubled):
        def look(self) -> int:
            raise Unavailable("away")

    stopping, log = Impatient(), Told()
    made, _ = steward(Requests(stopping), Troubled(), Away(), log)
    with pytest.raises(SystemExit):  # it goes on to retention
        made.run(stopping)
    assert ("policies will be looked at again", {"reason": "Unavailable: away"}) in [
        (message, {name: str(value) for name, value in fields.items()}) for message, fields in log.lines
    ]


def test_what_was_carried_out_and_not_committed_is_not_carried_out_again() -> None:
    stopping, log, trouble = Impatient(), Told(), Troubled()
    request = SAMPLES["ErasureRequested"]
    trouble.log = [CODEC.encode(msgspec.structs.replace(SAMPLES["ErasureCompleted"], request_id=request.event_id))]
    made, _ = steward(Requests(stopping), trouble, Troubled(Unavailable("later")), log)
    made.run(stopping)
    assert trouble.forgotten == [request.event_id]
    assert "erasing" not in {message for message, _ in log.lines}


def test_retention_is_tried_again_too() -> None:
    log = Told()
    made, _ = steward(Requests(Impatient()), Troubled(), Troubled(*FAILURES), log)
    assert [made._keep_in_order() for _ in FAILURES] == [False] * 3
    with pytest.raises(SystemExit):
        made._keep_in_order()
    assert {message for message, _ in log.lines} == {"retention will be tried again"}


def test_after_a_restore_too(tmp_path: Path) -> None:
    mark = tmp_path / "restored"
    mark.touch()
    log = Told()
    made, _ = steward(None, Troubled(*FAILURES), None, log)
    made.catch_up(mark, Impatient())
    assert (mark.exists(), len(log.lines)) == (False, 3)


def test_what_commands_owe_the_audit_log_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    log, stopping, settled = Told(), Impatient(), Troubled(*FAILURES)
    monkeypatch.setattr(module, "_AGAIN_SECONDS", 0.0)
    polled = Silence(stopping, len(FAILURES) + 2)
    made, _ = steward(polled, Troubled(), Troubled(*[Unavailable("later")] * 9), log, settled.settle)
    made.run(stopping)
    told = [fields["reason"] for message, fields in log.lines if message == "marks will be tried again"]
    assert (len(told), told[-1], settled.settled) == (3, "Unavailable: away", 2)


def test_a_log_that_is_away_is_not_asked_at_every_look() -> None:
    log, stopping, settled = Told(), Impatient(), Troubled(*FAILURES)
    made, _ = steward(Silence(stopping, 4), Troubled(), Troubled(*[Unavailable("later")] * 9), log, settled.settle)
    made.run(stopping)
    assert [message for message, _ in log.lines].count("marks will be tried again") == 1
