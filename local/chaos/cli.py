"""`sluice chaos`: break a platform of three brokers while people use it, and check what was promised."""

import asyncio
import os
import shutil
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sluice.cli.leaving import ExitCode, leave
from sluice.clock import utc_now
from sluice.errors import ConfigurationError, Unavailable
from sluice.settings import load_settings

if TYPE_CHECKING:
    from local.chaos.campaign import Campaign
    from local.chaos.evidence import Evidence

commands = typer.Typer()
_RATE, _SMALL_RATE, _SMALL = 3.0, 1.5, 100
_OFFSETS = (14_000, 16_000, 18_000, 21_000, 22_000)
"""All ports stay below Linux's range for outgoing connections, 32768 and up."""


@commands.command()
def chaos(
    turns: Annotated[int, typer.Option(min=1, help="Messages that people send.")] = 200,
    seed: Annotated[int, typer.Option(help="Draws faults and conversations.")] = 1,
    transport: Annotated[str, typer.Option(help="`stock` shows what Faust does on its own.")] = "librdkafka",
    rate: Annotated[float | None, typer.Option(help="Messages a second.")] = None,
    scale: Annotated[int | None, typer.Option(min=0, help="Rounds of faults; 0 has each kind once.")] = None,
    calm: Annotated[bool, typer.Option("--calm", help="Break nothing: what the machine can do by itself.")] = False,
    port_offset: Annotated[int | None, typer.Option(help="Added to every port; a free one by default.")] = None,
    home: Annotated[Path | None, typer.Option(help="Of the campaign's platform; emptied at the start.")] = None,
    check_only: Annotated[Path | None, typer.Option("--check", help="Check saved evidence, start nothing.")] = None,
) -> None:
    """Break a platform in use and check what was promised. Ends with 1 on any violation, or without enough evidence."""
    from local.chaos import evidence as saved  # noqa: PLC0415 (needs the `local` extra)
    from local.chaos.campaign import Campaign, Choices  # noqa: PLC0415
    from local.chaos.layout import Layout  # noqa: PLC0415

    console = Console()
    if check_only is not None:
        try:
            evidence = saved.load(check_only)
        except ValueError as error:
            leave(ExitCode.MISSING, str(error))
        _judge(evidence, check_only, console)
        return
    outside = load_settings().home
    place = (home or outside / "chaos-run").resolve()
    layouts = [Layout(place, offset, transport) for offset in ((port_offset,) if port_offset is not None else _OFFSETS)]
    layout = next((one for one in layouts if not one.taken_ports), layouts[0])
    chosen = Choices(
        turns,
        seed,
        rate or (_RATE if turns > _SMALL else _SMALL_RATE),
        scale if scale is not None else min(3, turns // _SMALL),
        calm,
    )
    folder = outside / "chaos" / f"{seed}-{utc_now():%Y%m%dT%H%M%S}"
    campaign = Campaign(layout, chosen, console)
    try:
        asyncio.run(_interruptible(campaign, folder))
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    finally:
        campaign.fleet.kill_now()
    _save(campaign, folder)
    _judge(campaign.evidence, folder, console)


async def _interruptible(campaign: "Campaign", folder: Path) -> None:
    """SIGINT and SIGTERM cancel the campaign, whose cleaning up is then waited for; a second one cuts that short."""
    task = asyncio.ensure_future(campaign.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        campaign.fleet.kill_now()
        typer.echo("Stopped. Everything that was started is gone.")
        if campaign.evidence.asked:
            campaign.evidence.problems.append("the campaign was stopped by a signal")
            _save(campaign, folder)
            typer.echo(f"What was known by then: {folder}")
        sys.stdout.flush()
        os._exit(int(ExitCode.NO))  # a thread inside librdkafka, whose brokers are gone, would be waited for in vain


def _save(campaign: "Campaign", folder: Path) -> None:
    layout = campaign.layout
    campaign.evidence.save(folder)
    shutil.copytree(layout.settings.logs_dir, folder / "logs")
    layout.write_choices(folder, transport=layout.transport, **asdict(campaign.choices))


def _judge(evidence: "Evidence", folder: Path, console: Console) -> None:
    from local.chaos.checker import check  # noqa: PLC0415
    from local.chaos.report import last_line, show, write_verdict  # noqa: PLC0415

    verdict = check(evidence)
    write_verdict(verdict, folder)
    show(verdict, evidence, folder, console)
    typer.echo(last_line(verdict))
    raise typer.Exit(int(ExitCode.DONE if verdict.clean else ExitCode.NO))
