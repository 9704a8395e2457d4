"""Frames of a turn as OpenAI's chunks, without a network: whole, or a beginning and an error, never a seam."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.frames import (
    Cancelled,
    Completed,
    Delta,
    Failed,
    Latency,
    Reset,
    ServerFrame,
    Snapshot,
    Started,
    UsageShown,
)
from gateway.openai_rendering import DONE, Head, Rendering, Streamed, Whole
from sluice.errors import ErrorCode, Refused

HEAD = Head("t-1", 1_700_000_000, "assistant")
FAILED = Failed("t-1", "model_unavailable", "gone", True)


def completed(reason: str = "stop", attempt: int = 1) -> Completed:
    return Completed("t-1", attempt, UsageShown(5, 2, False), "0.1", Latency(1, 2, 1), "openai/echo", reason)


def started(attempt: int = 1) -> Started:
    return Started("t-1", "s-1", attempt, "openai/echo")


def delta(text: str, seq: int = 0, attempt: int = 1) -> Delta:
    return Delta("t-1", attempt, seq, seq, text)


def chunks(content: bytes) -> list[Any]:
    events = content.decode().split("\n\n")
    assert events.pop() == ""
    words = [event.removeprefix("data: ") for event in events]
    return [word if word == "[DONE]" else json.loads(word) for word in words]


def said(content: bytes) -> str:
    found = [chunk for chunk in chunks(content) if chunk != "[DONE]"]
    return "".join(choice["delta"].get("content", "") for chunk in found for choice in chunk["choices"])


def all_of(rendering: Rendering, frames: list[ServerFrame]) -> bytes:
    return b"".join(rendering.take(frame) for frame in frames)


def test_a_stream_has_role_text_reason_and_end_mark():
    out = chunks(all_of(Streamed(HEAD), [started(), delta("Hel"), delta("lo", 1), completed("length")]))
    assert out.pop() == "[DONE]"
    assert [chunk["choices"][0]["delta"] for chunk in out] == [
        {"role": "assistant", "content": ""},
        {"content": "Hel"},
        {"content": "lo"},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in out] == [None, None, None, "length"]
    head = {"id": "chatcmpl-t-1", "created": 1_700_000_000, "model": "assistant", "object": "chat.completion.chunk"}
    assert all(chunk.items() >= head.items() for chunk in out)
    assert all(chunk["system_fingerprint"] is None and "usage" not in chunk for chunk in out)


def test_usage_comes_last_where_it_was_asked_for_and_is_null_before():
    out = chunks(all_of(Streamed(HEAD, include_usage=True), [started(), delta("a"), completed()]))
    assert [chunk["usage"] for chunk in out[:-2]] == [None, None, None]
    assert out[-2]["choices"] == []
    assert out[-2]["usage"] == {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    assert out[-1] == "[DONE]"


@pytest.mark.parametrize(("reason", "shown"), [("stop", "stop"), ("length", "length"), ("fallback", "stop")])
def test_reasons_are_those_that_openai_has(reason: str, shown: str):
    whole = json.loads(all_of(Whole(HEAD), [started(), delta("a"), completed(reason)]))
    assert whole["choices"][0]["finish_reason"] == shown


def test_the_bots_own_text_is_marked():
    frames = [started(), delta("Later, please."), completed("fallback")]
    assert json.loads(all_of(Whole(HEAD), frames))["system_fingerprint"] == "fallback"
    out = chunks(all_of(Streamed(HEAD, include_usage=True), frames))
    assert [chunk["system_fingerprint"] for chunk in out[:-1]] == [None, None, "fallback", "fallback"]


def test_the_whole_answer_is_that_of_the_last_attempt():
    frames = [started(), delta("one"), Reset("t-1", 2), started(2), delta("tw", 0, 2), delta("o", 1, 2), completed()]
    whole = json.loads(all_of(Whole(HEAD), frames))
    assert whole == {
        "id": "chatcmpl-t-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "assistant",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "two", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
        "system_fingerprint": None,
    }


def test_who_asks_again_gets_the_whole_text_at_once():
    frames: list[ServerFrame] = [started(), Snapshot("t-1", "s-1", 1, 3, "all of it"), completed()]
    assert said(all_of(Streamed(HEAD), frames)) == "all of it"
    assert json.loads(all_of(Whole(HEAD), frames))["choices"][0]["message"]["content"] == "all of it"


@pytest.mark.parametrize("rendering", [Streamed(HEAD), Whole(HEAD)])
@pytest.mark.parametrize(
    ("frame", "code"), [(FAILED, ErrorCode.MODEL_UNAVAILABLE), (Cancelled("t-1", 1), ErrorCode.TURN_CANCELLED)]
)
def test_a_turn_without_a_whole_answer_is_refused(rendering: Rendering, frame: ServerFrame, code: ErrorCode):
    with pytest.raises(Refused) as refused:
        rendering.take(frame)
    assert refused.value.code is code


def test_a_continuation_says_nothing_twice():
    frames = [started(), delta("It was "), started(2), delta("It was a dark", 0, 2), delta(" night", 1, 2), completed()]
    out = all_of(Streamed(HEAD), frames)
    assert said(out) == "It was a dark night"
    assert out.endswith(DONE)


def test_another_beginning_cannot_be_told():
    stream = Streamed(HEAD)
    assert said(all_of(stream, [started(), delta("It was "), started(2), delta("It", 0, 2)])) == "It was "
    with pytest.raises(Refused, match="model_stream_broken"):
        stream.take(delta(" is", 1, 2))


def test_an_answer_that_ends_before_what_was_sent_is_not_whole():
    stream = Streamed(HEAD)
    all_of(stream, [started(), delta("It was "), started(2), delta("It", 0, 2)])
    with pytest.raises(Refused, match="model_stream_broken"):
        stream.take(completed())


texts = st.text("ab", max_size=8)


@st.composite
def turns(draw: st.DrawFn) -> tuple[list[ServerFrame], list[str]]:
    """Attempts in order, cut at will; each goes on with what was said, says the same again, or something else."""
    frames: list[ServerFrame] = []
    spoken: list[str] = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        before = spoken[-1] if spoken else ""
        whole = draw(st.sampled_from(["continue", "repeat", "anew"]))
        continued = before + draw(texts)
        text = {"continue": continued, "repeat": before[: draw(st.integers(0, 8))], "anew": draw(texts)}[whole]
        cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
        if whole == "continue":
            cuts = [cut for cut in cuts if cut >= len(before)]
        pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        frames.append(draw(st.sampled_from([started(number), Reset("t-1", number)])))
        if draw(st.booleans()):
            frames += [delta(piece, seq, number) for seq, piece in enumerate(pieces)]
        else:
            frames.append(Snapshot("t-1", "s-1", number, len(pieces), text))
        spoken.append(text)
    return [*frames, draw(st.sampled_from([completed(), FAILED, Cancelled("t-1", 1)]))], spoken


@given(turns())
@example(([started(), delta("ab"), started(2), delta("a"), completed()], ["ab", "a"]))
def test_what_was_sent_is_the_answer_or_its_beginning_and_an_error(turn: tuple[list[ServerFrame], list[str]]):
    frames, spoken = turn
    stream, sent, broken = Streamed(HEAD), b"", False
    for frame in frames:
        try:
            sent += stream.take(frame)
        except Refused:
            broken = True
            break
        if not sent.endswith(DONE):
            assert any(text.startswith(said(sent)) for text in spoken)
    assert broken is not sent.endswith(DONE)
    if broken:
        assert any(text.startswith(said(sent)) for text in spoken)
    else:
        assert isinstance(frames[-1], Completed)
        assert said(sent) == spoken[-1]
