"""Bots and their routes, read from `deploy/bots/*.yaml`; prompt templates from `deploy/prompts/<name>/<version>.j2`."""

import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sluice.errors import ConfigurationError
from sluice.paths import data_folder
from sluice.settings import Settings
from sluice.yaml_lines import line_of, read_model

DEVELOPMENT_BASE = "http://127.0.0.1:9100"
"""How bot files name the development provider; follows `SLUICE_PORT_OFFSET`."""
SMALL_MODEL = "smollm2-135m-instruct"
"""What `SLUICE_LLM=local` stands for; local/small_model.py serves it by this name."""


_Url = Annotated[str, Field(pattern=r"^https?://[^/\s]+")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Price(_Strict):
    """US dollars for a million tokens."""

    prompt_per_million_usd: Annotated[Decimal, Field(ge=0)]
    completion_per_million_usd: Annotated[Decimal, Field(ge=0)]


class Limits(_Strict):
    """Bounds of the turn and of each attempt at it."""

    connect_seconds: Annotated[float, Field(gt=0)] = 3
    first_token_seconds: Annotated[float, Field(gt=0)] = 15
    gap_seconds: Annotated[float, Field(gt=0)] = 10
    total_seconds: Annotated[float, Field(gt=0)] = 120
    output_tokens: Annotated[int, Field(gt=0)] = 1024
    context_tokens: Annotated[int, Field(gt=0)] = 8000


class RouteLimits(_Strict):
    """Where one model has other bounds than its bot. `total_seconds` is the attempt's own."""

    connect_seconds: Annotated[float, Field(gt=0)] | None = None
    first_token_seconds: Annotated[float, Field(gt=0)] | None = None
    gap_seconds: Annotated[float, Field(gt=0)] | None = None
    total_seconds: Annotated[float, Field(gt=0)] | None = None
    output_tokens: Annotated[int, Field(gt=0)] | None = None
    context_tokens: Annotated[int, Field(gt=0)] | None = None


class Route(_Strict):
    """One model of a route. `api_key` names the secret (an environment variable), it is never the key."""

    model: str
    api_base: _Url | None = None
    api_key: str | None = None
    prefill: bool = False
    price: Price | Literal["none"] | None = None
    """Without one litellm's table counts. Where that knows none either, the start is refused. `none`: it costs nothing
    that is known here."""
    weight: Annotated[int, Field(gt=0)] | None = None
    """Neighbours with a weight are one group: their order is drawn for each turn, in proportion."""
    concurrency: Annotated[int, Field(gt=0)] = 64
    """Most calls at once of one worker."""
    continuous_usage: bool = False
    """The provider tells the tokens so far with each chunk when asked (vLLM's `continuous_usage_stats`)."""
    usage_url: _Url | None = None
    """Where the provider tells what a call cost, once it ended: `{call_id}` and `{request_id}` are filled in."""
    limits: RouteLimits = RouteLimits()

    @property
    def development(self) -> bool:
        """True where it is a model of the development provider."""
        return (self.api_base or "").startswith(DEVELOPMENT_BASE)


class Retry(_Strict):
    """How often each model may be asked again in one turn, after all others were."""

    per_model: Annotated[int, Field(ge=0, le=5)] = 1


class Bot(_Strict):
    """One bot as its file says it."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    description: str
    template: Annotated[str, Field(pattern=r"^[a-z0-9-]+@[0-9]+$")]
    route: Annotated[tuple[Route, ...], Field(min_length=1)]
    limits: Limits = Limits()
    retry: Retry = Retry()
    hedge_seconds: Annotated[float, Field(gt=0)] | None = None
    """A first token later than this makes the next model start beside the first; both are metered. Off by default."""
    fallback_text: str | None = None
    """Said, and marked as such, when every model is gone."""
    summary: Route | None = None
    """A cheap model that shortens what does not fit into the context; without one the oldest turns are dropped."""
    redaction: str = "default"

    def limits_of(self, route: Route) -> Limits:
        """The bot's bounds with the model's own in their place."""
        return self.limits.model_copy(update=route.limits.model_dump(exclude_none=True))

    @property
    def development(self) -> bool:
        """True where the answers come from the development provider."""
        return all(route.development for route in self.route)


class Template(_Strict):
    """One version of a prompt template."""

    id: str
    hash: str
    source: str


class Bots(_Strict):
    """All bots with their templates."""

    by_name: dict[str, Bot]
    templates: dict[str, Template]
    provider_base: str
    files: dict[str, Path] = {}
    stand_ins: frozenset[str] = frozenset()
    """Bots whose models were replaced by `SLUICE_LLM`."""

    @model_validator(mode="after")
    def _not_empty(self) -> "Bots":
        if not self.by_name:
            raise ValueError("there is no bot")
        return self

    def template_of(self, bot: Bot) -> Template:
        """The template a bot names."""
        return self.templates[bot.template]

    def place_of(self, bot: Bot, *place: str | int) -> str:
        """File and line of a field of the bot, for complaints."""
        return _line(self.files[bot.name], *place)

    def api_base(self, route: Route) -> str | None:
        """Where to call, with the development provider's real port."""
        return route.api_base and self._followed(route.api_base)

    def usage_url(self, route: Route) -> str | None:
        """Where to ask for a bill, with the development provider's real port."""
        return route.usage_url and self._followed(route.usage_url)

    def _followed(self, url: str) -> str:
        return url.replace(DEVELOPMENT_BASE, self.provider_base, 1)


def load_bots(settings: Settings) -> Bots:
    """Read all bot files.

    Raises ConfigurationError with file, line and reason.
    """
    by_name: dict[str, Bot] = {}
    stand_ins: set[str] = set()
    templates: dict[str, Template] = {}
    files: dict[str, Path] = {}
    for path in sorted(settings.bots_dir.glob("*.yaml")):
        bot = read_model(path, Bot)
        if bot.name in by_name:
            raise ConfigurationError(f"{_line(path, 'name')}: there is another bot named {bot.name}.")
        if settings.llm != "dev" and bot.development:
            bot = bot.model_copy(update={"route": (_chosen(settings),)})
            stand_ins.add(bot.name)
        if settings.llm != "dev" and bot.summary is not None and bot.summary.development:
            bot = bot.model_copy(update={"summary": _chosen(settings)})
            stand_ins.add(bot.name)
        by_name[bot.name], files[bot.name] = bot, path
        templates[bot.template] = _read_template(bot.template, path)
    if not by_name:
        raise ConfigurationError(
            f"There is no bot in {settings.bots_dir}. Set SLUICE_BOTS_DIR to a folder with bot files."
        )
    base = settings.provider_url.removesuffix("/v1")
    return Bots(by_name=by_name, templates=templates, provider_base=base, files=files, stand_ins=frozenset(stand_ins))


def _chosen(settings: Settings) -> Route:
    """The model that stands in for the development provider."""
    if settings.llm != "local":
        return Route(model=settings.llm)
    limits = RouteLimits(first_token_seconds=60, gap_seconds=30, output_tokens=256, context_tokens=2500)
    return Route(model=f"openai/{SMALL_MODEL}", api_base=settings.small_model_url, price="none", limits=limits)


def _read_template(template_id: str, named_by: Path) -> Template:
    name, _, version = template_id.partition("@")
    path = data_folder("deploy") / "prompts" / name / f"{version}.j2"
    try:
        source = path.read_text()
    except FileNotFoundError:
        place = _line(named_by, "template")
        raise ConfigurationError(f"{place}: template {template_id} is not there: {path}") from None
    return Template(id=template_id, hash=hashlib.sha256(source.encode()).hexdigest(), source=source)


def _line(path: Path, *place: str | int) -> str:
    return f"{path}:{line_of(path.read_text(), place)}"
