"""The messages a model sees: the bot's template, the conversation so far, the question."""

from functools import lru_cache

from jinja2 import StrictUndefined
from jinja2 import Template as JinjaTemplate
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agents.ports import Prompt, PromptMessage
from sluice.bots import Bot, Template
from sluice.events import PromptReady
from sluice.safe_text import SafeText

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=False, autoescape=False)


@lru_cache(maxsize=256)
def _compiled(source: str) -> JinjaTemplate:
    """Compiling costs 1.5 ms; a version of a template never changes."""
    return _ENVIRONMENT.from_string(source)


def render(template: Template, bot: Bot) -> SafeText:
    """The system message. What people wrote never reaches the template."""
    return SafeText(_compiled(template.source).render(bot=bot.name, description=bot.description).strip())


def prompt_for(ready: PromptReady, bot: Bot, template: Template, attempt_id: str) -> Prompt:
    """System, then question and answer of each earlier turn, then the question."""
    messages = [PromptMessage("system", render(template, bot))]
    for exchange in ready.history:
        messages += [PromptMessage("user", exchange.question), PromptMessage("assistant", exchange.answer)]
    messages.append(PromptMessage("user", ready.question))
    return Prompt(tuple(messages), bot.limits.output_tokens, bot.limits.connect_seconds, ready.traceparent, attempt_id)
