"""The prompts of one turn: what each model gets of the conversation, and how long it may answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from agents.orders import Call
from agents.ports import LanguageModel, Prompt, PromptMessage
from agents.prompting import Shape, fingerprint, messages_for, prompt_of, to_drop
from agents.summary import SHARE
from agents.turn import Voice
from sluice.bots import Bot
from sluice.clock import Clock
from sluice.events import PromptReady
from sluice.safe_text import EMPTY, SafeText


@dataclass(slots=True)
class Prompts:
    """`summaries` are by how many of the oldest turns they stand for."""

    model: LanguageModel
    ready: PromptReady
    bot: Bot
    instructions: SafeText
    clock: Clock
    summaries: dict[int, SafeText] = field(default_factory=dict)

    def of(self, call: Call, dropped: int, epoch: int) -> tuple[Voice, Prompt]:
        """The attempt that the call is, and what its model is sent."""
        shape = Shape(dropped, self.summaries.get(dropped, EMPTY), call.given)
        messages = messages_for(self.ready, self.instructions, shape)
        voice = Voice(
            self.ready,
            call.attempt_id,
            epoch,
            call.number,
            call.route.model,
            self.clock(),
            call.continues,
            fingerprint(messages),
            self.instructions,
            shape,
            place=self.bot.route.index(call.route),
        )
        return voice, self._with_what_is_left(call, prompt_of(messages, call.limits, self.ready, call.attempt_id))

    def dropped(self, call: Call) -> int:
        """How many of the oldest turns do not fit."""
        given, budget = call.given, call.limits.context_tokens

        def tokens(messages: Sequence[PromptMessage]) -> int:
            prompt = prompt_of(tuple(messages), call.limits, self.ready, call.attempt_id)
            return self.model.count(call.route, prompt, "").prompt_tokens

        if call.shorter:
            whole = messages_for(self.ready, self.instructions, Shape(prefill=given))
            budget = min(budget, tokens(whole)) // 2**call.shorter
        budget -= budget // SHARE if self.bot.summary is not None else 0
        return to_drop(self.ready, self.instructions, budget, tokens, Shape(prefill=given))

    def _with_what_is_left(self, call: Call, prompt: Prompt) -> Prompt:
        """Who goes on with an answer may say what is left of its longest length."""
        if not call.text:
            return prompt
        asked = self.ready.sampling.max_tokens if self.ready.sampling is not None else None
        longest = min(prompt.output_tokens, asked or prompt.output_tokens)
        said = self.model.count(call.route, prompt, call.text).completion_tokens
        return replace(prompt, output_tokens=max(1, longest - said))
