"""What providers mean when they refuse."""

from datetime import UTC, datetime

import pytest

from agents.failures import FailureKind
from agents.ports import Prompt, PromptMessage
from sluice.bots import Route
from sluice.events import Sampling
from sluice.safe_text import SafeText
from streams.lean_model import request_body
from streams.refusals import error_in_stream, refusal_of, seconds_to_wait, words_of
from tests.samples import TRACE

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (401, "", FailureKind.REFUSED_KEY),
        (402, "", FailureKind.REFUSED_KEY),
        (403, "", FailureKind.REFUSED_KEY),
        (429, "insufficient_quota: check your billing", FailureKind.REFUSED_KEY),
        (429, "slow down", FailureKind.RATE_LIMITED),
        (408, "", FailureKind.OVERLOADED),
        (503, "", FailureKind.OVERLOADED),
        (529, "", FailureKind.OVERLOADED),
        (500, "maximum context", FailureKind.SERVER_ERROR),
        (400, "code context_length_exceeded", FailureKind.CONTEXT_TOO_LONG),
        (400, "400 exceed_context_size_error request (9 tokens) exceeds", FailureKind.CONTEXT_TOO_LONG),
        (400, "prompt is too long: 9 tokens > 8 maximum", FailureKind.CONTEXT_TOO_LONG),
        (400, "content_filter", FailureKind.CONTENT_FILTERED),
        (404, "no such model", FailureKind.REFUSED_REQUEST),
        (307, "", FailureKind.REFUSED_REQUEST),
        (400, "roles must alternate", FailureKind.REFUSED_REQUEST),
        (422, "max_tokens is too large", FailureKind.REFUSED_REQUEST),
    ],
)
def test_kinds_of_refusal(status: int, words: str, kind: FailureKind):
    assert refusal_of(status, words, prefilled=False) is kind
    with_beginning = kind is FailureKind.REFUSED_REQUEST and status in (400, 422)
    expected = FailureKind.REFUSED_PREFILL if with_beginning else kind
    assert refusal_of(status, words, prefilled=True) is expected


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": {"message": "m", "type": "t", "code": 7}}', "7 t m"),
        (b'{"error": "just words"}', "just words"),
        (b'{"detail": 1}', "None"),
        (b"<html>\xff", "<html>\ufffd"),
    ],
)
def test_words_of_every_body(body: bytes, words: str):
    assert words_of(body) == words


def test_errors_in_the_stream():
    assert error_in_stream("429 rate_limit_exceeded") is FailureKind.RATE_LIMITED_IN_STREAM
    assert error_in_stream("500 server_error 4290") is FailureKind.ERROR_IN_STREAM


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("Thu, 01 Jan 2026 00:00:07 GMT", 7.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("1e9", 600.0),
        ("Thu, 01 Jan 2026 00:00:07", None),
    ],
)
def test_retry_after_as_number_or_date(header: str | None, seconds: float | None):
    assert seconds_to_wait(header, NOW) == seconds


def test_a_request_has_what_was_asked_and_nothing_else():
    sampling = Sampling(temperature=0.0, max_tokens=10, stop=(SafeText("END"),))
    prompt = Prompt((PromptMessage("user", SafeText("Hi")),), 500, 3, TRACE, "a-1", sampling)
    assert request_body(Route(model="openai/org/m", continuous_usage=True), prompt) == {
        "model": "org/m",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 10,
        "temperature": 0.0,
        "stop": ["END"],
        "stream": True,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
    }
    plain = Prompt(prompt.messages, 500, 3, TRACE, "a-1")
    assert request_body(Route(model="m"), plain)["max_tokens"] == 500
