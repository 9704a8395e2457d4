"""`sluice seed-history`."""

import os
from datetime import datetime, timedelta
from typing import Annotated

import typer

from sluice.cli.leaving import ExitCode, ending_on_sigterm, leave
from sluice.clock import utc_now
from sluice.errors import ConfigurationError
from sluice.settings import load_settings


def seed_history(
    turns: Annotated[int, typer.Option(min=1, help="Seven events each.")] = 10_000,
    days: Annotated[int, typer.Option(min=1, max=400, help="So many days, the last of which is --until.")] = 30,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The last day, which must be over; yesterday unless given."),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed, turns and days give the same history.")] = 1,
    processes: Annotated[int | None, typer.Option(min=1, max=64, help="Side by side; one a core unless given.")] = None,
) -> None:
    """Fill an empty landing zone with a made-up history, to try the warehouse on: set SLUICE_HOME to a new folder."""
    from connectors.landing_zone import LandingZone  # noqa: PLC0415 (brings pyarrow)
    from connectors.seeding.seeder import seed as write  # noqa: PLC0415
    from connectors.seeding.shape import EARLIEST, Plan  # noqa: PLC0415

    yesterday = (utc_now() - timedelta(days=1)).date()
    plan = Plan(turns, days, until.date() if until else yesterday, seed)
    if plan.until > yesterday:
        leave(
            ExitCode.USAGE,
            f"--until is a day that is over, {yesterday} at the latest: what has not happened is set aside.",
        )
    if plan.first < EARLIEST:
        leave(
            ExitCode.USAGE,
            f"{plan.first} is before {EARLIEST}, and what is so old is set aside: a later --until, please.",
        )
    zone = LandingZone(load_settings().landing_dir)
    try:
        with ending_on_sigterm():
            done = write(
                zone,
                plan,
                processes or os.cpu_count() or 1,
                lambda so_far: typer.echo(f"{so_far} of {turns} turns ...", err=True),
            )
    except ConfigurationError as error:
        leave(ExitCode.MISSING, str(error))
    typer.echo(f"{done.turns} turns, {done.events} events in {done.files} files under {zone.root}")
    typer.echo("`sluice warehouse --landed` builds the star schema from them.")
