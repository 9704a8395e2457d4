"""Real processes with wrong settings and files: one line that says what to do, exit 78, no traceback, no broker."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sluice.key_files import make_key_files
from sluice.process import ProcessExit


def refused(module: str, home: Path, **settings: str) -> str:
    environment = os.environ | {"SLUICE_HOME": str(home), "SLUICE_BROKER": "127.0.0.1:1"} | settings
    done = subprocess.run(
        [sys.executable, "-m", module],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == ProcessExit.CONFIG, done.stdout + done.stderr
    assert done.stderr == ""
    (line,) = map(json.loads, done.stdout.splitlines())
    assert line["event"] == "cannot start"
    return str(line["reason"])


@pytest.mark.parametrize("module", ["streams.redact", "gateway", "connectors.landing"])
def test_a_wrong_setting(module: str, tmp_path: Path):
    assert "SLUICE_FUSE_WINDOW" in refused(module, tmp_path, SLUICE_FUSE_WINDOW="many")


@pytest.mark.parametrize("module", ["streams.redact", "gateway", "connectors.landing"])
def test_a_missing_key_file(module: str, tmp_path: Path):
    assert "make up" in refused(module, tmp_path)


@pytest.mark.parametrize("module", ["streams.enrich", "gateway"])
def test_a_wrong_bot_file(module: str, tmp_path: Path):
    make_key_files(tmp_path / "keys")
    (tmp_path / "bot.yaml").write_text("name: [")
    assert "not YAML" in refused(module, tmp_path, SLUICE_BOTS_DIR=str(tmp_path))


def test_a_version_that_was_not_tested(tmp_path: Path):
    make_key_files(tmp_path / "keys")
    (tmp_path / "other.py").write_text(
        "import faust, runpy\nfaust.__version__ = '9.9.9'\nrunpy.run_module('streams.redact', run_name='__main__')\n"
    )
    assert "faust-streaming 9.9.9 is installed" in refused("other", tmp_path)
