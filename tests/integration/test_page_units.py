"""The page's own types and tests, run by its own tools."""

import subprocess

import pytest

from local.page import build, find_npm
from sluice.paths import checkout


@pytest.mark.parametrize("script", ["check", "test"])
def test_the_page(script: str):
    build()
    done = subprocess.run(
        [*find_npm(), "run", script], cwd=checkout() / "gateway" / "web", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
