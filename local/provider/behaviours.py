"""What each model of the development provider does. `GET /v1/models` lists this table."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from local.provider.answers import assistant, echo, story
from local.provider.faults import FAULTS, Fault

Prefill = Literal["continue", "refuse", "repeat", "end"]
FinishReason = Literal["stop", "length", "content_filter", "tool_calls"]
USUAL_TOKENS = 20


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One model. The fault concerns the first `times` calls, or every other `cycle` calls, or all.

    `after_tokens` counts the tokens of one call. 0 is before the first word, when the headers are out.
    """

    name: str
    description: str
    answer: Callable[[str], str] = story
    fault: Fault = Fault.NONE
    after_tokens: int = USUAL_TOKENS
    token_seconds: float = 0.02
    first_token_seconds: float = 0.1
    prefill: Prefill = "continue"
    usage: bool = True
    times: int | None = None
    cycle: int | None = None
    status: int | None = None
    retry_after_seconds: float | None = None
    finish_reason: FinishReason | None = None

    def at_call(self, number: int) -> "Behaviour":
        """What it does at its call of this number, from 1 on."""
        fails = self.times is None or number <= self.times
        if self.cycle is not None:
            fails = (number - 1) // self.cycle % 2 == 0
        return self if fails else replace(self, fault=Fault.NONE)

    @property
    def breaks_after(self) -> int | None:
        """Tokens after which the fault comes. None where it does not come in mid-stream."""
        return self.after_tokens if FAULTS[self.fault].moment == "within" else None


_ALL = (
    Behaviour("assistant", "answers in Markdown about what was asked", assistant),
    Behaviour("echo", "says the last message again", echo),
    Behaviour("slow-echo", "says the last message again, a word at a time", echo, token_seconds=0.06),
    Behaviour("story", "tells a long story at a steady pace"),
    Behaviour(
        "instant", "says the last message again without any think time", echo, token_seconds=0, first_token_seconds=0
    ),
    Behaviour("rate-limited", "429 with Retry-After: 1", fault=Fault.RATE_LIMITED),
    Behaviour("rate-limited-bare", "429 without Retry-After", fault=Fault.RATE_LIMITED_BARE),
    Behaviour("error-500-once", "500 on every other call, an answer else", fault=Fault.SERVER_ERROR, cycle=1),
    Behaviour("unavailable-503", "503 always", fault=Fault.UNAVAILABLE),
    Behaviour("reset-before-headers", "closes the connection before it answers", fault=Fault.RESET_BEFORE_HEADERS),
    Behaviour("no-response", "takes the request and never answers", fault=Fault.NO_RESPONSE),
    Behaviour("slow-first-token", "first token after 30 s", first_token_seconds=30),
    Behaviour("cut-after-20", "closes the connection after 20 tokens", fault=Fault.CUT),
    Behaviour("stall-after-20", "falls silent after 20 tokens", fault=Fault.STALL),
    Behaviour("malformed-after-20", "sends a chunk that is not JSON after 20 tokens", fault=Fault.MALFORMED_CHUNK),
    Behaviour("overloaded-529", "529 always", fault=Fault.OVERLOADED),
    Behaviour("no-balance-402", "402 always", fault=Fault.NO_BALANCE),
    Behaviour("forbidden-403", "403 always", fault=Fault.FORBIDDEN),
    Behaviour("bad-request", "400 on everything", fault=Fault.BAD_REQUEST),
    Behaviour("context-too-long", "400 to a prompt of more than 40 tokens", fault=Fault.CONTEXT_TOO_LONG),
    Behaviour("content-filter", "400 of the filter", fault=Fault.CONTENT_FILTER),
    Behaviour("html", "200 with a login page", fault=Fault.HTML),
    Behaviour("flapping", "503 to 4 calls, an answer to the next 4, and so on", fault=Fault.UNAVAILABLE, cycle=4),
    Behaviour("cut-before-first-token", "sends headers, then closes the connection", fault=Fault.CUT, after_tokens=0),
    Behaviour("headers-no-token", "sends headers, then falls silent", fault=Fault.STALL, after_tokens=0),
    Behaviour("error-in-stream-after-20", "sends an error object after 20 tokens", fault=Fault.ERROR_IN_STREAM),
    Behaviour(
        "rate-limited-in-stream-after-20",
        "sends an error object that says 429 after 20 tokens",
        fault=Fault.RATE_LIMITED_IN_STREAM,
    ),
    Behaviour("no-end-mark-after-20", "ends after 20 tokens without finish_reason and [DONE]", fault=Fault.NO_END_MARK),
    Behaviour("missing-done", "a whole answer with finish_reason, without [DONE]", fault=Fault.MISSING_DONE),
    Behaviour("empty", "ends with finish_reason stop without a word", fault=Fault.EMPTY),
    Behaviour(
        "content-filter-in-stream",
        "20 tokens, then finish_reason content_filter",
        fault=Fault.CONTENT_FILTER_IN_STREAM,
    ),
    Behaviour("length", "20 tokens, then finish_reason length", fault=Fault.LENGTH),
    Behaviour("repeated-chunks", "says the same word for ever", fault=Fault.REPEATED_CHUNKS, after_tokens=0),
    Behaviour("no-usage", "a good answer that never says its tokens", usage=False),
    Behaviour("refuses-prefill", "400 to a request that ends with a beginning of the answer", prefill="refuse"),
    Behaviour("repeats-prefill", "says a beginning again that it was given", prefill="repeat"),
    Behaviour("ends-prefill", "ends without a word after a beginning that it was given", prefill="end"),
)
BEHAVIOURS: dict[str, Behaviour] = {behaviour.name: behaviour for behaviour in _ALL}
