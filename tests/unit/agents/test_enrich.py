from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from agents.enrich import Conversation, awaits, enrich, finished, requested
from sluice.bots import Bot, Route, Template
from sluice.events import ChatRequested, Exchange, TurnFinished
from sluice.safe_text import SafeText
from tests.doubles import NOON
from tests.samples import SAMPLES

REQUEST = SAMPLES["ChatRequested"]
FINISHED = SAMPLES["TurnFinished"]
assert isinstance(REQUEST, ChatRequested)
assert isinstance(FINISHED, TurnFinished)
BOT = Bot(name="assistant", description="d", template="assistant@1", route=(Route(model="openai/echo"),))
TEMPLATE = Template(id="assistant@1", hash="aa", source="x")
LEFT = NOON + timedelta(milliseconds=3)


def run(conversation: Conversation | None, bot: Bot | None = BOT):
    return enrich(
        REQUEST,
        conversation,
        bot,
        TEMPLATE if bot else None,
        history_incomplete=False,
        entered_at=NOON,
        left_at=LEFT,
    )


def test_carries_the_sealed_text_on_untouched():
    assert run(None).text == REQUEST.text


def test_adds_the_history_of_the_session():
    exchange = Exchange(turn_id="t-0", question=SafeText("q"), answer=SafeText("a"))
    assert run(Conversation(user_id="usr_1", exchanges=(exchange,))).history == (exchange,)


def test_the_deadline_comes_from_the_limits_of_the_bot():
    assert run(None).deadline_at == NOON + timedelta(seconds=BOT.limits.total_seconds)


def test_stamps_its_hop_after_the_earlier_ones():
    assert [hop.stage for hop in run(None).hops] == ["accept", "enrich"]


def test_an_unknown_bot_refuses_the_turn_and_drops_the_text():
    enriched = run(None, bot=None)
    assert enriched.refusal is not None
    assert (enriched.refusal.code, enriched.text, enriched.template_id) == ("bot_unknown", None, "")


def test_a_session_of_someone_else_refuses_the_turn_without_its_history():
    exchange = Exchange(turn_id="t-0", question=SafeText("q"), answer=SafeText("a"))
    enriched = run(Conversation(user_id="usr_other", exchanges=(exchange,)))
    assert enriched.refusal is not None
    assert (enriched.refusal.code, enriched.history, enriched.text) == ("session_forbidden", (), None)


def test_only_whole_answers_become_history():
    failed = msgspec.structs.replace(FINISHED, state="failed")
    assert finished(None, failed, 5).exchanges == ()
    assert [e.turn_id for e in finished(None, FINISHED, 5).exchanges] == [FINISHED.turn_id]


def test_keeping_nothing_keeps_nothing():
    assert finished(None, FINISHED, 0).exchanges == ()


@given(st.lists(st.integers(0, 5), max_size=20), st.integers(1, 4))
def test_a_repeated_turn_changes_nothing(numbers: list[int], keep: int):
    """Replays happen: the conversation after any sequence holds each turn once, the newest `keep` of them."""
    conversation = None
    order: list[int] = []
    for number in numbers:
        turn = msgspec.structs.replace(FINISHED, turn_id=f"t-{number}")
        known = conversation is not None and turn.turn_id in conversation.finished
        conversation = finished(conversation, turn, keep)
        if not known:
            order.append(number)
    if conversation is not None:
        assert [e.turn_id for e in conversation.exchanges] == [f"t-{n}" for n in order][-keep:]


def test_waits_for_the_turn_before_until_it_is_finished():
    first = requested(None, REQUEST)
    second = msgspec.structs.replace(REQUEST, turn_id="t-2")
    assert awaits(None, REQUEST) is None
    assert awaits(first, REQUEST) is None
    assert awaits(first, second) == REQUEST.turn_id
    assert awaits(finished(first, FINISHED, 5), second) is None
