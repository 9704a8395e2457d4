"""`sluice report`."""

from pathlib import Path
from typing import Annotated

import typer

from sluice.cli.leaving import ExitCode, leave
from sluice.clock import utc_now
from sluice.durable_files import write_durably
from sluice.errors import ConfigurationError
from sluice.settings import load_settings


def report(
    days: Annotated[int, typer.Option(min=1, max=3660, help="So many days, up to the newest turn.")] = 30,
    out: Annotated[Path | None, typer.Option(help="The file; `report.html` beside the warehouse unless given.")] = None,
) -> None:
    """Make a page with charts of turns, cost, latency, errors and data quality. It needs no server and no network."""
    from connectors.report.charts import charts  # noqa: PLC0415 (brings plotly)
    from connectors.report.figures import read_figures  # noqa: PLC0415
    from connectors.report.page import page  # noqa: PLC0415
    from connectors.warehouse.runs import last_run  # noqa: PLC0415

    warehouse = load_settings().warehouse_path
    file = out or warehouse.with_name("report.html")
    try:
        figures = read_figures(warehouse, days)
        text = page(figures, charts(figures), warehouse.name, utc_now(), last_run(warehouse))
        write_durably(file, text.encode())
    except ConfigurationError as error:
        leave(ExitCode.MISSING, str(error))
    except OSError as error:
        leave(ExitCode.MISSING, f"{file} cannot be written ({error.strerror}). Choose another with --out.")
    typer.echo(f"{figures.since} to {figures.until}, {figures.totals.turns:,} turns: open {file.absolute().as_uri()}")
