from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from agents.enrich import Conversation, awaits, enrich, finished, fitting, requested
from sluice.bots import Bot, Route, Template
from sluice.events import ChatRequested, Exchange, TurnFinished
from sluice.ids import unnamed_message_id
from sluice.safe_text import SafeText
from tests.doubles import NOON
from tests.samples import SAMPLES

REQUEST = SAMPLES["ChatRequested"]
FINISHED = SAMPLES["TurnFinished"]
assert isinstance(REQUEST, ChatRequested)
OWN = REQUEST
REQUEST = msgspec.structs.replace(REQUEST, context=None, sampling=None, channel="chat")
assert isinstance(FINISHED, TurnFinished)
BOT = Bot(name="assistant", description="d", template="assistant@1", route=(Route(model="openai/echo"),))
TEMPLATE = Template(id="assistant@1", hash="aa", source="x")
LEFT = NOON + timedelta(milliseconds=3)


def run(conversation: Conversation | None, bot: Bot | None = BOT, request: ChatRequested = REQUEST):
    return enrich(
        request,
        conversation,
        bot,
        TEMPLATE if bot else None,
        history_incomplete=False,
        repeated=False,
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
        known = conversation is not None and turn.turn_id in conversation.ranks
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


def test_a_turn_finished_twice_counts_by_its_newest_owner_whichever_comes_first():
    zombie = msgspec.structs.replace(FINISHED, answer=SafeText("of the zombie"), epoch=3, attempts=1)
    owner = msgspec.structs.replace(FINISHED, answer=SafeText("of the owner"), epoch=4, attempts=2)
    for order in ([zombie, owner], [owner, zombie]):
        conversation = None
        for turn in order:
            conversation = finished(conversation, turn, 5)
        assert [exchange.answer for exchange in conversation.exchanges] == ["of the owner"]


def test_a_turn_that_was_passed_on_before_says_so():
    first = run(None)
    again = run(requested(None, REQUEST))
    assert (first.repeated, again.repeated) == (False, True)


def test_a_turn_handled_anew_does_not_wait_for_its_successors_nor_see_itself():
    second = msgspec.structs.replace(REQUEST, turn_id="t-2")
    both = requested(requested(None, REQUEST), second)
    assert awaits(both, REQUEST) is None
    assert awaits(both, second) == REQUEST.turn_id
    known = finished(both, msgspec.structs.replace(FINISHED, turn_id=REQUEST.turn_id), 5)
    assert run(known).history == ()


def test_the_history_never_outgrows_a_record():
    exchanges = [Exchange(turn_id=f"t-{n}", question=SafeText("q" * 4), answer=SafeText("ä" * 3)) for n in range(5)]
    assert [e.turn_id for e in fitting(exchanges, 25)] == ["t-3", "t-4"]
    assert fitting(exchanges, 5) == ()


def test_a_turn_requested_twice_is_noted_once():
    once = requested(None, REQUEST)
    assert requested(once, REQUEST) is once


def test_a_client_with_its_own_context_has_no_conversation_here():
    exchange = Exchange(turn_id="t-0", question=SafeText("q"), answer=SafeText("a"))
    of_another = Conversation(user_id="usr_other", exchanges=(exchange,), requested=("t-0",))
    enriched = run(of_another, request=OWN)
    assert (enriched.refusal, enriched.history) == (None, ())
    assert (enriched.context, enriched.sampling) == (OWN.context, OWN.sampling)
    assert awaits(of_another, OWN) is None


def test_of_a_message_that_may_be_resent_nobody_here_can_say_whether_it_was_passed_on_before():
    unnamed = msgspec.structs.replace(OWN, client_msg_id=unnamed_message_id())
    assert (run(None, request=OWN).repeated, run(None, request=unnamed).repeated) == (True, False)


def test_a_refused_turn_takes_no_context_along():
    enriched = run(None, bot=None, request=OWN)
    assert (enriched.text, enriched.context, enriched.sampling) == (None, None, None)
