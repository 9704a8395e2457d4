"""What could not be billed, or not be rendered, is found at the start."""

from pathlib import Path

import pytest

from sluice.bots import Bots, Template, load_bots
from sluice.errors import ConfigurationError
from sluice.settings import Settings
from streams.routes import check_routes
from tests.doubles import TablePrices

BOT = """name: helper
description: d
template: assistant@1
route:
  - {model: openai/unknown}
  - {model: openai/free, price: none}
"""


def bots(folder: Path, text: str = BOT) -> Bots:
    (folder / "helper.yaml").write_text(text)
    return load_bots(Settings(bots_dir=folder))


def test_a_model_without_any_price_is_refused_with_its_line(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"helper\.yaml:5: nobody knows a price of openai/unknown") as error:
        check_routes(bots(tmp_path), TablePrices())
    assert "openai/free" not in str(error.value)


def test_a_summary_without_any_price_is_refused_too(tmp_path: Path):
    known = BOT.replace("openai/unknown}", "openai/unknown, price: none}")
    with pytest.raises(ConfigurationError, match=r"helper\.yaml:7: nobody knows a price of openai/cheap"):
        check_routes(bots(tmp_path, known + "summary: {model: openai/cheap}\n"), TablePrices())


def test_a_model_in_the_place_of_another_needs_no_price(tmp_path: Path):
    (tmp_path / "helper.yaml").write_text(BOT.replace("}", ", api_base: 'http://127.0.0.1:9100/v1'}"))
    check_routes(load_bots(Settings(bots_dir=tmp_path, llm="openai/unknown")), TablePrices())


def test_a_policy_that_is_not_there_is_refused(tmp_path: Path):
    known = BOT.replace("openai/unknown}", "openai/unknown, price: none}")
    with pytest.raises(
        ConfigurationError, match=r"helper\.yaml:7: there is no redaction policy lax. There is: default"
    ):
        check_routes(bots(tmp_path, known + "redaction: lax\n"), TablePrices())


def test_a_template_that_does_not_render_is_refused(tmp_path: Path):
    loaded = bots(tmp_path, BOT.replace("openai/unknown}", "openai/unknown, price: none}"))
    check_routes(loaded, TablePrices())
    wrong = Template(id="assistant@1", hash="x", source="{{ nobody }}")
    with pytest.raises(ConfigurationError, match=r"helper\.yaml:3: template assistant@1: 'nobody' is undefined"):
        check_routes(loaded.model_copy(update={"templates": {"assistant@1": wrong}}), TablePrices())
