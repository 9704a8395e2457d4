"""What people and the platform do while something they rely on is away, and that it comes back by itself."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.processes import ProcessManager
from sluice.kafka_admin import KafkaAdmin
from sluice.topics import catalogue
from tests.e2e.conftest import SLUICE, Platform, start
from tests.landed import landed
from tests.ports import free_ports
from tests.small_registry import SmallRegistry
from tests.waiting import until


@contextmanager
def without(platform: Platform, name: str) -> Iterator[None]:
    """A process that nobody starts again for this block."""
    manager = ProcessManager(platform.settings)
    manager._call("stopProcess", name, True)
    try:
        yield
    finally:
        manager.start(name)


def test_without_the_provider_each_turn_ends_with_a_word_that_may_be_tried_again(platform: Platform):
    with without(platform, "provider"):
        failed = platform.ask("are you there?", "--session", "away-1")
        assert failed["state"] == "failed"
        assert (failed["error"]["code"], failed["error"]["retryable"]) == ("model_unavailable", True)
    assert until(lambda: platform.ask("and now?", "--session", "away-1")["state"] == "completed")


def test_without_the_landing_zone_people_are_answered_and_everything_lands_later(platform: Platform):
    zone: Path = platform.settings.landing_dir
    aside = zone.with_name("landing-aside")
    zone.rename(aside)
    zone.write_text("no folder")
    try:
        asked = [platform.ask(f"turn {number}", "--session", "away-2") for number in range(3)]
        assert {turn["state"] for turn in asked} == {"completed"}
    finally:
        zone.unlink()
        aside.rename(zone)
    topic = catalogue()["chat-turns"]
    ends = KafkaAdmin(platform.settings.bootstrap_servers).ends({topic.name: topic.partitions})
    assert until(lambda: landed(zone, topic.name) == (sum(ends.values()), sum(ends.values())))


@pytest.fixture
def registered(tmp_path: Path) -> Iterator[tuple[Platform, int, list[str]]]:
    """A platform of its own with a registry, the registry's port, and what it knows."""
    (port,) = free_ports(1)
    schemas: list[str] = []
    bare = start(tmp_path, 3500)
    platform = Platform(bare.settings, bare.environment | {"SLUICE_SCHEMA_REGISTRY_URL": f"http://127.0.0.1:{port}"})
    with SmallRegistry(port, schemas):
        up = platform.run("up", timeout=280)
        assert up.returncode == 0, up.stdout + up.stderr
    try:
        yield platform, port, schemas
    finally:
        platform.run("down")


def test_without_the_registry_those_who_know_the_schemas_go_on_and_others_wait(
    registered: tuple[Platform, int, list[str]],
):
    platform, port, schemas = registered
    assert platform.ask("who needs a registry?")["state"] == "completed"
    worker = next(state.pid for state in ProcessManager(platform.settings).states() if state.name == "respond")
    os.kill(worker, signal.SIGKILL)
    command = [SLUICE, "chat", "--once", "and now?", "--json"]
    asking = subprocess.Popen(command, env=platform.environment, stdout=subprocess.PIPE)
    with pytest.raises(subprocess.TimeoutExpired):
        asking.wait(5)
    with SmallRegistry(port, schemas):
        told, _ = asking.communicate(timeout=90)
        assert json.loads(told)["state"] == "completed"
