"""The development provider's tables: complete, and pure in what they decide."""

from dataclasses import replace

import msgspec
import pytest

from agents.failures import FailureKind
from local.provider.behaviours import BEHAVIOURS, Behaviour
from local.provider.faults import FAULTS, REFUSALS, Fault
from local.provider.meter import Meter
from local.provider.planning import plan
from local.provider.questions import Question
from local.provider.scripts import FIELDS, Script, WrongScript, script_of, scripted
from local.provider_page import kind_of

OURS = {FailureKind.CONNECT_TIMEOUT, FailureKind.TOTAL_TIMEOUT, FailureKind.NO_SLOT, FailureKind.OUTBID}
"""What comes of our own watches and limits, whatever the model does."""
QUESTION = Question("m", [{"role": "user", "content": "a b c d e"}], None, True, False, False)
ECHO = BEHAVIOURS["echo"]


def test_every_kind_of_failure_that_a_model_can_cause_has_a_model():
    assert {kind_of(behaviour) for behaviour in BEHAVIOURS.values()} - {None} == set(FailureKind) - OURS


def test_every_fault_is_explained_and_every_refusal_has_its_answer():
    assert set(FAULTS) == set(Fault)
    assert set(REFUSALS) == {fault for fault, note in FAULTS.items() if note.moment == "instead"}


def test_every_field_is_explained():
    assert tuple(FIELDS) == Script.__struct_fields__


WRONG = [
    ("{", None, "Fields: text"),
    ("[]", None, "Fields: text"),
    (b"\xff", None, "Fields: text"),
    ('{"speed": 1}', "speed", "Fields: text"),
    ('{"fault": "explode"}', "fault", "reset_before_headers"),
    ('{"fault": 5}', "fault", "Allowed: none"),
    ('{"after_tokens": -1, "fault": "cut"}', "after_tokens", "0 to 1000000"),
    ('{"after_tokens": 1.5, "fault": "cut"}', "after_tokens", "0 to 1000000"),
    ('{"token_seconds": "fast"}', "token_seconds", "0 to 3600 seconds"),
    ('{"first_token_seconds": 1e9}', "first_token_seconds", "0 to 3600 seconds"),
    ('{"status": 200}', "status", "400 to 599"),
    ('{"usage": 1}', "usage", "true or false"),
    ('{"prefill": "maybe"}', "prefill", "continue, refuse, repeat, end"),
    ('{"times": -1}', "times", "or null for ever"),
    ('{"finish_reason": "tired"}', "finish_reason", "stop, length"),
    ('{"retry_after_seconds": null}', "retry_after_seconds", "0 to 3600 seconds"),
    ('{"after_tokens": 5}', "after_tokens", "cut, stall"),
    ('{"fault": "html", "after_tokens": 5}', "after_tokens", "not with the fault html"),
    ('{"fault": "cut", "status": 503}', "status", "not with the fault cut"),
    ('{"fault": "cut", "retry_after_seconds": 1}', "retry_after_seconds", "not with the fault cut"),
]


@pytest.mark.parametrize(("raw", "field", "allowed"), WRONG)
def test_a_wrong_script_is_told_its_field_and_what_is_allowed(raw, field, allowed):
    with pytest.raises(WrongScript) as wrong:
        scripted(ECHO, script_of(raw))
    assert wrong.value.field == field
    assert allowed in str(wrong.value)


def test_what_a_script_does_not_say_is_the_models():
    assert scripted(ECHO, Script()) == ECHO
    assert scripted(BEHAVIOURS["flapping"], Script(token_seconds=0)).cycle == 4
    quick = scripted(BEHAVIOURS["cut-before-first-token"], Script(fault=Fault.STALL))
    assert (quick.fault, quick.after_tokens) == (Fault.STALL, 20)
    other = scripted(replace(ECHO, fault=Fault.BAD_REQUEST, status=418), Script(fault=Fault.CUT))
    assert other.status is None


def test_fields_survive_their_way_through_json():
    script = Script(text="ä", times=None, fault=Fault.CUT, after_tokens=0)
    assert script_of(msgspec.json.encode(script)) == script


@pytest.mark.parametrize(
    ("behaviour", "failing"),
    [
        (Behaviour("m", "", fault=Fault.CUT), [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (Behaviour("m", "", fault=Fault.CUT, times=2), [1, 2]),
        (Behaviour("m", "", fault=Fault.CUT, times=0), []),
        (Behaviour("m", "", fault=Fault.CUT, cycle=1), [1, 3, 5, 7, 9]),
        (Behaviour("m", "", fault=Fault.CUT, cycle=4), [1, 2, 3, 4, 9]),
    ],
)
def test_which_calls_fail(behaviour, failing):
    assert [n for n in range(1, 10) if behaviour.at_call(n).fault is Fault.CUT] == failing


@pytest.mark.parametrize(
    ("fault", "after", "limit", "said", "finish", "breaks"),
    [
        (Fault.NONE, 3, None, 5, "stop", None),
        (Fault.NONE, 3, 2, 2, "length", None),
        (Fault.CUT, 3, None, 5, "stop", 3),
        (Fault.CUT, 5, None, 5, "stop", 5),
        (Fault.CUT, 6, None, 5, "stop", None),
        (Fault.CUT, 3, 3, 3, "length", None),
        (Fault.LENGTH, 3, None, 3, "length", None),
        (Fault.LENGTH, 3, 2, 2, "length", None),
        (Fault.CONTENT_FILTER_IN_STREAM, 3, None, 3, "content_filter", None),
        (Fault.EMPTY, 3, None, 0, "stop", None),
    ],
)
def test_what_is_going_to_be_said(fault, after, limit, said, finish, breaks):
    planned = plan(replace(ECHO, fault=fault, after_tokens=after), replace(QUESTION, limit=limit))
    assert (len(planned.tokens), planned.finish_reason, planned.breaks_after) == (said, finish, breaks)


def test_the_same_word_is_said_as_often_as_allowed_where_nothing_is_streamed():
    model = BEHAVIOURS["repeated-chunks"]
    assert len(plan(model, replace(QUESTION, stream=False)).tokens) == 500
    assert len(plan(model, replace(QUESTION, stream=False, limit=7)).tokens) == 7


def test_a_call_is_found_while_the_meter_keeps_it():
    meter = Meter(keep=2)
    for number in range(4):
        meter.begin(f"call-{number}", "m", "", 1, "mine" if number != 1 else "gone")
    assert [meter.find(f"call-{number}") is None for number in range(4)] == [True, True, False, False]
    assert meter.find("mine") is meter.calls[-1]
    assert meter.find("gone") is None
    assert meter.find("") is None
