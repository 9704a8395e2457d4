from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.memory import MOST_VALUES, NOTHING, Memory, read_memory
from agents.personal.policy import Policy, Rule
from agents.policies import load_policies
from agents.redact import Redactor, redact, redact_text
from sluice.errors import Unavailable
from sluice.events import ContextMessage, Exchange, Refusal, RequestEnriched, Sampling
from sluice.own_context import OwnContext, OwnMessage
from sluice.placeholders import restore
from sluice.safe_text import SafeText, Sealed
from tests.doubles import NOON, ManualClock
from tests.samples import SAMPLES

ALL = load_policies()["default"]
ENRICHED = SAMPLES["RequestEnriched"]
assert isinstance(ENRICHED, RequestEnriched)


NOTHING_OWN = OwnContext((), ())


def run(text: str = "I am a@b.com", enriched: RequestEnriched = ENRICHED, own: OwnContext = NOTHING_OWN, **over):
    tools = {
        "open_text": lambda _sealed, _subject, field: text if field == "ChatRequested.text" else own.encode(),
        "seal_map": lambda plain, subject: Sealed(f"{subject}:{plain}".encode()),
        "entered_at": NOON,
        "clock": ManualClock(NOON + timedelta(milliseconds=1)),
    }
    return redact(enriched, over.pop("policies", {"default": ALL}), **(tools | over))[0]


def test_replaces_and_keeps_the_sealed_map_of_the_person():
    prompt = run()
    assert prompt.question == "I am [EMAIL_1]"
    assert prompt.placeholders == b'usr_1:{"[EMAIL_1]":"a@b.com"}'
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


OWN = OwnContext(
    (OwnMessage("system", "Write to c@d.com."), OwnMessage("user", "a@b.com"), OwnMessage("assistant", "Hi a@b.com")),
    ("c@d.com", "END"),
)


def test_a_value_has_one_placeholder_in_all_messages_the_question_and_the_stop_strings():
    prompt = run("and x@y.com, a@b.com", own=OWN)
    said = ("Write to [EMAIL_1].", "[EMAIL_2]", "Hi [EMAIL_2]")
    assert prompt.context == tuple(
        ContextMessage(role=message.role, content=SafeText(text))
        for message, text in zip(OWN.messages, said, strict=True)
    )
    assert prompt.question == "and [EMAIL_3], [EMAIL_2]"
    assert prompt.sampling == msgspec.structs.replace(ENRICHED.sampling, stop=("[EMAIL_1]", "END"))
    assert prompt.redacted_types == {"EMAIL": 6}
    assert b"@b" not in msgspec.msgpack.encode(msgspec.structs.replace(prompt, placeholders=None))


def test_a_list_that_grows_keeps_its_placeholders():
    grown = OwnContext((*OWN.messages, OwnMessage("user", "x@y.com"), OwnMessage("assistant", "ok")), ())
    before, after = run("x@y.com", own=OWN), run("a@b.com", own=grown)
    assert before.context is not None
    assert after.context is not None
    assert after.context[: len(before.context)] == before.context
    assert after.question == "[EMAIL_2]"


def test_stop_strings_pass_only_through_the_gate():
    raw = Sampling(stop=(SafeText("a@b.com"),), temperature=1.0)
    for context in (None, ENRICHED.context):
        prompt = run("hi", enriched=msgspec.structs.replace(ENRICHED, sampling=raw, context=context))
        assert prompt.sampling == Sampling(stop=(), temperature=1.0)
    bare = run("hi", enriched=msgspec.structs.replace(ENRICHED, sampling=None), own=OWN)
    assert bare.sampling == Sampling(stop=(SafeText("[EMAIL_1]"), SafeText("END")))


@given(
    st.lists(st.sampled_from(["a@b.com", "x@y.com", "hello"]), max_size=8),
    st.integers(0, 8),
)
def test_what_is_redacted_together_is_redacted_as_one_text(texts: list[str], where: int):
    """However a list is cut into messages, the placeholders are those of the whole."""
    messages = tuple(OwnMessage("user", text) for text in (" ".join(texts[:where]), " ".join(texts[where:])))
    prompt = run("hi", own=OwnContext(messages, ()))
    assert prompt.context is not None
    whole = redact_text(" ".join(texts), ALL).text
    assert " ".join(message.content for message in prompt.context).strip() == whole.strip()


def test_what_placeholders_make_too_large_is_refused_and_not_tried_again():
    own = OwnContext((OwnMessage("user", "a@b.co " * 40),), ())
    assert run("hi", own=own, most_bytes=500).refusal is None
    refused = run("hi", own=own, most_bytes=420)
    assert refused.refusal == Refusal(code="messages_too_large", stage="redact", retryable=False)
    assert (refused.question, refused.context, refused.placeholders) == ("", None, None)


@pytest.mark.parametrize(
    "own", ["{", '{"messages": []}', '{"messages": [{"role": "tool", "content": ""}], "stop": []}']
)
def test_a_context_that_cannot_be_read_fails_the_turn(own: str):
    prompt = run(open_text=lambda _sealed, _subject, field: "hi" if field == "ChatRequested.text" else own)
    assert prompt.refusal is not None
    assert prompt.refusal.code == "redaction_failed"
    assert (prompt.question, prompt.context, prompt.sampling) == ("", None, None)


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


PARTS = st.sampled_from(
    [
        *("a@b.com", "192.168.0.1", "4111 1111 1111 1111", "hello", "é😀", "\n", "\\", *"[]()<>"),
        *("[EMAIL_1]", "EMAIL_1", "(email 1)", "<IP-1>", "[EMAIL_", "1]", "EMAIL", "_1", "[PLACEHOLDER_1]"),
    ]
)


@given(st.lists(PARTS | st.text(max_size=3), max_size=12))
def test_restoring_gives_the_text_again(parts: list[str]):
    text = "".join(parts)
    redacted = redact_text(text, ALL)
    assert restore(redacted.text, redacted.values) == text


def test_a_placeholder_that_somebody_typed_stands_for_itself():
    redacted = redact_text("[EMAIL_1] or (email 1)? a@b.com, [STEP_1]", ALL)
    assert redacted.text == "[PLACEHOLDER_1] or [PLACEHOLDER_2]? [EMAIL_1], [STEP_1]"
    assert redacted.values == {"[PLACEHOLDER_1]": "[EMAIL_1]", "[PLACEHOLDER_2]": "(email 1)", "[EMAIL_1]": "a@b.com"}


def test_a_placeholder_within_personal_data_is_a_part_of_it():
    assert redact_text("EMAIL_1@b.com", ALL).values == {"[EMAIL_1]": "EMAIL_1@b.com"}


def turn_after(memory: Memory | None, text: str, **over):
    tools = {
        "open_text": lambda _sealed, _subject, _field: text,
        "seal_map": lambda plain, _subject: Sealed(plain.encode()),
        "recall": lambda: memory or NOTHING,
        "entered_at": NOON,
        "clock": ManualClock(NOON),
    }
    alone = msgspec.structs.replace(ENRICHED, context=None, history=(), sampling=None)
    return redact(alone, {"default": ALL}, **(tools | over))


def test_a_value_has_one_placeholder_throughout_a_conversation():
    first, memory = turn_after(None, "a@b.com and c@d.com")
    second, more = turn_after(memory, "c@d.com, x@y.com")
    assert (first.question, second.question) == ("[EMAIL_1] and [EMAIL_2]", "[EMAIL_2], [EMAIL_3]")
    assert more is not None
    assert more.highest == {"EMAIL": 3}
    assert list(more.values) == ["[EMAIL_1]", "[EMAIL_2]", "[EMAIL_3]"]


def test_a_prompt_takes_along_only_what_it_mentions():
    _, memory = turn_after(None, "a@b.com and c@d.com")
    second, _ = turn_after(memory, "c@d.com")
    assert second.placeholders == b'{"[EMAIL_2]":"c@d.com"}'


def test_what_is_known_already_is_not_written_again():
    _, memory = turn_after(None, "a@b.com")
    assert turn_after(memory, "a@b.com, hi")[1] is None
    assert turn_after(memory, "hi")[0].placeholders is None


def test_nothing_is_remembered_of_what_was_refused():
    refused, memory = turn_after(None, "a@b.com", seal_map=broken)
    assert refused.refusal is not None
    assert memory is None


def test_a_memory_that_cannot_be_opened_fails_the_turn():
    refused, _ = turn_after(None, "hi", recall=broken)
    assert refused.refusal == Refusal(code="redaction_failed", stage="redact", retryable=True)


def test_keys_that_are_away_are_waited_for():
    def away(*_: object):
        raise Unavailable("Vault does not answer")

    with pytest.raises(Unavailable):
        turn_after(None, "a@b.com", seal_map=away)


def test_the_oldest_values_are_forgotten_and_their_numbers_are_not_given_again():
    values = {f"[EMAIL_{number}]": f"a{number}@b.com" for number in range(1, MOST_VALUES + 3)}
    memory = read_memory(Memory(values, {"EMAIL": MOST_VALUES + 2}).encode())
    assert len(memory.values) == MOST_VALUES
    assert "[EMAIL_2]" not in memory.values
    assert turn_after(memory, "a1@b.com")[0].question == f"[EMAIL_{MOST_VALUES + 3}]"


def with_action(action: str) -> dict[str, Policy]:
    return {"default": Policy(name="default", types={"EMAIL": Rule(action=action), "IP": Rule()})}


def test_a_mask_stands_for_good():
    prompt = redact_text("a@b.com and c@d.com at 192.168.0.1", with_action("mask")["default"])
    assert prompt.text == "[EMAIL] and [EMAIL] at [IP_1]"
    assert prompt.values == {"[IP_1]": "192.168.0.1"}


def test_a_refused_type_ends_the_turn():
    refused = run("192.168.0.1", policies=with_action("refuse"))
    assert refused.refusal is None
    refused = run("I am a@b.com", policies=with_action("refuse"))
    assert refused.refusal == Refusal(code="personal_data_refused", stage="redact", retryable=False)
    assert (refused.question, refused.placeholders) == ("", None)
    assert b"a@b.com" not in msgspec.msgpack.encode(refused)


def test_what_was_found_once_is_found_again_without_words_around():
    redactor = Redactor(ALL)
    first = redactor.redact("the password is hunter2blue, account number 55779911")
    again = redactor.redact("i typed hunter2blue twice, xhunter2blue never, and 55779911 was charged")
    assert first == "the password is [PASSWORD_1], account number [BANK_ACCOUNT_1]"
    assert again == "i typed [PASSWORD_1] twice, xhunter2blue never, and [BANK_ACCOUNT_1] was charged"
    redactor.redact("[EMAIL_7]")
    later = Redactor(ALL, redactor.memory)
    assert later.redact("hunter2blue!") == "[PASSWORD_1]!"
    assert [span.detector for span in later.spans] == ["known"]


def test_another_spelling_of_a_known_value_is_a_value_of_its_own_so_that_it_comes_back_as_written():
    redactor = Redactor(ALL)
    said = ("the door code is 4471#, my SSN is 078-05-1120", "4471 opens it, and 078051120 is me")
    redacted = [redactor.redact(text) for text in said]
    assert redacted[1] == "[PASSWORD_2] opens it, and [SSN_2] is me"
    assert tuple(restore(text, redactor.values) for text in redacted) == said


HOSTILE = st.sampled_from(
    ["jane@x.org", "EMAIL_1", "[EMAIL_1]", "<email 1>", "[", "_1]", "1", "]", "_", " ", "192.168.0.1", "\\[", "@", "x"]
)


@given(st.lists(HOSTILE, max_size=9))
def test_whatever_stands_beside_a_placeholder_comes_back(parts: list[str]):
    text = "".join(parts)
    redacted = redact_text(text, ALL)
    assert restore(redacted.text, redacted.values) == text
