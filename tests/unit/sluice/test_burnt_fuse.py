"""The mark that keeps a stage down, and the command that takes it away."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sluice import burnt_fuse
from sluice.burnt_fuse import BurntFuse
from sluice.cli import main
from sluice.errors import ConfigurationError
from sluice.settings import Settings
from tests.doubles import NOON

BURNT = BurntFuse("chat-enriched", "150 of the last 200 records were put away", NOON)


def test_a_marked_stage_is_told_what_burnt_and_what_to_do(tmp_path: Path):
    burnt_fuse.check(tmp_path, "redact")
    burnt_fuse.mark(tmp_path, BURNT)
    with pytest.raises(ConfigurationError) as refused:
        burnt_fuse.check(tmp_path, "redact")
    for words in ("chat-enriched: 150 of the last 200", "2026-03-01T12:00:00", "dlq list", "fuse reset redact"):
        assert words in str(refused.value)


def test_a_mark_that_cannot_be_read_holds_too(tmp_path: Path):
    (tmp_path / "fuse-burnt.json").write_bytes(b"\x00\x00")
    with pytest.raises(ConfigurationError, match="does not say why"):
        burnt_fuse.check(tmp_path, "redact")
    (tmp_path / "fuse-burnt.json").unlink()
    (tmp_path / "fuse-burnt.json").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        burnt_fuse.check(tmp_path, "redact")


def test_a_reset_clears_all_instances_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    folders = [Settings(instance=number).state_of("redact") for number in (1, 2)]
    for folder in folders:
        folder.mkdir(parents=True)
        burnt_fuse.mark(folder, BURNT)
    done = CliRunner().invoke(main.build(), ["fuse", "reset", "redact"])
    assert (done.exit_code, "make up" in done.output) == (0, True)
    for folder in folders:
        burnt_fuse.check(folder, "redact")
    again = CliRunner().invoke(main.build(), ["fuse", "reset", "redact"])
    assert (again.exit_code, "No fuse of redact has burnt" in again.output) == (1, True)
