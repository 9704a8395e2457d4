"""Every way in which the development provider fails on purpose. Models and scripts name these."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from agents.failures import FailureKind


class Fault(StrEnum):
    """Names for scripts."""

    NONE = "none"
    REFUSED_KEY = "refused_key"
    NO_BALANCE = "no_balance"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    RATE_LIMITED_BARE = "rate_limited_bare"
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"
    OVERLOADED = "overloaded"
    BAD_REQUEST = "bad_request"
    CONTEXT_TOO_LONG = "context_too_long"
    CONTENT_FILTER = "content_filter"
    HTML = "html"
    RESET_BEFORE_HEADERS = "reset_before_headers"
    NO_RESPONSE = "no_response"
    CUT = "cut"
    STALL = "stall"
    MALFORMED_CHUNK = "malformed_chunk"
    ERROR_IN_STREAM = "error_in_stream"
    RATE_LIMITED_IN_STREAM = "rate_limited_in_stream"
    NO_END_MARK = "no_end_mark"
    REPEATED_CHUNKS = "repeated_chunks"
    LENGTH = "length"
    CONTENT_FILTER_IN_STREAM = "content_filter_in_stream"
    EMPTY = "empty"
    MISSING_DONE = "missing_done"


Moment = Literal["instead", "before", "within", "whole"]
"""A refusal instead of an answer; below HTTP before an answer; after some tokens; about the answer as a whole."""


@dataclass(frozen=True, slots=True)
class FaultNote:
    """What a fault does, and the kind of failure that Sluice makes of it; no kind where it is none."""

    cause: str
    moment: Moment
    kind: FailureKind | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error answer in OpenAI's shape."""

    status: int
    code: str
    message: str
    retry_after_seconds: float | None = None


SHORT_CONTEXT_TOKENS = 40
"""What a model that finds everything too long does take."""

FAULTS: dict[Fault, FaultNote] = {
    Fault.NONE: FaultNote("all is well", "whole"),
    Fault.REFUSED_KEY: FaultNote("401", "instead", FailureKind.REFUSED_KEY),
    Fault.NO_BALANCE: FaultNote("402", "instead", FailureKind.REFUSED_KEY),
    Fault.FORBIDDEN: FaultNote("403", "instead", FailureKind.REFUSED_KEY),
    Fault.RATE_LIMITED: FaultNote("429 with Retry-After, 1 s unless told", "instead", FailureKind.RATE_LIMITED),
    Fault.RATE_LIMITED_BARE: FaultNote("429", "instead", FailureKind.RATE_LIMITED),
    Fault.SERVER_ERROR: FaultNote("500", "instead", FailureKind.SERVER_ERROR),
    Fault.UNAVAILABLE: FaultNote("503", "instead", FailureKind.OVERLOADED),
    Fault.OVERLOADED: FaultNote("529", "instead", FailureKind.OVERLOADED),
    Fault.BAD_REQUEST: FaultNote("400", "instead", FailureKind.REFUSED_REQUEST),
    Fault.CONTEXT_TOO_LONG: FaultNote(
        f"400 to more than {SHORT_CONTEXT_TOKENS} tokens", "instead", FailureKind.CONTEXT_TOO_LONG
    ),
    Fault.CONTENT_FILTER: FaultNote("400 of the filter", "instead", FailureKind.CONTENT_FILTERED),
    Fault.HTML: FaultNote("200 with a login page", "before", FailureKind.WRONG_CONTENT_TYPE),
    Fault.RESET_BEFORE_HEADERS: FaultNote(
        "the connection is closed before the headers", "before", FailureKind.UNREACHABLE
    ),
    Fault.NO_RESPONSE: FaultNote("silence without headers", "before", FailureKind.FIRST_TOKEN_TIMEOUT),
    Fault.CUT: FaultNote("the connection is closed", "within", FailureKind.CUT),
    Fault.STALL: FaultNote("silence", "within", FailureKind.STALLED),
    Fault.MALFORMED_CHUNK: FaultNote("a chunk that is not JSON", "within", FailureKind.MALFORMED_CHUNK),
    Fault.ERROR_IN_STREAM: FaultNote("an error object", "within", FailureKind.ERROR_IN_STREAM),
    Fault.RATE_LIMITED_IN_STREAM: FaultNote(
        "an error object that says 429", "within", FailureKind.RATE_LIMITED_IN_STREAM
    ),
    Fault.NO_END_MARK: FaultNote(
        "the stream ends in order, without finish_reason and [DONE]", "within", FailureKind.NO_END_MARK
    ),
    Fault.REPEATED_CHUNKS: FaultNote("the same word for ever", "within", FailureKind.REPEATED_CHUNKS),
    Fault.LENGTH: FaultNote("the end, with finish_reason length", "within"),
    Fault.CONTENT_FILTER_IN_STREAM: FaultNote(
        "the end, with finish_reason content_filter", "within", FailureKind.CONTENT_FILTERED
    ),
    Fault.EMPTY: FaultNote("finish_reason stop without a word", "whole", FailureKind.EMPTY_ANSWER),
    Fault.MISSING_DONE: FaultNote("a whole answer with finish_reason, without [DONE]", "whole"),
}

REFUSALS: dict[Fault, Refusal] = {
    Fault.REFUSED_KEY: Refusal(401, "invalid_api_key", "The key is wrong."),
    Fault.NO_BALANCE: Refusal(402, "insufficient_balance", "There is no balance left."),
    Fault.FORBIDDEN: Refusal(403, "permission_denied", "This key may not use this model."),
    Fault.RATE_LIMITED: Refusal(429, "rate_limit_exceeded", "Too many requests.", 1),
    Fault.RATE_LIMITED_BARE: Refusal(429, "rate_limit_exceeded", "Too many requests."),
    Fault.SERVER_ERROR: Refusal(500, "server_error", "Something went wrong."),
    Fault.UNAVAILABLE: Refusal(503, "overloaded", "Come back later."),
    Fault.OVERLOADED: Refusal(529, "overloaded_error", "Come back later."),
    Fault.BAD_REQUEST: Refusal(400, "invalid_request_error", "This request is not understood."),
    Fault.CONTEXT_TOO_LONG: Refusal(
        400,
        "context_length_exceeded",
        f"This model's maximum context length is {SHORT_CONTEXT_TOKENS} tokens. Reduce the length of the messages.",
    ),
    Fault.CONTENT_FILTER: Refusal(
        400, "content_filter", "The request was rejected as a result of the safety system: content_policy_violation."
    ),
}
REFUSED_PREFILL = Refusal(400, "invalid_request_error", "This model takes no beginning of its answer (prefill).")


_BY_STATUS = {
    REFUSALS[fault].status: fault
    for fault in (
        Fault.REFUSED_KEY,
        Fault.NO_BALANCE,
        Fault.FORBIDDEN,
        Fault.RATE_LIMITED_BARE,
        Fault.UNAVAILABLE,
        Fault.OVERLOADED,
    )
}


def fault_of(status: int) -> Fault:
    """The plain refusal with a status, or with one of its kind."""
    other = Fault.SERVER_ERROR if status >= REFUSALS[Fault.SERVER_ERROR].status else Fault.BAD_REQUEST
    return _BY_STATUS.get(status, other)


def refusal_of(fault: Fault, status: int | None, retry_after_seconds: float | None) -> Refusal:
    """The fault's own, with what a script made of it."""
    own = REFUSALS[fault]
    after = own.retry_after_seconds if retry_after_seconds is None else retry_after_seconds
    return replace(own, status=status or own.status, retry_after_seconds=after)
