"""A whole platform whose schemas have their numbers from a registry of its own."""

from pathlib import Path

from tests.e2e.conftest import OFFSET, start


def test_a_platform_runs_on_its_own_registry(tmp_path: Path):
    platform = start(tmp_path / "home", OFFSET + 400)
    platform.environment["SLUICE_REGISTRY"] = "local"
    up = platform.run("up", timeout=280)
    assert up.returncode == 0, up.stdout + up.stderr
    del platform.environment["SLUICE_REGISTRY"]  # it was chosen once, for as long as the log lasts
    try:
        asked = platform.ask("Which numbers do schemas have here?")
        assert asked["state"] == "completed"
        assert platform.run("turn", asked["turn_id"]).returncode == 0
        assert platform.run("schemas", "publish").stdout.startswith("21 subjects at http://127.0.0.1")
        assert "registry" in platform.run("status").stdout
    finally:
        assert platform.run("down").returncode == 0
