"""The landing zone in an object store: moto's S3 server, and a folder."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer
from pyarrow import fs

from connectors.compaction import FEWEST, Compaction
from connectors.mirror import Mirror, MirrorMetrics, opened, run
from sluice.errors import ConfigurationError
from sluice.logs import get_logger
from tests.arrivals import LandedLog, made
from tests.doubles import NOON

TOPIC = "llm-usage"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"{host}:{port}"
    server.stop()


@pytest.fixture(params=["s3", "folder"])
def address(request: pytest.FixtureRequest, s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "folder":
        return f"file://{tmp_path}/mirror"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")  # nosecret (moto asks for none)
    bucket = tmp_path.name.replace("_", "-").lower()
    store, _ = fs.FileSystem.from_uri(f"s3://{bucket}?endpoint_override={s3}&scheme=http&allow_bucket_creation=true")
    store.create_dir(bucket)
    return f"s3://{bucket}/lake?endpoint_override={s3}&scheme=http"


@pytest.fixture
def log(tmp_path: Path) -> LandedLog:
    return LandedLog(tmp_path / "landing")


@pytest.fixture
def mirror(log: LandedLog, address: str) -> Mirror:
    return Mirror(log.zone, *opened(address), MirrorMetrics())


def land(log: LandedLog, label: str) -> Path:
    (path,) = log.land([made("AttemptMetered", "t-1", label, NOON)], NOON)
    return path


def changed(path: Path, nanoseconds: int) -> None:
    """Set when a file was changed: S3 tells whole seconds, and a test does not wait for the next one."""
    os.utime(path, ns=(nanoseconds, nanoseconds))


def events(mirror: Mirror) -> list[Any]:
    """All event ids in the store, read as a program elsewhere does."""
    table = pq.read_table(f"{mirror.root}/{TOPIC}", filesystem=mirror.store, columns=["event_id"], partitioning=None)
    return sorted(table["event_id"].to_pylist())


def count(mirror: Mirror, name: str) -> float | None:
    return mirror.metrics.registry.get_sample_value(name)


def test_what_has_landed_is_there_once_whatever_is_repeated(mirror: Mirror, log: LandedLog, address: str) -> None:
    for label in ("a", "b"):
        changed(land(log, label), time.time_ns() - 5 * 10**9)
    mirror.step()
    mirror.step()
    assert count(mirror, "sluice_mirrored_files_total") == 2
    again = Mirror(log.zone, *opened(address), MirrorMetrics())  # as after a kill
    land(log, "c")
    again.step()
    assert events(mirror) == ["t-1-a", "t-1-b", "t-1-c"]
    assert count(again, "sluice_mirrored_files_total") == 1
    assert count(again, "sluice_mirror_behind_files") == 0


def test_a_file_as_large_as_its_object_and_newer_is_copied_again(mirror: Mirror, log: LandedLog, address: str) -> None:
    path = land(log, "a")
    mirror.step()
    there = mirror.store.get_file_info(f"{mirror.root}/{path.relative_to(log.zone.root)}").mtime_ns
    for nanoseconds, copied in ((there, 0), (there + 1, 1)):
        changed(path, nanoseconds)
        again = Mirror(log.zone, *opened(address), MirrorMetrics())
        again.step()
        assert count(again, "sluice_mirrored_files_total") == copied


def test_files_that_became_a_larger_one_and_rewritten_ones_follow(mirror: Mirror, log: LandedLog) -> None:
    paths = [land(log, f"{number:02}") for number in range(FEWEST)]
    mirror.step()
    assert Compaction(log.zone).step([TOPIC]) is not None
    last = land(log, "last")
    mirror.step()
    assert len(events(mirror)) == len(set(events(mirror))) == FEWEST + 1
    assert count(mirror, "sluice_mirror_removed_total") == len(paths)
    table = pq.read_table(last)
    gone = ["erased"] * table.num_rows
    pq.write_table(table.set_column(table.schema.get_field_index("event_id"), "event_id", [gone]), last)
    mirror.step()
    assert "erased" in events(mirror)
    assert "t-1-last" not in events(mirror)


def test_what_another_has_left_half_copied_is_copied_again(mirror: Mirror, log: LandedLog) -> None:
    path = land(log, "a")
    target = f"{mirror.root}/{path.relative_to(log.zone.root)}"
    mirror.store.create_dir(target.rpartition("/")[0], recursive=True)
    for name in (target, f"{mirror.root}/{TOPIC}/date=2020-01-01/gone.parquet"):
        mirror.store.create_dir(name.rpartition("/")[0], recursive=True)
        with mirror.store.open_output_stream(name) as sink:
            sink.write(b"PAR1")
    mirror.step()
    assert events(mirror) == ["t-1-a"]


def test_a_file_that_goes_meanwhile_is_none(mirror: Mirror, log: LandedLog, monkeypatch: pytest.MonkeyPatch) -> None:
    land(log, "a")
    here = dict(mirror._here())
    monkeypatch.setattr(
        Mirror, "_here", lambda _self: iter([*here.items(), ("llm-usage/date=2026-01-01/x.parquet", (1, 1))])
    )
    mirror.step()
    assert events(mirror) == ["t-1-a"]


def test_a_store_that_is_away_is_asked_again(mirror: Mirror, log: LandedLog, monkeypatch: pytest.MonkeyPatch) -> None:
    land(log, "a")
    step = Mirror.step
    failures = iter([OSError("away")])

    def sometimes(self: Mirror) -> None:
        for failure in failures:
            raise failure
        step(self)

    rests: list[float] = []

    def rest(seconds: float) -> None:
        rests.append(seconds)
        if len(rests) == 2:
            raise SystemExit

    monkeypatch.setattr(Mirror, "step", sometimes)
    with pytest.raises(SystemExit):
        run(mirror, 5.0, get_logger(), rest)
    assert count(mirror, "sluice_mirror_failures_total") == 1
    assert events(mirror) == ["t-1-a"]


def test_an_address_that_is_none_says_which_there_are() -> None:
    for address in ("nothing", "ftp://x/y"):
        with pytest.raises(ConfigurationError, match="s3://bucket/prefix, gs://bucket/prefix or file:///folder"):
            opened(address)
