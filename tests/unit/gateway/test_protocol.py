import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.frames import ErrorFrame, Feedback, MessageSend
from gateway.protocol import CLOSE_BAD_FRAMES, Protocol, depth, read_frame
from sluice.errors import ErrorCode, Refused

GOOD = {"type": "message.send", "client_msg_id": "m-1", "session_id": "s-1", "text": "hello\n\tyou", "bot": "b"}


def test_a_good_frame():
    assert read_frame(json.dumps(GOOD)) == MessageSend("m-1", "s-1", "hello\n\tyou", "b")


@pytest.mark.parametrize(
    ("change", "code", "ref"),
    [
        ({"text": " "}, "text_empty", "m-1"),
        ({"text": "x" * 8001}, "text_too_long", "m-1"),
        ({"text": "\x00"}, "text_control_characters", "m-1"),
        ({"text": None}, "invalid_frame", "m-1"),
        ({"extra": 1}, "invalid_frame", "m-1"),
        ({"client_msg_id": "x" * 65}, "invalid_frame", "x" * 64),
        ({"type": "message.burn"}, "unknown_frame_type", "m-1"),
        ({"type": 5, "client_msg_id": 7}, "invalid_frame", None),
    ],
)
def test_a_refusal_names_code_and_message(change, code, ref):
    with pytest.raises(Refused) as refused:
        read_frame(json.dumps(GOOD | change))
    assert (refused.value.code.value, refused.value.ref) == (code, ref)


@pytest.mark.parametrize("data", ["", "{", "nul", '"\\ud800"', "\ud800"])
def test_what_is_no_json(data):
    with pytest.raises(Refused) as refused:
        read_frame(data)
    assert refused.value.code in (ErrorCode.INVALID_JSON, ErrorCode.INVALID_FRAME)


def test_a_comment_with_control_characters():
    frame = {"type": "feedback", "turn_id": "0" * 36, "rating": "up", "comment": "ok"}
    assert isinstance(read_frame(json.dumps(frame)), Feedback)
    with pytest.raises(Refused, match="text_control_characters"):
        read_frame(json.dumps(frame | {"comment": "\x1b[2J"}))


def test_size_is_measured_in_bytes():
    with pytest.raises(Refused, match="frame_too_large"):
        read_frame(json.dumps(GOOD | {"text": "é" * 40_000}, ensure_ascii=False))


def test_brackets_in_text_are_not_depth():
    assert depth('{"a": "' + "[" * 50 + '\\"[["}') == 1
    assert depth("[" * 20 + "]" * 20) == 20
    assert depth("[]") == 0


def test_many_refusals_end_the_connection():
    protocol = Protocol()
    for _ in range(49):
        assert isinstance(protocol.receive("{"), ErrorFrame)
    assert protocol.close_code is None
    protocol.receive(b"\x00")
    assert protocol.close_code == CLOSE_BAD_FRAMES


@given(st.one_of(st.text(), st.binary(), st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps)))
def test_whatever_comes_is_answered(data):
    answer = Protocol().receive(data)
    assert isinstance(answer, ErrorFrame)
    assert answer.code in set(ErrorCode)
    assert msgspec.json.encode(answer)
