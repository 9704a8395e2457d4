"""What a model is given: a conversation of ours, or the context its client brought."""

import msgspec

from agents.prompting import WHOLE, messages_for, prompt_of, render
from sluice.bots import Bot, Route, Template
from sluice.events import PromptReady
from tests.samples import SAMPLES

READY = SAMPLES["PromptReady"]
assert isinstance(READY, PromptReady)
BOT = Bot(name="assistant", description="help", template="assistant@1", route=(Route(model="openai/echo"),))
TEMPLATE = Template(id="assistant@1", hash="aa", source="You are {{ bot }}.")


def said(ready: PromptReady) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in messages_for(ready, render(TEMPLATE, BOT), WHOLE)]


def test_a_clients_own_messages_stand_where_the_history_would():
    assert READY.history
    assert said(READY) == [("system", "You are assistant."), ("system", "Be brief."), ("user", READY.question)]


def test_without_them_the_history_counts():
    assert [role for role, _ in said(msgspec.structs.replace(READY, context=None))] == [
        "system",
        "user",
        "assistant",
        "user",
    ]


def test_what_the_client_asked_of_the_model_goes_along():
    assert prompt_of((), BOT.limits, READY, "a-1").sampling == READY.sampling
