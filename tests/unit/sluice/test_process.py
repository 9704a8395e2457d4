"""How a process ends that cannot start."""

import json
from pathlib import Path

import pytest

from sluice.durable_files import TEMPORARY, write_durably
from sluice.errors import ConfigurationError, Unavailable
from sluice.process import run_process


@pytest.mark.parametrize(("error", "code"), [(ConfigurationError("set this"), 78), (Unavailable("no broker"), 75)])
def test_the_reason_is_one_line_and_the_exit_code(error: Exception, code: int, capsys: pytest.CaptureFixture[str]):
    def main() -> None:
        raise error

    pauses: list[float] = []
    with pytest.raises(SystemExit) as ended:
        run_process("enrich", main, pauses.append)
    assert ended.value.code == code
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["event"], line["reason"], line["process"]) == ("cannot start", str(error), "enrich")
    assert pauses > [1.0]


def test_what_ends_well_ends_without_a_word(capsys: pytest.CaptureFixture[str]):
    run_process("enrich", lambda: None, pytest.fail)
    assert capsys.readouterr().out == ""


def test_a_file_is_whole_or_not_there(tmp_path: Path):
    write_durably(tmp_path / "a", b"one")
    write_durably(tmp_path / "a", b"two")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"two")]
    (tmp_path / "b").mkdir()
    with pytest.raises(OSError, match="b"):
        write_durably(tmp_path / "b", b"three")
    (tmp_path / f"c{TEMPORARY}").mkdir()
    with pytest.raises(OSError, match="c"):
        write_durably(tmp_path / "c", b"four")
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", f"c{TEMPORARY}"}
