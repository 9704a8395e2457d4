"""The page in a browser: every chart is drawn, nothing is fetched, and a phone need not scroll sideways."""

import re
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import sync_playwright

from connectors.report.charts import charts
from connectors.report.figures import read_figures
from connectors.report.page import page
from local.test_tools import find_chromium
from tests.doubles import NOON
from tests.unit.connectors.test_report import MARTS

PHONE, DESKTOP = (390, 844), (1400, 900)


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_every_chart_is_drawn(tmp_path: Path, size: tuple[int, int]) -> None:
    with duckdb.connect(str(tmp_path / "w.duckdb")) as db:
        db.execute(MARTS)
        db.execute("update marts.daily_usage set cost_usd = cost_usd / 150")
    figures = read_figures(tmp_path / "w.duckdb", 30)
    file = tmp_path / "report.html"
    file.write_text(page(figures, charts(figures), "w.duckdb", NOON, None))
    said, asked = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": size[0], "height": size[1]})
        shown.on("console", lambda message: said.append(message.text))
        shown.on("pageerror", lambda error: said.append(str(error)))
        shown.on("request", lambda request: asked.append(request.url))
        shown.goto(file.as_uri())
        shown.locator("#quality .main-svg").first.wait_for()
        drawn = shown.locator("section > div.js-plotly-plot").count()
        legends = shown.locator("#turns .legendtext").all_text_contents()
        days = shown.locator("#turns .xtick text").all_text_contents()
        money = shown.locator("#cost .ytick text").all_text_contents()
        bar, ground = (shown.locator(f"#turns {one}").first.bounding_box() for one in (".bars .point", ".bglayer"))
        width = shown.evaluate("document.documentElement.scrollWidth")
        browser.close()
    assert (drawn, said, asked) == (8, [], [file.as_uri()])
    assert set(legends) == {"assistant", "</script><b>"}
    assert [re.sub("2026$", "", day) for day in days] == [f"Nov {day}" for day in range(19, 26)]
    assert re.fullmatch(r"0\.000\d+", money[-1]), money
    assert bar is not None
    assert ground is not None
    assert 0.05 < bar["width"] / ground["width"] < 0.2
    assert width <= size[0]
