"""The folder of landed files: its names, its owner, and what a restart can learn from it.

`<topic>/date=YYYY-MM-DD/<topic>-<partition>-<first offset>-<last offset>.parquet` appears by a rename and is whole.
`<topic>/_columns.parquet` has no rows: readers find typed columns before anything has landed.
"""

import contextlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.batching import Place, Portion
from connectors.columns import columns_of
from connectors.erasing.erased import ErasedList
from connectors.only_one import Taken, hold
from connectors.runs import Runs
from sluice.durable_files import TEMPORARY, write_durably
from sluice.errors import ConfigurationError
from sluice.file_lock import REWRITING, locked
from sluice.topics import Topic

FILE_NAME = re.compile(r"(?P<topic>.+)-(?P<partition>\d+)-(?P<first>\d+)-(?P<last>\d+)\.parquet")
"""See `file_name`."""
_COLUMNS = "_columns.parquet"


def file_name(place: Place, first: int, last: int) -> str:
    """Of a file with these offsets."""
    return f"{place.topic}-{place.partition}-{first}-{last}.parquet"


class LandedFile(NamedTuple):
    """One file, as its name tells."""

    path: Path
    place: Place
    first: int
    last: int


class LandingZone:
    """One sink writes here at a time; anybody may read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.erased = ErasedList(root)

    @contextmanager
    def claim(self, cluster_id: str, new_id: str) -> Iterator[str]:
        """Be the only writer, and remove what a crash left half-written. Gives the folder's own id.

        The id goes into the metadata of each commit. A folder that was emptied gets a new one, so that commits made
        for the old files do not hide records from it. Raises ConfigurationError where another sink writes here,
        nobody can, or the files come from another cluster: its offsets mean other records.
        """
        try:
            lock = hold(self.root)
        except Taken:
            raise ConfigurationError(f"Another landing sink writes to {self.root}. One folder has one sink.") from None
        except OSError as error:
            raise ConfigurationError(
                f"The folder {self.root} cannot be written ({error.strerror}). Make it writable or set SLUICE_HOME."
            ) from None
        with lock:
            for leftover in self.root.rglob(f"*{TEMPORARY}"):
                leftover.unlink()
            yield self._folder_id(cluster_id, new_id)

    def declare(self, topic: Topic) -> None:
        """Bring the topic's file of columns up to date."""
        path = self.root / topic.name / _COLUMNS
        wanted = columns_of(topic)
        with contextlib.suppress(OSError, pa.ArrowException):  # none, or cut off
            if pq.read_schema(path).equals(wanted):
                return
        path.parent.mkdir(parents=True, exist_ok=True)
        sink = pa.BufferOutputStream()
        pq.write_table(wanted.empty_table(), sink)
        write_durably(path, sink.getvalue().to_pybytes())

    def write(self, portion: Portion, table: Any) -> Path:
        """A file with its final name, on the disk for good. Raises OSError where the disk does not take it."""
        folder = self.root / portion.place.topic / f"date={portion.day.isoformat()}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / file_name(portion.place, portion.first, portion.last)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        write_durably(path, sink.getvalue().to_pybytes())
        return path

    def files(self, topic: str) -> Iterator[LandedFile]:
        """All files of a topic."""
        for folder in sorted((self.root / topic).glob("date=*")):
            yield from self.files_of(folder)

    def files_of(self, folder: Path) -> Iterator[LandedFile]:
        """All files of one day of a topic."""
        for path in sorted(folder.glob("*.parquet")):
            match = FILE_NAME.fullmatch(path.name)
            if match:
                place = Place(match["topic"], int(match["partition"]))
                yield LandedFile(path, place, int(match["first"]), int(match["last"]))

    def everything(self, topic: str) -> Iterator[Path]:
        """Whatever holds rows of a topic, files with names of somebody else's too."""
        for path in sorted((self.root / topic).rglob("*.parquet")):
            if path.name != _COLUMNS and path.is_file():
                yield path

    @contextmanager
    def rewriting(self, *, wait: bool = True) -> Iterator[bool]:
        """Be the only one who changes or removes files that have their name: erasure, retention, compaction.

        False where another one does and nobody is to wait.
        """
        with locked(self.root / REWRITING, wait=wait) as held:
            yield held

    def landed(self, place: Place, start: int) -> Runs:
        """Offsets from `start` on that a partition's files hold. Opens only files that reach that far.

        What nobody can read holds none: its records are landed once more, in its place.
        """
        offsets: list[int] = []
        for file in self.files(place.topic):
            if file.place == place and file.last >= start:
                with contextlib.suppress(pa.ArrowException):
                    offsets += pq.read_table(file.path, columns=["_offset"])["_offset"].to_pylist()
        return Runs(offset for offset in offsets if offset >= start)

    def _folder_id(self, cluster_id: str, new_id: str) -> str:
        marker = self.root / "_origin.json"
        if not marker.exists():
            write_durably(marker, json.dumps({"folder_id": new_id, "cluster_id": cluster_id}).encode())
        origin = json.loads(marker.read_text())
        if origin["cluster_id"] != cluster_id:
            raise ConfigurationError(
                f"{self.root} was landed from another Kafka cluster ({origin['cluster_id']}, now {cluster_id}), whose "
                "offsets mean other records. Move the folder away, or set SLUICE_HOME to another one."
            )
        return str(origin["folder_id"])
