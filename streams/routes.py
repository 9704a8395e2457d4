"""Routes that could not work, or could not be billed, are found when a worker starts. `python -m streams.routes` only
looks.
"""

import sys
from collections.abc import Collection, Iterator

from jinja2 import TemplateError

from agents.account import Prices
from agents.policies import load_policies
from agents.prompting import render
from sluice.bots import Bots, load_bots
from sluice.errors import ConfigurationError
from sluice.events import Usage
from sluice.process import ProcessExit
from sluice.settings import load_settings

_ONE = Usage(prompt_tokens=1, completion_tokens=1, estimated=False)


def check_routes(bots: Bots, prices: Prices) -> None:
    """Raises ConfigurationError with every complaint, a line each."""
    complaints = [*_complaints(bots, prices, load_policies())]
    if complaints:
        raise ConfigurationError("\n".join(complaints))


def _complaints(bots: Bots, prices: Prices, policies: Collection[str]) -> Iterator[str]:
    for bot in bots.by_name.values():
        places = [("route", number) for number in range(len(bot.route))]
        routes = [*zip(bot.route, places, strict=True), *([(bot.summary, ("summary",))] if bot.summary else [])]
        for route, place in routes:
            known = route.price is not None or prices.cost_usd(route.model, _ONE) is not None
            if not known and bot.name not in bots.stand_ins:
                yield (
                    f"{bots.place_of(bot, *place)}: nobody knows a price of {route.model}. Give `price: "
                    "{prompt_per_million_usd: ..., completion_per_million_usd: ...}`, or say `price: none`."
                )
        try:
            render(bots.template_of(bot), bot)
        except TemplateError as error:
            yield f"{bots.place_of(bot, 'template')}: template {bot.template}: {error}"
        if bot.redaction not in policies:
            yield (
                f"{bots.place_of(bot, 'redaction')}: there is no redaction policy {bot.redaction}. "
                f"There is: {', '.join(sorted(policies))}."
            )


def main() -> None:
    """Say what is wrong; exit code 78 where something is."""
    from streams.litellm_model import LitellmPrices  # noqa: PLC0415 (slow to import)

    try:
        check_routes(load_bots(load_settings()), LitellmPrices())
    except ConfigurationError as error:
        sys.stdout.write(f"{error}\n")
        sys.exit(ProcessExit.CONFIG)


if __name__ == "__main__":
    main()
