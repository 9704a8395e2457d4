"""Personal data goes in at one end, comes out for its owner at the other, and is nowhere in between."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from connectors.log_scan import LogScan
from sluice.cli.chat import development_token
from sluice.stores import stores
from sluice.topics import catalogue
from tests.e2e.conftest import Platform
from tests.waiting import until


def files_of(platform: Platform) -> Iterator[tuple[Path, bytes]]:
    """With their contents. One that goes between the list and the look is nowhere any more."""
    folders = (platform.settings.logs_dir, platform.settings.state_dir, platform.settings.landing_dir)
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        with contextlib.suppress(FileNotFoundError):
            yield path, path.read_bytes()


def records_with(platform: Platform, value: bytes) -> list[tuple[str, int, int]]:
    """Topic, partition and offset of every record that has these bytes in key, value or headers."""
    scan = LogScan(platform.settings.bootstrap_servers)
    places = [(topic, number) for topic, count in scan.partitions(catalogue()).items() for number in range(count)]
    return [
        (record.topic, record.partition, record.offset)
        for record in scan.records(scan.window(places))
        if value in (record.value or b"") or value in (record.key or b"") or value in repr(record.headers).encode()
    ]


def test_only_the_owner_reads_it(platform: Platform):
    address = f"jane.{uuid4().hex[:8]}@example.com"
    answer = platform.ask(f"I am {address}, card 4111 1111 1111 1111")
    assert f"> I am {address}, card 4111 1111 1111 1111" in answer["text"]
    assert records_with(platform, address.encode()) == []
    assert records_with(platform, answer["turn_id"].encode())
    for path, content in files_of(platform):
        assert address.encode() not in content, path
    headers = {"Authorization": f"Bearer {development_token(platform.settings)}"}
    turn = httpx.get(f"{platform.settings.gateway_url}/v1/turns/{answer['turn_id']}", headers=headers).json()
    assert (turn["question"], turn["answer"]) == (f"I am {address}, card 4111 1111 1111 1111", answer["text"])


def test_a_value_keeps_its_placeholder_and_numbers_go_on(platform: Platform, in_process: Callable[..., Any]):
    session = str(uuid4())
    platform.ask("a@example.com wrote to b@example.com", "--session", session)
    second = platform.ask("why did b@example.com not tell c@example.com [EMAIL_1]?", "--session", session)
    assert "why did b@example.com not tell c@example.com [EMAIL_1]?" in second["text"]
    shown = json.loads(in_process("prompt", "render", second["turn_id"], "--json").output)
    questions = [said["content"] for said in shown["attempts"][0]["messages"] if said["role"] == "user"]
    assert questions == ["[EMAIL_1] wrote to [EMAIL_2]", "why did [EMAIL_2] not tell [EMAIL_3] [PLACEHOLDER_1]?"]


def test_refused_tokens_leave_marks_in_a_chain_that_holds(platform: Platform):
    for token in ("nonsense", "more.non.sense"):
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{platform.settings.gateway_url}/v1/sessions", headers=headers).status_code == 401

    def refused() -> int:
        marks = json.loads(platform.run("audit", "list", "--json").stdout)
        return sum(mark["times"] for mark in marks if mark["action"] == "token.refuse")

    assert until(lambda: refused() >= 2)
    verified = platform.run("audit", "verify")
    assert (verified.returncode, "0 broken" in verified.stdout) == (0, True), verified.stdout


def test_no_key_is_in_what_a_platform_writes(platform: Platform):
    platform.ask("What is a sluice?")
    folder = platform.settings.keys_dir
    keys = {path.name: path.read_bytes().strip() for path in [*folder.glob("*.key"), *folder.glob("*.private")]}
    assert len(keys) >= 5
    written = dict(files_of(platform))
    assert len(written) > 10
    for name, key in keys.items():
        assert not [path for path, content in written.items() if key in content], name
        assert records_with(platform, key) == [], name


def test_every_folder_is_on_the_data_map(platform: Platform):
    platform.ask("What is a sluice?")
    declared = {place for store in stores().values() for place in store.where}
    there = {path.name for path in platform.settings.home.iterdir()}
    assert {"keys", "kafka", "landing", "logs", "state"} <= there
    assert there <= declared
