"""Two ways to a model behind one port: lean for OpenAI-compatible addresses of one's own, litellm for all else."""

from collections.abc import AsyncGenerator, Callable

from pydantic import SecretStr

from agents.ports import Ended, Prompt, Said
from sluice.bots import Bots, Route
from sluice.clock import Clock
from sluice.events import Usage
from streams.billing import billed
from streams.lean_model import LeanModel
from streams.litellm_model import OPENAI_MODELS, LitellmModel

_OPENAI = "openai/"


def is_lean(route: Route) -> bool:
    """Whether litellm knows nothing special of this model: an OpenAI-compatible server with a name of its own.

    OpenAI's own models have odd parameters, which litellm translates.
    """
    name = route.model.removeprefix(_OPENAI)
    return route.api_base is not None and name != route.model and name not in OPENAI_MODELS


class Models:
    """The language model of the respond stage."""

    def __init__(self, bots: Bots, secret: Callable[[str], SecretStr | None], clock: Clock) -> None:
        self._bots, self._secret = bots, secret
        self._lean = LeanModel(bots.api_base, self._key, clock)
        self._litellm = LitellmModel(bots.api_base, self._key, clock)

    def stream(self, route: Route, prompt: Prompt) -> AsyncGenerator[Said | Ended, None]:
        """See agents.ports.LanguageModel."""
        return (self._lean if is_lean(route) else self._litellm).stream(route, prompt)

    def count(self, route: Route, prompt: Prompt, answer: str) -> Usage:
        """See agents.ports.LanguageModel."""
        return self._litellm.count(route, prompt, answer)

    async def billed(self, route: Route, attempt_id: str, call_id: str | None) -> Usage | None:
        """See agents.ports.LanguageModel."""
        url = self._bots.usage_url(route)
        return None if url is None else await billed(self._lean.session(), url, self._key(route), attempt_id, call_id)

    async def aclose(self) -> None:
        """Let go of the connections; litellm keeps its own."""
        await self._lean.aclose()

    async def warm_up(self) -> None:
        """See LitellmModel."""
        await self._litellm.warm_up()

    def _key(self, route: Route) -> str | None:
        secret = self._secret(route.api_key) if route.api_key else None
        return None if secret is None else secret.get_secret_value()
