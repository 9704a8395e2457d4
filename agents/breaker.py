"""Which models are worth asking: a circuit breaker for each, and the rest that a provider asked for.

A window of the newest calls decides, by its share of failures and its share of slow first tokens, as resilience4j does
it; while open nobody asks, then one call probes. Shared by all turns of a worker. Without clock: times are seconds of
whichever monotonic clock the caller has.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from agents.failures import FailureKind
from sluice.bots import Route

BreakerState = Literal["closed", "half_open", "open"]

_WINDOW = 20
_WINDOW_SECONDS = 60.0
_FEWEST = 4
_FAILED_SHARE = 0.5
_SLOW_SHARE = 0.8
_OPEN_SECONDS = 5.0
_LONGEST_OPEN_SECONDS = 60.0
_REST_SECONDS = 1.0
"""After a rate limit that does not say for how long."""


@dataclass(slots=True)
class Breaker:
    """One model."""

    state: BreakerState = "closed"
    reason: FailureKind = FailureKind.UNREACHABLE
    """Why it is not asked: the newest failure that counted, or a rate limit."""
    _calls: deque[tuple[float, bool, bool]] = field(default_factory=lambda: deque(maxlen=_WINDOW))
    _resting_until: float = float("-inf")
    _opens_for: float = _OPEN_SECONDS
    _probe_at: float = 0.0

    def free_at(self, now: float) -> float:
        """When the model may be asked: now or before, or a later time. Says nothing of a probe under way."""
        waiting = self._probe_at if self.state != "closed" else now
        return max(self._resting_until, waiting)

    def ask(self, now: float) -> None:
        """A call begins. The first one after the pause is the probe; no other may begin until it ended or is old."""
        if self.state != "closed":
            self.state = "half_open"
            self._probe_at = now + self._opens_for

    def answered(self, now: float, *, slow: bool) -> None:
        """The model gave a whole answer, or words until a person stopped it."""
        if self.state == "half_open" and not slow:
            self.state, self._opens_for = "closed", _OPEN_SECONDS
            self._calls.clear()
        self._note(now, failed=False, slow=slow)

    def failed(self, now: float, kind: FailureKind) -> None:
        """The call failed by the model's fault."""
        self.reason = kind
        self._note(now, failed=True, slow=False)

    def rest(self, now: float, seconds: float | None) -> None:
        """The provider wants to be left alone."""
        self.reason = FailureKind.RATE_LIMITED
        self._resting_until = max(self._resting_until, now + (_REST_SECONDS if seconds is None else seconds))

    def _note(self, now: float, *, failed: bool, slow: bool) -> None:
        self._calls.append((now, failed, slow))
        recent = [call for call in self._calls if call[0] > now - _WINDOW_SECONDS]
        bad = sum(call[1] for call in recent) >= _FAILED_SHARE * len(recent)
        late = sum(call[2] for call in recent) >= _SLOW_SHARE * len(recent)
        if not failed and not slow:
            return  # whatever came before, the model is well now
        if self.state == "half_open":
            self._opens_for = min(2 * self._opens_for, _LONGEST_OPEN_SECONDS)
            self._open(now)
        elif self.state == "closed" and len(recent) >= _FEWEST and (bad or late):
            self._open(now)

    def _open(self, now: float) -> None:
        self.state = "open"
        self._probe_at = now + self._opens_for


ModelKey = tuple[str, str, str]
"""Model name, address, and the name of the secret: another key may well be welcome."""


def key_of(route: Route) -> ModelKey:
    """Whose breaker, rest and slots a route has."""
    return route.model, route.api_base or "", route.api_key or ""


@dataclass(slots=True)
class Breakers:
    """All models of a worker. `on_change` is told of every new state."""

    on_change: Callable[[str, BreakerState], None] = lambda _model, _state: None
    _known: dict[ModelKey, Breaker] = field(default_factory=dict)

    def of(self, key: ModelKey) -> Breaker:
        """The breaker of a model, closed at first."""
        return self._known.setdefault(key, Breaker())

    def ask(self, key: ModelKey, now: float) -> None:
        """See Breaker."""
        self._change(key, lambda breaker: breaker.ask(now))

    def answered(self, key: ModelKey, now: float, *, slow: bool) -> None:
        """See Breaker."""
        self._change(key, lambda breaker: breaker.answered(now, slow=slow))

    def failed(self, key: ModelKey, now: float, kind: FailureKind) -> None:
        """See Breaker."""
        self._change(key, lambda breaker: breaker.failed(now, kind))

    def _change(self, key: ModelKey, change: Callable[[Breaker], None]) -> None:
        breaker = self.of(key)
        before = breaker.state
        change(breaker)
        if breaker.state != before:
            self.on_change(key[0], breaker.state)
