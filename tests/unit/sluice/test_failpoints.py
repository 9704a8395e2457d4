import signal
import subprocess
import sys

from sluice import failpoints
from sluice.failpoints import FAILPOINTS, Failpoints


def test_an_armed_point_kills_once(tmp_path):
    deaths: list[str] = []
    points = Failpoints(tmp_path, lambda: deaths.append("died"))
    points.reach("respond.started")
    (tmp_path / "respond.started").touch()
    points.reach("redact.emitted")
    assert deaths == []
    points.reach("respond.started")
    points.reach("respond.started")
    assert deaths == ["died"]


def test_a_point_armed_to_pause_stops_once(tmp_path):
    ended: list[str] = []
    points = Failpoints(tmp_path, lambda: ended.append("died"), lambda: ended.append("stopped"))
    (tmp_path / "respond.started").write_text("pause")
    points.reach("respond.started")
    points.reach("respond.started")
    assert ended == ["stopped"]


def test_without_a_folder_nothing_happens(tmp_path):
    (tmp_path / "respond.started").touch()
    Failpoints(None, lambda: 1 / 0).reach("respond.started")


def test_points_name_their_process():
    assert {point.split(".")[0] for point in FAILPOINTS} == {
        "gateway",
        "enrich",
        "redact",
        "respond",
        "landing",
        "bigquery",
    }


def test_death_is_a_power_cut():
    program = "from sluice.failpoints import die; die(); print('alive')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")


def test_it_is_this_process_that_dies(monkeypatch):
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(failpoints.os, "kill", lambda pid, number: killed.append((pid, number)))
    failpoints.die()
    failpoints.pause()
    own = failpoints.os.getpid()
    assert killed == [(own, signal.SIGKILL), (own, signal.SIGSTOP)]
