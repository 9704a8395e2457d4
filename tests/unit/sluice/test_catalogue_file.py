"""`avro/topics.yaml` is read as strictly as a policy is: whoever keeps its promises deletes by its numbers."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from sluice import catalogue_file as module
from sluice.catalogue_file import catalogue_file
from sluice.cli import main as command_line
from sluice.cli.leaving import ExitCode
from sluice.errors import ConfigurationError
from sluice.key_files import make_key_files
from sluice.paths import data_folder
from sluice.process import ProcessExit
from sluice.stores import keep, stores
from sluice.topics import catalogue, principals

TEXT = (data_folder("avro") / "topics.yaml").read_text()
Spoil = Callable[[str], Path]
SLIPS = {
    "negative days": ("keep_days: 400\n", "keep_days: -1\n", "stores.landing.keep_days: Input should be greater than"),
    "no days": ("keep_days: 400\n", "keep_days: 0\n", "stores.landing.keep_days: Input should be greater than"),
    "days in words": ("keep_days: 400\n", "keep_days: many\n", "stores.landing.keep_days: Input should be a valid int"),
    "days as text": ("keep_days: 400\n", "keep_days: '400'\n", "stores.landing.keep_days: Input should be a valid int"),
    "days as a switch": ("keep_days: 400\n", "keep_days: yes\n", "stores.landing.keep_days: Input should be a valid"),
    "days without end": ("keep_days: 400\n", "keep_days: 9999999\n", "stores.landing.keep_days: Input should be less"),
    "days misspelt": ("keep_days: 400\n", "keepdays: 400\n", "stores.landing.keepdays: Extra inputs are not"),
    "days nobody knows": (
        "keep_days: 400\n",
        "keep_days: null\n    goes_with: the wind\n",
        "landing: cleared by the clock, so keep_days must be a number",
    ),
    "an end twice": ("keep_days: 30\n", "keep_days: 30\n    goes_with: the log\n", "either keep_days is a number, or"),
    "no end": ("keep_days: 30\n", "keep_days: null\n", "either keep_days is a number, or"),
    "negative hours": ("retention_hours: 24\n", "retention_hours: -5\n", "topics.chat-requests.retention_hours: Input"),
    "hours in words": ("retention_hours: 24\n", "retention_hours: soon\n", "topics.chat-requests.retention_hours: In"),
    "no partition": ("chat_partitions: 8\n", "chat_partitions: 0\n", "chat_partitions: Input should be greater than"),
    "no stores": ("\nstores:\n", "\nshops:\n", "stores: Field required"),
    "a store less": (
        "\n  landing-mirror:\n",
        "\n  landing_mirror:\n",
        "stores.landing_mirror: Input should be 'broker'",
    ),
    "no YAML": ("chat_partitions: 8\n", "chat_partitions: [8\n", "not YAML"),
    "twice": ("chat_partitions: 8\n", "chat_partitions: 8\nchat_partitions: 9\n", "chat_partitions is there twice"),
    "a mode there is not": (
        "\ncompatibility: full_transitive\n",
        "\ncompatibility: none\n",
        "compatibility: Input should be 'backward_transitive'",
    ),
}


@pytest.fixture
def spoil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Spoil]:
    """Puts another text in the file's place."""
    file, known = tmp_path / "topics.yaml", (catalogue_file, catalogue, stores, principals)

    def forget() -> None:
        for function in known:
            function.cache_clear()

    def spoilt(text: str) -> Path:
        file.write_text(text)
        forget()
        return file

    monkeypatch.setattr(module, "data_folder", lambda _name: tmp_path)
    yield spoilt
    forget()


@pytest.mark.parametrize(("right", "wrong", "said"), SLIPS.values(), ids=SLIPS)
def test_a_slip_of_the_hand_is_refused_with_its_line(spoil: Spoil, right: str, wrong: str, said: str):
    assert right in TEXT
    file = spoil(TEXT.replace(right, wrong, 1))
    with pytest.raises(ConfigurationError) as refused:
        catalogue_file()
    complaints = [line for line in str(refused.value).splitlines() if said in line]
    assert [re.match(rf"{re.escape(str(file))}:\d+: ", line) is not None for line in complaints] == [True]


def test_the_line_is_that_of_the_number(spoil: Spoil):
    file = spoil(TEXT.replace("keep_days: 400\n", "keep_days: -1\n", 1))
    line = TEXT[: TEXT.index("keep_days: 400\n")].count("\n") + 1
    with pytest.raises(ConfigurationError, match=rf"{re.escape(str(file))}:{line}: stores.landing.keep_days: "):
        keep("landing")


def test_a_topic_or_a_store_that_is_gone_is_missed(spoil: Spoil):
    listed = yaml.safe_load(TEXT)
    del listed["topics"]["chat-turns"], listed["stores"]["landing"]
    spoil(yaml.safe_dump(listed))
    with pytest.raises(ConfigurationError) as refused:
        catalogue()
    assert "topics: Value error, chat-turns must be there" in str(refused.value)
    assert "stores: Value error, landing must be there" in str(refused.value)


def test_a_command_says_so_and_ends_with_its_code(
    spoil: Spoil, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    file = spoil(TEXT.replace("retention_hours: 24\n", "retention_hours: -5\n", 1))
    monkeypatch.setattr(sys, "argv", ["sluice", "retention"])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == ExitCode.MISSING
    assert capsys.readouterr().err.startswith(f"{file}:")


PROCESS = """
import pathlib, runpy, sys
import sluice.paths as paths
folder = pathlib.Path(sys.argv[1])
found = paths.data_folder
paths.data_folder = lambda name: folder if name == "avro" else found(name)
import sluice.catalogue_file
import sluice.process as process
process.run_process.__defaults__ = (lambda _seconds: None,)
runpy.run_module(sys.argv[2], run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("process", ["connectors.steward", "connectors.landing"])
def test_a_process_stops_and_waits_for_a_person(process: str, tmp_path: Path):
    (tmp_path / "schemas").symlink_to(data_folder("avro") / "schemas")
    (tmp_path / "schema-ids.lock.json").symlink_to(data_folder("avro") / "schema-ids.lock.json")
    (tmp_path / "topics.yaml").write_text(TEXT.replace("keep_days: 400\n", "keep_days: many\n", 1))
    make_key_files(tmp_path / "home" / "keys")
    done = subprocess.run(
        [sys.executable, "-c", PROCESS, str(tmp_path), process],
        env=os.environ | {"SLUICE_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    last = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, last["event"]) == (ProcessExit.CONFIG, "cannot start"), done.stderr
    assert "stores.landing.keep_days" in last["reason"]
