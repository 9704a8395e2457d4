"""What the provider would bill: the independent witness for the usage ledger."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from sluice.clock import Clock, utc_now

CallState = Literal["running", "completed", "refused", "failed", "disconnected"]


@dataclass(slots=True)
class Call:
    """One request for an answer. `request_id` is the caller's own name for it: `X-Client-Request-Id`."""

    call_id: str
    model: str
    traceparent: str
    prompt_tokens: int
    request_id: str = ""
    began_at: str = ""
    completion_tokens: int = 0
    state: CallState = "running"
    finish_reason: str | None = None


@dataclass(slots=True)
class Meter:
    """All calls since the provider started, newest last, at most `keep`; totals count all of them."""

    keep: int = 100_000
    clock: Clock = utc_now
    since: str = ""
    calls: list[Call] = field(default_factory=list)
    _gone: Counter[str] = field(default_factory=Counter)
    _by_id: dict[str, Call] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """From here on it counts."""
        self.since = self.clock().isoformat()

    def begin(self, call_id: str, model: str, traceparent: str, prompt_tokens: int, request_id: str = "") -> Call:
        """Note a call."""
        call = Call(call_id, model, traceparent, prompt_tokens, request_id, self.clock().isoformat())
        self.calls.append(call)
        self._by_id |= {name: call for name in (call_id, request_id) if name}
        for gone in self.calls[: -self.keep]:
            self.since = gone.began_at
            self._gone.update(_sums(gone))
            self._forget(gone)
        del self.calls[: -self.keep]
        return call

    def find(self, name: str) -> Call | None:
        """By its id, or the newest by the caller's."""
        return self._by_id.get(name)

    def report(self) -> dict[str, Any]:
        """`{"since": ..., "calls": [...], "totals": {...}}`. A call that is kept no longer moves `since`."""
        return {
            "since": self.since,
            "calls": [asdict(call) for call in self.calls],
            "totals": {name: self._gone[name] + sum(_sums(call)[name] for call in self.calls) for name in _NAMES},
        }

    def _forget(self, call: Call) -> None:
        for name in (call.call_id, call.request_id):
            if self._by_id.get(name) is call:
                del self._by_id[name]


_NAMES = ("calls", "prompt_tokens", "completion_tokens")


def _sums(call: Call) -> dict[str, int]:
    return dict(zip(_NAMES, (1, call.prompt_tokens, call.completion_tokens), strict=True))


def generation(call: Call) -> dict[str, Any]:
    """A finished call in OpenRouter's shape."""
    return {
        "data": {
            "id": call.call_id,
            "model": call.model,
            "tokens_prompt": call.prompt_tokens,
            "tokens_completion": call.completion_tokens,
            "native_tokens_prompt": call.prompt_tokens,
            "native_tokens_completion": call.completion_tokens,
            "finish_reason": call.finish_reason,
            "state": call.state,
        }
    }
