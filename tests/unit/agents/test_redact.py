from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.patterns import PERSONAL_TYPES
from agents.policies import load_policies
from agents.redact import Policy, redact, redact_text
from sluice.errors import ConfigurationError
from sluice.events import Exchange, Refusal, RequestEnriched
from sluice.safe_text import SafeText, Sealed
from tests.doubles import NOON, ManualClock
from tests.samples import SAMPLES

ALL = Policy("default", PERSONAL_TYPES)
ENRICHED = SAMPLES["RequestEnriched"]
assert isinstance(ENRICHED, RequestEnriched)


def run(text: str = "I am a@b.com", enriched: RequestEnriched = ENRICHED, **over):
    tools = {
        "open_text": lambda _sealed, _subject: text,
        "seal_map": lambda plain, subject: Sealed(f"{subject}:{plain}".encode()),
        "entered_at": NOON,
        "clock": ManualClock(NOON + timedelta(milliseconds=1)),
    }
    return redact(enriched, {"default": ALL}, **(tools | over))


def test_replaces_and_keeps_the_sealed_map_of_the_person():
    prompt = run()
    assert prompt.question == "I am [EMAIL_1]"
    assert prompt.placeholders == b'usr_1:{"[EMAIL_1]": "a@b.com"}'
    assert prompt.redacted_types == {"EMAIL": 1}


def test_without_personal_data_there_is_no_map():
    assert run("hello").placeholders is None


def test_the_same_value_has_the_same_placeholder():
    redacted = redact_text("a@b.com, c@d.com, a@b.com", ALL)
    assert redacted.text == "[EMAIL_1], [EMAIL_2], [EMAIL_1]"
    assert redacted.counts == {"EMAIL": 3}


def test_numbers_go_on_after_those_of_the_conversation():
    history = (Exchange(turn_id="t", question=SafeText("I am [EMAIL_4]"), answer=SafeText("Hi [EMAIL_2] [PHONE_9]")),)
    prompt = run(enriched=msgspec.structs.replace(ENRICHED, history=history))
    assert prompt.question == "I am [EMAIL_5]"


def broken(*_: object):
    raise RuntimeError("a@b.com")


@pytest.mark.parametrize(
    "over",
    [{"open_text": broken}, {"seal_map": broken}, {"find_spans": broken}],
    ids=["key store", "sealing", "detector"],
)
def test_fails_closed(over):
    prompt = run(**over)
    assert prompt.refusal == Refusal(code="redaction_failed", stage="redact", retryable=True)
    assert b"a@b.com" not in msgspec.msgpack.encode(prompt)
    assert (prompt.question, prompt.history, prompt.placeholders) == ("", (), None)


@pytest.mark.parametrize("change", [{"redaction_policy": "unheard-of"}, {"text": None}])
def test_an_unknown_policy_or_a_missing_text_fails_the_turn(change):
    prompt = run(enriched=msgspec.structs.replace(ENRICHED, **change))
    assert prompt.refusal is not None
    assert prompt.question == ""


def test_an_earlier_refusal_goes_on_untouched():
    refusal = Refusal(code="bot_unknown", stage="enrich", retryable=False)
    prompt = run(enriched=msgspec.structs.replace(ENRICHED, refusal=refusal, text=None), open_text=broken)
    assert prompt.refusal == refusal
    assert [hop.stage for hop in prompt.hops] == ["accept", "redact"]


@given(st.lists(st.sampled_from(["a@b.com", "192.168.0.1", "hello ", " and ", "[EMAIL_1]", "é😀"]), max_size=12))
def test_redacting_twice_changes_nothing_more(parts: list[str]):
    once = redact_text(" ".join(parts), ALL)
    assert redact_text(once.text, ALL).text == once.text


def test_the_shipped_policy_covers_all_types():
    assert load_policies()["default"].types == PERSONAL_TYPES


@pytest.mark.parametrize("content", ["name: x\ntypes: [SHOE_SIZE]\n", "{", "name: x\n"])
def test_a_wrong_policy_file_stops_the_start(tmp_path, content: str):
    (tmp_path / "x.yaml").write_text(content)
    with pytest.raises(ConfigurationError, match=r"x\.yaml"):
        load_policies(tmp_path)
