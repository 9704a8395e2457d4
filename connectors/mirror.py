"""The landing zone once more, in an object store: `python -m connectors.mirror`, where `SLUICE_LANDING_MIRROR` is set.

Objects have the names of the files, which are those of their offsets, and appear whole: what is copied a second time
takes its own place. New files go up before those that they took the place of go, so a reader that comes between finds
rows twice, as in the zone. pyarrow's file systems were chosen because they are there already and know S3, Google Cloud
Storage and folders.
"""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa
from prometheus_client import CollectorRegistry, Counter, Gauge
from pyarrow import fs

from connectors.landing import landed_topics
from connectors.landing_zone import LandingZone
from sluice.clock import utc_now
from sluice.errors import ConfigurationError
from sluice.logs import Logger, fact, get_logger
from sluice.metrics_server import serve_metrics
from sluice.process import run_process
from sluice.settings import load_settings
from sluice.tls import server_files

State = tuple[int, int]
"""Size in bytes, and time of change in nanoseconds."""
_CHUNK = 1 << 20


class MirrorMetrics:
    """One set a process; tests make their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.copied = Counter("sluice_mirrored_files_total", "Files copied.", registry=self.registry)
        self.removed = Counter("sluice_mirror_removed_total", "Objects removed.", registry=self.registry)
        self.failures = Counter(
            "sluice_mirror_failures_total", "Steps that will be tried again.", registry=self.registry
        )
        self.behind = Gauge("sluice_mirror_behind_files", "Files that are not copied yet.", registry=self.registry)


def opened(address: str) -> tuple[fs.FileSystem, str]:
    """Of `s3://bucket/prefix`, `gs://bucket/prefix` or `file:///folder`. Raises ConfigurationError."""
    try:
        found: tuple[fs.FileSystem, str] = fs.FileSystem.from_uri(address)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ConfigurationError(
            f"SLUICE_LANDING_MIRROR: {error}. Write s3://bucket/prefix, gs://bucket/prefix or file:///folder."
        ) from None
    return found


@dataclass(slots=True)
class Mirror:
    """One zone, one place in a store. Nobody else writes there."""

    zone: LandingZone
    store: fs.FileSystem
    root: str
    metrics: MirrorMetrics
    _there: dict[str, State] | None = field(default=None)

    def step(self) -> None:
        """Copy what is new or was rewritten, then remove what is gone. Raises OSError where the store is away."""
        here = dict(self._here())
        there = self._there if self._there is not None else self._listed(here)
        waiting = [path for path, state in here.items() if there.get(path) != state]
        for left, path in zip(range(len(waiting), 0, -1), waiting, strict=True):
            self.metrics.behind.set(left)
            if self._copy(path):
                there[path] = here[path]
                self.metrics.copied.inc()
        for path in set(there) - set(here):
            self.store.delete_file(f"{self.root}/{path}")
            del there[path]
            self.metrics.removed.inc()
        self.metrics.behind.set(0)
        self._there = there

    def _here(self) -> Iterator[tuple[str, State]]:
        for topic in landed_topics():
            for path in sorted((self.zone.root / topic.name).rglob("*.parquet")):
                try:
                    state = path.stat()
                except FileNotFoundError:  # it became part of a larger one
                    continue
                yield str(path.relative_to(self.zone.root)), (state.st_size, state.st_mtime_ns)

    def _listed(self, here: dict[str, State]) -> dict[str, State]:
        """What a mirror of before has left; as large as here and newer counts as copied. S3 tells whole seconds, so
        that what was copied at once is copied once more.
        """
        found = {}
        for one in self.store.get_file_info(fs.FileSelector(self.root, recursive=True, allow_not_found=True)):
            path = one.path.removeprefix(f"{self.root}/")
            if one.is_file and path.endswith(".parquet"):
                size, changed = here.get(path, (-1, 0))
                same = one.size == size and (one.mtime_ns or 0) >= changed
                found[path] = (size, changed) if same else (-1, 0)
        return found

    def _copy(self, path: str) -> bool:
        """False where it has gone meanwhile. An object appears when its stream is closed; a file, by a rename."""
        target = f"{self.root}/{path}"
        local = isinstance(self.store, fs.LocalFileSystem)
        try:
            source = (self.zone.root / path).open("rb")
        except FileNotFoundError:
            return False
        if local:
            self.store.create_dir(target.rpartition("/")[0], recursive=True)
        with source, self.store.open_output_stream(f"{target}.part" if local else target) as sink:
            while chunk := source.read(_CHUNK):
                sink.write(chunk)
        if local:
            self.store.move(f"{target}.part", target)
        return True


def run(mirror: Mirror, seconds: float, log: Logger, rest: Callable[[float], object] = time.sleep) -> None:
    """For ever. A store that is away is asked again; what has landed meanwhile waits in the zone."""
    while True:
        try:
            mirror.step()
        except OSError as error:
            mirror.metrics.failures.inc()
            log.warning("files stay as they are", error=fact(f"{type(error).__name__}: {error}"))
        rest(seconds)


def main() -> None:
    """The process. Stops on SIGTERM and SIGINT: what was half copied has no name in the store."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    settings = load_settings()
    if settings.landing_mirror is None:
        raise ConfigurationError("SLUICE_LANDING_MIRROR says where the landing zone is copied to; it is not set.")
    store, root = opened(settings.landing_mirror)
    metrics, shown = MirrorMetrics(), server_files(settings, "mirror", utc_now())
    serve_metrics(metrics.registry, settings.metrics_port("mirror"), shown, settings.metrics_client_ca_file)
    run(Mirror(LandingZone(settings.landing_dir), store, root, metrics), settings.landing_mirror_seconds, get_logger())


if __name__ == "__main__":
    run_process("mirror", main)
