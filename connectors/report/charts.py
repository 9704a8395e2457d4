"""Charts of the page.

Plotly was chosen because its charts answer the pointer, fit any width, and stand in one file that needs no server.
"""

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import plotly.graph_objects as go

from connectors.report.figures import Figures, Rows

PALETTE = ("#1f8a86", "#d9963a", "#5b7fc7", "#a65a8f", "#6f9c46", "#c0574b", "#7d7a94", "#3f6f6a")
"""Told apart on light and on dark ground."""
_GREY, _OBJECTIVE = "#808c86", "#c0574b"
_HEIGHT = 320
_CRITICAL = 0.01
_DAY_MS, _LEAST_DAYS, _DAYS_WITH_A_TICK = 86_400_000, 7, 10
_PLAIN = ",.10~f"
"""Numbers as they are, where Plotly would write 800µ."""
_SPANS = {
    "accept": "gateway accepts",
    "enrich": "enrich",
    "redact": "redact",
    "respond": "respond, the model's time included",
    "overhead": "the platform's own share",
    "first_delta": "first word at the client",
    "whole_turn": "whole turn",
}


@dataclass(frozen=True, slots=True)
class Chart:
    """`says` is one sentence: what is shown, and how to read it."""

    name: str
    title: str
    says: str
    figure: go.Figure


def charts(figures: Figures) -> list[Chart]:
    """In the order in which people ask; one without rows says so by itself."""
    rows = figures.rows
    found = [
        Chart("turns", "Turns", "Each day, by bot.", _stacked(rows["turns"], "bot", "turns", "turns")),
        Chart("cost", "Cost", "US dollars each day, by model, as the ledger has them.", _cost(rows["cost"])),
        Chart("tokens", "Tokens", "Read and written by models each day.", _tokens(rows["tokens"])),
        Chart(
            "latency",
            "Latency by stage",
            "95 % of each day's turns were faster. A click in the legend hides a stage; the scale is logarithmic.",
            _latency(rows["latency"]),
        ),
        Chart(
            "errors",
            "Failed turns",
            "Each day, by error code.",
            _stacked(rows["errors"], "error_code", "turns", "turns"),
        ),
        Chart(
            "people", "People", "Who came each day, who was new, and who came within a week.", _people(rows["people"])
        ),
        Chart(
            "retention",
            "Who comes again",
            "Share of the people of a first week that came again so many weeks later.",
            _retention(rows["retention"]),
        ),
        Chart(
            "quality",
            "Quality of data",
            "Share of events that are good, with the objective (dashed), and of critical rows (bars; objective < 1 %).",
            _quality(rows["quality"]),
        ),
    ]
    first = _first_day(figures)
    for chart in found:
        if chart.name != "retention":
            _lay_along_days(chart.figure, first, figures.until)
    return found


def _first_day(figures: Figures) -> date:
    """Of those shown: where a history is younger than what was asked for, it does not stand in an empty chart."""
    days: list[date] = [row["date_day"] for rows in figures.rows.values() for row in rows if "date_day" in row]
    return max(figures.since, min([figures.until - timedelta(_LEAST_DAYS - 1), *days]))


def _lay_along_days(figure: go.Figure, first: date, last: date) -> None:
    """Whole days, of which each bar is nearly one: Plotly would take hours and thousandths of seconds for few."""
    half = timedelta(hours=12)
    ends = [datetime.combine(first, time()) - half, datetime.combine(last, time()) + half]
    every_day = {"dtick": _DAY_MS} if (last - first).days < _DAYS_WITH_A_TICK else {}
    figure.update_xaxes(
        type="date",
        range=[f"{end:%Y-%m-%d %H:%M}" for end in ends],
        tickformat="%b %-d\n%Y",
        hoverformat="%a %Y-%m-%d",
        **every_day,
    )
    figure.update_traces(width=_DAY_MS * 4 // 5, selector={"type": "bar"})


def _figure(y_title: str, **layout: Any) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        template="none",
        height=_HEIGHT,
        colorway=PALETTE,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "inherit", "size": 12, "color": _GREY},
        margin={"l": 56, "r": 12, "t": 8, "b": 36},
        legend={"orientation": "h", "y": -0.18, "x": 0, "itemwidth": 30},
        hovermode="x unified",
        xaxis={"gridcolor": "rgba(128,140,134,0.15)", "zeroline": False},
        yaxis={"title": {"text": y_title}, "gridcolor": "rgba(128,140,134,0.25)", "rangemode": "tozero"},
    )
    figure.update_layout(**layout)
    return figure


def _column(rows: Rows, name: str, as_: Callable[[Any], Any] = lambda value: value) -> list[Any]:
    return [None if row[name] is None else as_(row[name]) for row in rows]


def _by(rows: Rows, name: str) -> Mapping[str, Rows]:
    found: dict[str, Rows] = {}
    for row in rows:
        found.setdefault(row[name], []).append(row)
    return found


def _stacked(rows: Rows, group: str, value: str, unit: str) -> go.Figure:
    figure = _figure(unit, barmode="stack")
    for name, own in _by(rows, group).items():
        figure.add_bar(x=_column(own, "date_day"), y=_column(own, value), name=html.escape(name))
    return figure


def _cost(rows: Rows) -> go.Figure:
    figure = _figure("US$", barmode="stack", yaxis_tickformat=_PLAIN)
    for name, own in _by(rows, "model").items():
        exact = [f"{row['cost_usd']:f}" for row in own]  # a bar is drawn by a float; its label is the ledger's
        figure.add_bar(
            x=_column(own, "date_day"),
            y=_column(own, "cost_usd", float),
            name=html.escape(name),
            customdata=exact,
            hovertemplate="%{customdata} US$",
        )
    return figure


def _tokens(rows: Rows) -> go.Figure:
    figure = _figure("tokens", barmode="stack")
    for column, name in (("prompt_tokens", "read"), ("completion_tokens", "written")):
        figure.add_bar(x=_column(rows, "date_day"), y=_column(rows, column), name=name)
    return figure


def _latency(rows: Rows) -> go.Figure:
    figure = _figure("ms, 95th percentile", yaxis_type="log", yaxis_tickformat=_PLAIN)
    spans = _by(rows, "span")
    for span in (*(known for known in _SPANS if known in spans), *sorted(set(spans) - set(_SPANS))):
        own = spans[span]
        rest = [f"median {row['p50_ms']:,.1f}, 99th {row['p99_ms']:,.1f}, of {row['measurements']:,}" for row in own]
        figure.add_scatter(
            x=_column(own, "date_day"),
            y=_column(own, "p95_ms"),
            name=_SPANS.get(span, html.escape(span)),
            mode="lines+markers",
            customdata=rest,
            hovertemplate="%{y:,.1f} ms (%{customdata})",
        )
    return figure


def _people(rows: Rows) -> go.Figure:
    figure = _figure("people", barmode="overlay")
    figure.add_scatter(
        x=_column(rows, "date_day"),
        y=_column(rows, "people_7_days"),
        name="within 7 days",
        mode="lines+markers",
        fill="tozeroy",
    )
    figure.add_bar(x=_column(rows, "date_day"), y=_column(rows, "people"), name="that day")
    figure.add_bar(x=_column(rows, "date_day"), y=_column(rows, "new_people"), name="new")
    return figure


def _retention(rows: Rows) -> go.Figure:
    figure = _figure("", hovermode="closest")
    weeks = sorted({row["first_week"] for row in rows})
    later = sorted({row["weeks_later"] for row in rows})
    shares = {(row["first_week"], row["weeks_later"]): row["share"] for row in rows}
    figure.add_heatmap(
        x=[f"+{week}" for week in later],
        y=[week.isoformat() for week in weeks],
        z=[[shares.get((week, after)) for after in later] for week in weeks],
        zmin=0,
        zmax=1,
        colorscale=[[0, "rgba(31,138,134,0.05)"], [1, PALETTE[0]]],
        colorbar={"tickformat": ".0%", "outlinewidth": 0},
        hovertemplate="week of %{y}, %{x} weeks: %{z:.1%}<extra></extra>",
        hoverongaps=False,
    )
    figure.update_layout(
        yaxis={"type": "category", "rangemode": "normal"},
        xaxis={"type": "category", "title": "weeks later"},
        margin={"l": 84},
    )
    return figure


def _quality(rows: Rows) -> go.Figure:
    figure = _figure("good events", yaxis={"tickformat": ".1%", "rangemode": "normal"})
    days = _column(rows, "date_day")
    most = 1.1 * max([_CRITICAL, *(share for share in _column(rows, "critical_share") if share)])
    figure.add_scatter(x=days, y=_column(rows, "conformance"), name="conformance", mode="lines+markers")
    figure.add_scatter(
        x=days,
        y=_column(rows, "conformance_objective"),
        name="objective",
        mode="lines",
        line={"dash": "dash", "color": _OBJECTIVE},
    )
    figure.add_bar(x=days, y=_column(rows, "critical_share"), name="critical rows", yaxis="y2", opacity=0.6)
    figure.update_layout(
        yaxis2={"overlaying": "y", "side": "right", "tickformat": ".1%", "range": [0, most], "showgrid": False},
        margin={"r": 56},
    )
    return figure
