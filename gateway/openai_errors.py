"""Refusals and failures in OpenAI's shape, with the names and statuses that its clients know."""

from typing import Any

import msgspec
from starlette.responses import JSONResponse

from gateway.problems import RETRY_AFTER_SECONDS
from sluice.errors import ErrorCode, Refused

PREFIX = "/openai/"

NAMES: dict[ErrorCode, str] = {
    ErrorCode.UNAUTHENTICATED: "invalid_api_key",
    ErrorCode.TOKEN_EXPIRED: "invalid_api_key",
    ErrorCode.KEY_REVOKED: "invalid_api_key",
    ErrorCode.BOT_UNKNOWN: "model_not_found",
    ErrorCode.INVALID_FRAME: "invalid_value",
    ErrorCode.NOT_FOUND: "unknown_url",
    ErrorCode.TOO_MANY_TURNS: "rate_limit_exceeded",
    ErrorCode.MODEL_CONTEXT_TOO_LONG: "context_length_exceeded",
    ErrorCode.MODEL_CONTENT_FILTERED: "content_filter",
}
"""Where programs for OpenAI look for another name than ours."""

_UNPROCESSABLE, _BAD_REQUEST, _TOO_MANY, _SERVER = 422, 400, 429, 500


class RefusedParameter(Refused):
    """Something is wrong with one parameter of the body."""

    def __init__(self, code: ErrorCode, parameter: str | None, detail: str | None = None) -> None:
        super().__init__(code, detail)
        self.parameter = parameter


class ErrorDetail(msgspec.Struct):
    """What went wrong, as OpenAI says it."""

    message: str
    type: str
    param: str | None
    code: str


class OpenaiError(msgspec.Struct):
    """OpenAI's envelope of an error."""

    error: ErrorDetail


def status_of(code: ErrorCode) -> int:
    """The catalogue's, but OpenAI has no 422."""
    if code is ErrorCode.BOT_UNKNOWN:
        return ErrorCode.NOT_FOUND.kind.http_status
    status = code.kind.http_status
    return _BAD_REQUEST if status == _UNPROCESSABLE else status


def error_of(refused: Refused) -> OpenaiError:
    """The body, also of an error in mid-stream."""
    parameter = getattr(refused, "parameter", None)
    if refused.code is ErrorCode.BOT_UNKNOWN:
        parameter = "model"
    status = status_of(refused.code)
    kind = "invalid_request_error" if status < _SERVER else "server_error"
    if status == _TOO_MANY:
        kind = "rate_limit_error"
    name = NAMES.get(refused.code, refused.code.value)
    return OpenaiError(ErrorDetail(refused.message, kind, parameter, name))


def openai_error(refused: Refused) -> JSONResponse:
    """As an HTTP response. OpenAI's SDKs try every 409 and 5xx again unless they are told not to."""
    retryable, status = refused.code.kind.retryable, status_of(refused.code)
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if retryable else {"X-Should-Retry": "false"}
    if status == ErrorCode.UNAUTHENTICATED.kind.http_status:
        headers["WWW-Authenticate"] = "Bearer"
    body: dict[str, Any] = msgspec.to_builtins(error_of(refused))
    return JSONResponse(body, status, headers)
