"""The catalogue of refusals. Clients see `ErrorCode`, dead letters carry `RejectReason`.

Three exceptions tell a loop what to do: `Rejected` means dead-letter the record and go on, `Unavailable` means
do not acknowledge and try later, `Refused` means tell the client. Anything else is a bug and ends the process.
"""

from dataclasses import dataclass
from enum import StrEnum


class RejectReason(StrEnum):
    """Why a record went to the dead letters."""

    EMPTY_RECORD = "empty_record"
    NULL_RECORD = "null_record"
    BAD_MAGIC_BYTE = "bad_magic_byte"
    UNKNOWN_SCHEMA = "unknown_schema"
    UNDECODABLE = "undecodable"
    UNEXPECTED_EVENT = "unexpected_event"
    RECORD_TOO_LARGE = "record_too_large"


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """What one error code means to a client."""

    http_status: int
    retryable: bool
    message: str


class ErrorCode(StrEnum):
    """Every code a client can meet, on REST, on the WebSocket or in a failed turn."""

    INVALID_JSON = "invalid_json"
    INVALID_FRAME = "invalid_frame"
    UNKNOWN_FRAME_TYPE = "unknown_frame_type"
    FRAME_TOO_LARGE = "frame_too_large"
    FRAME_TOO_DEEP = "frame_too_deep"
    BINARY_FRAME = "binary_frame"
    TEXT_EMPTY = "text_empty"
    TEXT_TOO_LONG = "text_too_long"
    TEXT_CONTROL_CHARACTERS = "text_control_characters"
    SUBPROTOCOL_REQUIRED = "subprotocol_required"
    UNAUTHENTICATED = "unauthenticated"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 (a code, not a secret)
    KEY_REVOKED = "key_revoked"
    IDENTITY_UNAVAILABLE = "identity_unavailable"
    ORIGIN_REFUSED = "origin_refused"
    ROLE_REQUIRED = "role_required"
    SCOPE_REQUIRED = "scope_required"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BOT_UNKNOWN = "bot_unknown"
    UNSUPPORTED_PARAMETER = "unsupported_parameter"
    MESSAGES_TOO_LARGE = "messages_too_large"
    TURN_FINISHED = "turn_finished"
    TURN_CANCELLED = "turn_cancelled"
    TOO_MANY_TURNS = "too_many_turns"
    SLOW_READER = "slow_reader"
    LOG_UNAVAILABLE = "log_unavailable"
    ID_SAYS_TOO_MUCH = "id_says_too_much"
    KEYS_UNAVAILABLE = "keys_unavailable"
    KEYS_UNUSABLE = "keys_unusable"
    ERASURE_RUNNING = "erasure_running"
    SHUTTING_DOWN = "shutting_down"
    INTERNAL = "internal"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    REDACTION_FAILED = "redaction_failed"
    PERSONAL_DATA_REFUSED = "personal_data_refused"
    SESSION_FORBIDDEN = "session_forbidden"
    MODEL_REFUSED_KEY = "model_refused_key"
    MODEL_RATE_LIMITED = "model_rate_limited"
    MODEL_UNAVAILABLE = "model_unavailable"
    MODEL_TIMEOUT = "model_timeout"
    MODEL_STREAM_BROKEN = "model_stream_broken"
    MODEL_EMPTY_ANSWER = "model_empty_answer"
    MODEL_CONTEXT_TOO_LONG = "model_context_too_long"
    MODEL_CONTENT_FILTERED = "model_content_filtered"
    MODEL_REFUSED_REQUEST = "model_refused_request"

    @property
    def kind(self) -> ErrorKind:
        """Status, retryability and default message of this code."""
        return CATALOGUE[self]


CATALOGUE: dict[ErrorCode, ErrorKind] = {
    ErrorCode.INVALID_JSON: ErrorKind(400, False, "This is not JSON."),
    ErrorCode.INVALID_FRAME: ErrorKind(400, False, "A field is missing, unknown or of the wrong type."),
    ErrorCode.UNKNOWN_FRAME_TYPE: ErrorKind(400, False, "There is no frame of this type."),
    ErrorCode.FRAME_TOO_LARGE: ErrorKind(413, False, "The frame is larger than 64 kB."),
    ErrorCode.FRAME_TOO_DEEP: ErrorKind(400, False, "The JSON is nested too deeply."),
    ErrorCode.BINARY_FRAME: ErrorKind(400, False, "Frames are JSON text, not binary."),
    ErrorCode.TEXT_EMPTY: ErrorKind(422, False, "The message is empty."),
    ErrorCode.TEXT_TOO_LONG: ErrorKind(422, False, "The message is longer than 8,000 characters."),
    ErrorCode.TEXT_CONTROL_CHARACTERS: ErrorKind(422, False, "The message has control characters."),
    ErrorCode.SUBPROTOCOL_REQUIRED: ErrorKind(400, False, "Offer the WebSocket sub-protocol sluice.v1."),
    ErrorCode.UNAUTHENTICATED: ErrorKind(401, False, "A valid bearer token is needed."),
    ErrorCode.TOKEN_EXPIRED: ErrorKind(401, False, "The token has expired; obtain a new one."),
    ErrorCode.KEY_REVOKED: ErrorKind(401, False, "This API key was revoked; use another one."),
    ErrorCode.IDENTITY_UNAVAILABLE: ErrorKind(
        503, True, "The identity provider does not answer; try again in a moment."
    ),
    ErrorCode.ORIGIN_REFUSED: ErrorKind(403, False, "This origin or host may not do this."),
    ErrorCode.ROLE_REQUIRED: ErrorKind(403, False, "Your roles do not allow this."),
    ErrorCode.SCOPE_REQUIRED: ErrorKind(
        403, False, "This API key is not for that; use one that was created with the scope or the bot."
    ),
    ErrorCode.NOT_FOUND: ErrorKind(404, False, "There is no such thing, or it is not yours."),
    ErrorCode.METHOD_NOT_ALLOWED: ErrorKind(405, False, "This path does not take that method."),
    ErrorCode.BOT_UNKNOWN: ErrorKind(422, False, "There is no bot of this name."),
    ErrorCode.UNSUPPORTED_PARAMETER: ErrorKind(400, False, "This parameter is not supported."),
    ErrorCode.MESSAGES_TOO_LARGE: ErrorKind(413, False, "The messages are larger than 256 kB together."),
    ErrorCode.TURN_FINISHED: ErrorKind(409, False, "The turn has ended already."),
    ErrorCode.TURN_CANCELLED: ErrorKind(409, False, "The turn was stopped before its end."),
    ErrorCode.TOO_MANY_TURNS: ErrorKind(
        429, True, "Too many messages of this session wait for an answer; wait for one of them."
    ),
    ErrorCode.SLOW_READER: ErrorKind(408, True, "The socket was read too slowly; reconnect and resume."),
    ErrorCode.LOG_UNAVAILABLE: ErrorKind(503, True, "The log does not answer; try again in a moment."),
    ErrorCode.KEYS_UNAVAILABLE: ErrorKind(
        503, True, "The message cannot be encrypted now and was not taken; try again in a moment."
    ),
    ErrorCode.ID_SAYS_TOO_MUCH: ErrorKind(
        422, False, "The id of a conversation must say nothing of a person; use a random one, such as a UUID."
    ),
    ErrorCode.KEYS_UNUSABLE: ErrorKind(
        500, False, "Your key was changed, so nothing can be encrypted with it; tell who runs this platform."
    ),
    ErrorCode.ERASURE_RUNNING: ErrorKind(
        409, True, "What you said before is being erased; write again when that is done, in about a minute."
    ),
    ErrorCode.SHUTTING_DOWN: ErrorKind(503, True, "This gateway is going away; reconnect."),
    ErrorCode.INTERNAL: ErrorKind(500, True, "Something went wrong on our side."),
    ErrorCode.DEADLINE_EXCEEDED: ErrorKind(504, True, "The answer took too long."),
    ErrorCode.REDACTION_FAILED: ErrorKind(
        500, True, "The message could not be checked for personal data, so it was not passed on."
    ),
    ErrorCode.PERSONAL_DATA_REFUSED: ErrorKind(
        422, False, "The message has personal data of a kind that this bot does not take; leave it out."
    ),
    ErrorCode.SESSION_FORBIDDEN: ErrorKind(404, False, "There is no such conversation, or it is not yours."),
    ErrorCode.MODEL_REFUSED_KEY: ErrorKind(502, False, "The model's provider refused our key or balance."),
    ErrorCode.MODEL_RATE_LIMITED: ErrorKind(503, True, "The model's provider is at its limit; try again in a moment."),
    ErrorCode.MODEL_UNAVAILABLE: ErrorKind(503, True, "The model's provider does not answer."),
    ErrorCode.MODEL_TIMEOUT: ErrorKind(504, True, "The model took too long."),
    ErrorCode.MODEL_STREAM_BROKEN: ErrorKind(502, True, "The answer broke off; what was shown is incomplete."),
    ErrorCode.MODEL_EMPTY_ANSWER: ErrorKind(502, True, "The model said nothing."),
    ErrorCode.MODEL_CONTEXT_TOO_LONG: ErrorKind(422, False, "The conversation is too long for this model."),
    ErrorCode.MODEL_CONTENT_FILTERED: ErrorKind(422, False, "The provider's content filter refused the answer."),
    ErrorCode.MODEL_REFUSED_REQUEST: ErrorKind(502, False, "The model's provider refused the request."),
}


class Rejected(Exception):
    """A record that can never be used: dead-letter it and go on."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail


class Unavailable(Exception):
    """Something outside does not answer: do not acknowledge, back off, try again."""


class Refused(Exception):
    """A client asked for what cannot be given."""

    def __init__(self, code: ErrorCode, detail: str | None = None, ref: str | None = None) -> None:
        super().__init__(code.value)
        self.code = code
        self.message = detail or code.kind.message
        self.ref = ref


class ConfigurationError(Exception):
    """A setting or a file is wrong. The message says which and what to do."""
