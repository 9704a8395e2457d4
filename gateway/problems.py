"""Refusals on REST: RFC 9457 problem details with a code of the catalogue."""

from starlette.responses import JSONResponse

from sluice.errors import ErrorCode, Refused

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2


def problem(refused: Refused) -> JSONResponse:
    """`type` is about:blank, so `title` is the message of the code."""
    kind = refused.code.kind
    body = {
        "type": "about:blank",
        "title": kind.message,
        "status": kind.http_status,
        "detail": refused.message,
        "code": refused.code.value,
        "retryable": kind.retryable,
    }
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if kind.retryable else {}
    if kind.http_status == ErrorCode.UNAUTHENTICATED.kind.http_status:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body, kind.http_status, headers, MEDIA_TYPE)
