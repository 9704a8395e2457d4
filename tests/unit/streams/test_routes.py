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


def test_a_template_that_does_not_render_is_refused(tmp_path: Path):
    loaded = bots(tmp_path, BOT.replace("openai/unknown}", "openai/unknown, price: none}"))
    check_routes(loaded, TablePrices())
    wrong = Template(id="assistant@1", hash="x", source="{{ nobody }}")
    with pytest.raises(ConfigurationError, match="template assistant@1: 'nobody' is undefined"):
        check_routes(loaded.model_copy(update={"templates": {"assistant@1": wrong}}), TablePrices())
