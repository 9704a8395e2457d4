"""What OpenAI's clients may ask for, and that everything else is refused by its name."""

import json
from typing import Any

import pytest

from gateway.openai_errors import RefusedParameter, error_of
from gateway.openai_request import Asked, read_chat
from sluice.errors import Refused
from sluice.events import Sampling
from sluice.own_context import MOST_BYTES, OwnContext, OwnMessage

HI = {"role": "user", "content": "hi"}


def read(**body: Any) -> Asked:
    return read_chat(json.dumps({"model": "assistant", "messages": [HI]} | body).encode())


def test_the_last_message_is_the_question_and_the_others_are_the_context():
    asked = read(
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": "kind."}]},
            {"role": "user", "content": ""},
            {
                "role": "assistant",
                "content": "Hi.",
                "refusal": None,
                "annotations": [],
                "audio": None,
                "tool_calls": [],
            },
            {"role": "user", "content": [{"type": "text", "text": "grüß 😀\n"}]},
        ]
    )
    assert asked.question == "grüß 😀\n"
    assert asked.context == OwnContext(
        (
            OwnMessage("system", "Be brief."),
            OwnMessage("system", "Be\nkind."),
            OwnMessage("user", ""),
            OwnMessage("assistant", "Hi."),
        ),
        (),
    )
    assert (asked.sampling, asked.stream, asked.include_usage) == (None, False, False)


def test_common_parameters_are_passed_on():
    numbers = {"temperature": 0, "top_p": 0.5, "presence_penalty": -2, "frequency_penalty": 2.0, "seed": 7}
    asked = read(**numbers, max_completion_tokens=5, stop="END", stream=True, stream_options={"include_usage": True})
    assert asked.sampling == Sampling(**numbers, max_tokens=5, stop=())
    assert (asked.context.stop, asked.stream, asked.include_usage) == (("END",), True, True)
    assert read(max_tokens=9, stop=["a", "b"]).sampling == Sampling(max_tokens=9, stop=())
    assert read(stop=["a", "b"]).context.stop == ("a", "b")
    assert read(stop=["a", "b"]).sampling is None


HARMLESS = [
    {"user": "jane", "metadata": {"a": "b"}, "store": True, "safety_identifier": "x", "prompt_cache_key": "y"},
    {"n": 1, "logprobs": False, "response_format": {"type": "text"}, "tools": [], "tool_choice": "none"},
    {"temperature": None, "stop": None, "tools": None, "surprise": None, "stream_options": None},
    {"parallel_tool_calls": True, "modalities": ["text"], "logit_bias": {}, "service_tier": "auto"},
]


@pytest.mark.parametrize("body", HARMLESS)
def test_what_changes_nothing_is_taken(body: dict[str, Any]):
    assert read(**body) == read()


REFUSED = [
    ({"tools": [{"type": "function"}]}, "tools"),
    ({"n": 2}, "n"),
    ({"n": True}, "n"),
    ({"logprobs": True}, "logprobs"),
    ({"response_format": {"type": "json_object"}}, "response_format"),
    ({"modalities": ["text", "audio"]}, "modalities"),
    ({"audio": {"voice": "alloy"}}, "audio"),
    ({"reasoning_effort": "low"}, "reasoning_effort"),
    ({"surprise": 1}, "surprise"),
    ({"messages": [HI | {"name": "Jane"}]}, "messages[0].name"),
    ({"messages": [HI, {"role": "assistant", "content": "x", "tool_calls": [1]}, HI]}, "messages[1].tool_calls"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].type"),
]


@pytest.mark.parametrize(("body", "parameter"), REFUSED)
def test_what_cannot_be_done_is_refused_by_its_name(body: dict[str, Any], parameter: str):
    with pytest.raises(RefusedParameter, match="unsupported_parameter") as refused:
        read(**body)
    error = error_of(refused.value).error
    assert (error.param, error.type, error.code) == (parameter, "invalid_request_error", "unsupported_parameter")
    assert parameter in error.message


WRONG = [
    ({"temperature": 2.1}, "temperature"),
    ({"temperature": "hot"}, "temperature"),
    ({"top_p": -0.1}, "top_p"),
    ({"presence_penalty": 3}, "presence_penalty"),
    ({"seed": 2**70}, "seed"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": 1, "max_completion_tokens": 1}, "max_tokens"),
    ({"stop": ["1", "2", "3", "4", "5"]}, "stop"),
    ({"stop": ""}, "stop"),
    ({"stream": "yes"}, "stream"),
    ({"stream_options": {"include_usage": True}}, "stream_options"),
    ({"stream": True, "stream_options": {"colour": 1}}, "stream_options"),
    ({"model": 5}, "model"),
    ({"model": None}, "model"),
    ({"messages": None}, "messages"),
    ({"messages": "hi"}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": ["hi"]}, "messages[0]"),
    ({"messages": [HI, {"role": "tool", "content": "x"}]}, "messages[1].role"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [HI, {"role": "user", "content": None}]}, "messages[1].content"),
    ({"messages": [HI, {"role": "assistant", "content": "x"}]}, "messages[1].role"),
    ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
]


@pytest.mark.parametrize(("body", "parameter"), WRONG)
def test_what_is_out_of_range_is_refused_with_its_place(body: dict[str, Any], parameter: str):
    with pytest.raises(RefusedParameter, match="invalid_frame") as refused:
        read(**body)
    assert error_of(refused.value).error.param == parameter


@pytest.mark.parametrize(
    ("content", "code"), [(" \n", "text_empty"), ("a\x07", "text_control_characters"), ([], "text_empty")]
)
def test_a_question_is_text(content: Any, code: str):
    with pytest.raises(RefusedParameter, match=code) as refused:
        read(messages=[HI, {"role": "user", "content": content}])
    assert refused.value.parameter == "messages[1].content"


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b'{"model": "\\ud800"}'])
def test_what_is_no_json_is_refused(body: bytes):
    with pytest.raises(Refused, match="invalid_json"):
        read_chat(body)


def test_the_body_is_an_object():
    with pytest.raises(RefusedParameter, match="invalid_frame"):
        read_chat(b"[]")


def test_a_list_is_bounded_by_its_bytes_and_its_messages():
    question = {"role": "user", "content": "ä" * (MOST_BYTES // 2 - 32)}
    assert len(read(messages=[question]).question) == MOST_BYTES // 2 - 32
    for messages in ([HI, question], [HI] * (MOST_BYTES // 64)):
        with pytest.raises(RefusedParameter, match="messages_too_large") as refused:
            read(messages=messages)
        assert "262,144" in refused.value.message
