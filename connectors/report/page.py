"""The page: one HTML file with everything in it, for wide and narrow screens, light and dark."""

import html
import json
from collections.abc import Iterable
from datetime import datetime

from plotly.offline import get_plotlyjs

from connectors.report.charts import Chart
from connectors.report.figures import Figures, Totals
from connectors.warehouse.runs import Run

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>Sluice: {span}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>Sluice</h1>
<p>{span}. {state} Made {made_at} from the marts of <code>{source}</code>.</p>
</header>
<main>
<dl class="totals">
{totals}
</dl>
{charts}
</main>
<script>{plotly}</script>
<script>
const charts = {data};
for (const [name, figure] of Object.entries(charts)) {{
  Plotly.newPlot(name, figure.data, figure.layout, {{responsive: true, displaylogo: false, displayModeBar: false}});
}}
</script>
</body>
</html>
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"
_STYLE = """
:root { color-scheme: light dark; --ground: light-dark(#f5f6f2, #0e1514); --raised: light-dark(#fff, #161f1e);
  --line: light-dark(#d8ddd5, #263230); --ink: light-dark(#17211f, #e2eae7); --soft: light-dark(#50605b, #9db0aa);
  --alarm: light-dark(#a3312a, #f2978d); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
header, main { max-width: 84rem; margin: 0 auto; padding: 1rem; }
header { padding-bottom: 0; }
h1 { margin: 0.5rem 0 0; font-size: 1.6rem; }
header p { margin: 0.25rem 0; color: var(--soft); overflow-wrap: anywhere; }
.failed { color: var(--alarm); }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 34rem), 1fr)); gap: 1rem; }
.totals { grid-column: 1 / -1; margin: 0;
  display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 0.75rem; }
.totals div, section { padding: 0.8rem;
  background: var(--raised); border: 1px solid var(--line); border-radius: 0.7rem; }
dt { color: var(--soft); font-size: 0.85rem; }
dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
section { min-width: 0; }
h2 { margin: 0; font-size: 1.1rem; }
section p { margin: 0 0 0.5rem; color: var(--soft); font-size: 0.9rem; }
.empty { padding: 3rem 0; text-align: center; }
"""


def page(figures: Figures, drawn: Iterable[Chart], source: str, made_at: datetime, last: Run | None) -> str:
    """HTML. Whatever comes from the marts is escaped."""
    shown = list(drawn)
    plotted = {chart.name: chart.figure.to_plotly_json() for chart in shown if chart.figure.data}
    data = json.dumps(plotted, default=str).replace("</", "<\\/")
    return _PAGE.format(
        span=f"{figures.since} to {figures.until}",
        policy=_POLICY,
        style=_STYLE,
        state=_state(last),
        made_at=f"{made_at:%Y-%m-%d %H:%M} UTC",
        source=html.escape(source),
        totals="\n".join(_totals(figures.totals)),
        charts="\n".join(map(_section, shown)),
        plotly=get_plotlyjs(),
        data=data,
    )


def _state(last: Run | None) -> str:
    if last is None or last.result == "built":
        return ""
    why = html.escape(f"The last build {last.result}: {last.reason}")
    return f'<strong class="failed">{why}.</strong> These are the tables of the build before.'


def _totals(totals: Totals) -> Iterable[str]:
    repeated = f" ({totals.repeated_rows:,} repeated)" if totals.repeated_rows else ""
    named = {
        "turns": f"{totals.turns:,}",
        "conversations": f"{totals.conversations:,}",
        "people": f"{totals.people:,}",
        "cost, US$": f"{totals.cost_usd:,.4f}",
        "tokens": f"{totals.tokens:,}",
        "failed turns": "none" if totals.failed_share is None else f"{totals.failed_share:.2%}",
        "platform, 95 % below": "none" if totals.overhead_p95_ms is None else f"{totals.overhead_p95_ms:,.1f} ms",
        "rows in quarantine, ever": f"{totals.quarantined_rows:,}{repeated}",
    }
    for name, value in named.items():
        yield f"<div><dt>{name}</dt><dd>{value}</dd></div>"


def _section(chart: Chart) -> str:
    body = f'<div id="{chart.name}"></div>' if chart.figure.data else '<p class="empty">Nothing in these days.</p>'
    return f"<section><h2>{html.escape(chart.title)}</h2><p>{html.escape(chart.says)}</p>{body}</section>"
