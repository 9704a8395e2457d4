"""How a model can fail, and what is done about each kind. The routing reference is made of this table."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from sluice.errors import ErrorCode


class FailureKind(StrEnum):
    """What went wrong with one attempt. Goes into the ledger; people see the error code."""

    REFUSED_KEY = "refused_key"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    UNREACHABLE = "unreachable"
    CONNECT_TIMEOUT = "connect_timeout"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"  # noqa: S105 (no secret)
    CUT = "cut"
    STALLED = "stalled"
    ERROR_IN_STREAM = "error_in_stream"
    RATE_LIMITED_IN_STREAM = "rate_limited_in_stream"
    MALFORMED_CHUNK = "malformed_chunk"
    NO_END_MARK = "no_end_mark"
    EMPTY_ANSWER = "empty_answer"
    NOTHING_ADDED = "nothing_added"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    CONTEXT_TOO_LONG = "context_too_long"
    CONTENT_FILTERED = "content_filtered"
    REPEATED_CHUNKS = "repeated_chunks"
    REFUSED_REQUEST = "refused_request"
    REFUSED_PREFILL = "refused_prefill"
    TOTAL_TIMEOUT = "total_timeout"
    NO_SLOT = "no_slot"
    OUTBID = "outbid"


Again = Literal["never", "later", "shorter", "without_prefill"]
"""Whether the same model may be asked once more: not in this turn; after the others, with backoff; at once with less
context; at once without the beginning of the answer."""

Billed = Literal["nothing", "unknown", "counted"]
"""What the provider takes for such a call: surely nothing; nobody knows; what was read and said."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """What follows a failure of one kind. The next model of the route is asked where `next_model`."""

    cause: str
    code: ErrorCode
    again: Again
    next_model: bool = True
    counts_against_model: bool = True
    keeps_text: bool = True
    billed: Billed = "counted"


REACTIONS: dict[FailureKind, Reaction] = {
    FailureKind.REFUSED_KEY: Reaction(
        "401, 402 or 403: wrong key, no balance, no right", ErrorCode.MODEL_REFUSED_KEY, "never", billed="nothing"
    ),
    FailureKind.RATE_LIMITED: Reaction(
        "429; with Retry-After the model is left alone for so long",
        ErrorCode.MODEL_RATE_LIMITED,
        "later",
        counts_against_model=False,
        billed="nothing",
    ),
    FailureKind.OVERLOADED: Reaction("408, 503 or 529", ErrorCode.MODEL_UNAVAILABLE, "later", billed="nothing"),
    FailureKind.SERVER_ERROR: Reaction("any other 5xx", ErrorCode.MODEL_UNAVAILABLE, "later", billed="unknown"),
    FailureKind.UNREACHABLE: Reaction(
        "connection refused, or reset before the headers", ErrorCode.MODEL_UNAVAILABLE, "later", billed="unknown"
    ),
    FailureKind.CONNECT_TIMEOUT: Reaction(
        "no connection within `connect_seconds`", ErrorCode.MODEL_TIMEOUT, "later", billed="nothing"
    ),
    FailureKind.FIRST_TOKEN_TIMEOUT: Reaction(
        "no token within `first_token_seconds`, with headers or without", ErrorCode.MODEL_TIMEOUT, "never"
    ),
    FailureKind.CUT: Reaction("the connection broke in mid-stream", ErrorCode.MODEL_STREAM_BROKEN, "later"),
    FailureKind.STALLED: Reaction("no further token within `gap_seconds`", ErrorCode.MODEL_TIMEOUT, "never"),
    FailureKind.ERROR_IN_STREAM: Reaction(
        "an error object instead of a chunk, or an end for another reason than `stop` and `length`",
        ErrorCode.MODEL_STREAM_BROKEN,
        "later",
    ),
    FailureKind.RATE_LIMITED_IN_STREAM: Reaction(
        "an error object that says 429", ErrorCode.MODEL_RATE_LIMITED, "later", counts_against_model=False
    ),
    FailureKind.MALFORMED_CHUNK: Reaction(
        "a chunk that is not JSON, or no chunk", ErrorCode.MODEL_STREAM_BROKEN, "later"
    ),
    FailureKind.NO_END_MARK: Reaction(
        "the stream ended without a finish reason", ErrorCode.MODEL_STREAM_BROKEN, "later"
    ),
    FailureKind.EMPTY_ANSWER: Reaction(
        "an end without a word", ErrorCode.MODEL_EMPTY_ANSWER, "later", counts_against_model=False
    ),
    FailureKind.NOTHING_ADDED: Reaction(
        "an end without a word after the beginning of the answer",
        ErrorCode.MODEL_EMPTY_ANSWER,
        "without_prefill",
        counts_against_model=False,
    ),
    FailureKind.WRONG_CONTENT_TYPE: Reaction(
        "200 with something else than a stream: a login page, say",
        ErrorCode.MODEL_UNAVAILABLE,
        "never",
        billed="unknown",
    ),
    FailureKind.CONTEXT_TOO_LONG: Reaction(
        "the model says that the conversation is too long",
        ErrorCode.MODEL_CONTEXT_TOO_LONG,
        "shorter",
        counts_against_model=False,
        billed="nothing",
    ),
    FailureKind.CONTENT_FILTERED: Reaction(
        "the provider's filter refused question or answer",
        ErrorCode.MODEL_CONTENT_FILTERED,
        "never",
        next_model=False,
        counts_against_model=False,
        keeps_text=False,
        billed="nothing",
    ),
    FailureKind.REPEATED_CHUNKS: Reaction(
        "the same words over and over", ErrorCode.MODEL_STREAM_BROKEN, "never", keeps_text=False
    ),
    FailureKind.REFUSED_REQUEST: Reaction(
        "any other 3xx or 4xx: an unknown model or parameter, another address",
        ErrorCode.MODEL_REFUSED_REQUEST,
        "never",
        counts_against_model=False,
        billed="nothing",
    ),
    FailureKind.REFUSED_PREFILL: Reaction(
        "400 or 422 to a request that ends with the beginning of the answer",
        ErrorCode.MODEL_REFUSED_REQUEST,
        "without_prefill",
        counts_against_model=False,
        billed="nothing",
    ),
    FailureKind.TOTAL_TIMEOUT: Reaction(
        "`total_seconds` are over: an attempt's, or the turn's own", ErrorCode.MODEL_TIMEOUT, "never"
    ),
    FailureKind.NO_SLOT: Reaction(
        "all of the model's `concurrency` was taken for too long",
        ErrorCode.MODEL_RATE_LIMITED,
        "later",
        counts_against_model=False,
        billed="nothing",
    ),
    FailureKind.OUTBID: Reaction(
        "the other of two calls spoke first; no failure",
        ErrorCode.MODEL_UNAVAILABLE,
        "never",
        next_model=False,
        counts_against_model=False,
        keeps_text=False,
    ),
}
