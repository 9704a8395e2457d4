"""What a build of the warehouse reads of the landing zone: everything, or only what is new.

Only what is new is enough where files have come to those that the last build read and nothing else has changed. A file
that was rewritten (an erasure), is gone (retention), or holds offsets that another holds (two sinks on one folder, a
copy) makes the build begin anew.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.batching import Place
from connectors.columns import columns_of
from connectors.landing_zone import FILE_NAME, LandingZone, file_name
from sluice.topics import Topic

_BYTES_OF_A_REASON = 200
_NEEDED = ("event_id", "_event", "_topic", "_partition", "_offset")
_WIDER = {(pa.int32(), pa.int64()), (pa.float32(), pa.float64())}


class Span(NamedTuple):
    """Where a file's records lie. Files of one folder and partition do not overlap; those of others have other ends."""

    folder: str
    partition: int
    first: int
    last: int

    @property
    def ends(self) -> set[tuple[str, int, int]]:
        """Records that are in this file and in no other of the topic."""
        topic = self.folder.partition("/")[0]
        return {(topic, self.partition, self.first), (topic, self.partition, self.last)}


@dataclass(frozen=True, slots=True, order=True)
class ZoneFile:
    """One file, by its path below the zone. `problem` says why it cannot be read.

    `lacks_columns` where it is older than a column of today's schema, which is null in its rows.
    """

    path: str
    topic: str
    bytes: int
    modified_ns: int
    problem: str | None = None
    lacks_columns: bool = False

    @property
    def state(self) -> tuple[int, int]:
        """Another one where the file was written again."""
        return self.bytes, self.modified_ns

    @property
    def span(self) -> Span:
        """Of a file without a problem."""
        folder, _, name = self.path.rpartition("/")
        match = FILE_NAME.fullmatch(name)
        assert match is not None
        return Span(folder, int(match["partition"]), int(match["first"]), int(match["last"]))


@dataclass(frozen=True, slots=True)
class Reading:
    """`files` are all there are, `new` those that are to be read. `anew` says why it is all of them.

    `same_place_twice` where they may hold the same records.
    """

    files: tuple[ZoneFile, ...]
    new: tuple[ZoneFile, ...]
    anew: str | None
    same_place_twice: bool

    @property
    def differ(self) -> bool:
        """Whether columns have to be put together from all of them, which costs memory for each file."""
        return any(file.lacks_columns for file in self.new)

    def without(self, problems: Mapping[str, str]) -> "Reading":
        """The same, but for files that turned out to be broken."""
        files = tuple(replace(file, problem=problems.get(file.path, file.problem)) for file in self.files)
        return replace(self, files=files, new=tuple(file for file in self.new if file.path not in problems))

    def with_repetitions(self) -> "Reading":
        """Everything, where names do not tell that files hold the same records, and the tables do."""
        fit = tuple(file for file in self.files if file.problem is None)
        return replace(self, new=fit, anew="some files hold the same records", same_place_twice=True)


def reading(files: Iterable[ZoneFile], before: Iterable[ZoneFile] | None) -> Reading:
    """`before` are the files as the last build found them; None where it does not count."""
    files = tuple(sorted(files))
    fit = [file for file in files if file.problem is None]
    twice = next(_doubled(fit), None) is not None
    if before is None:
        return Reading(files, tuple(fit), "there is no warehouse of this version yet", twice)
    known = {file.path: file for file in before}
    new = [file for file in fit if file.path not in known]
    reason = _changed(files, known) or _gone(known.values(), files, new) or _again(new, fit, known)
    return Reading(files, tuple(fit if reason else new), reason, twice)


def _changed(files: Iterable[ZoneFile], known: Mapping[str, ZoneFile]) -> str | None:
    for file in files:
        if file.path in known and file.state != known[file.path].state:
            return f"{file.path} was rewritten"
    return None


def _gone(known: Iterable[ZoneFile], files: Iterable[ZoneFile], new: list[ZoneFile]) -> str | None:
    """Small files may have become a larger one, which has all their records."""
    there, larger = {file.path for file in files}, [file.span for file in new]
    for file in known:
        if file.path in there or file.problem is not None:
            continue
        if not any(_holds(span, file.span) for span in larger):
            return f"{file.path} is gone"
    return None


def _again(new: list[ZoneFile], fit: list[ZoneFile], known: Mapping[str, ZoneFile]) -> str | None:
    """No new file holds offsets of another one. What took the place of smaller ones holds theirs."""
    here = {file.path for file in fit}
    merged = [file.span for file in known.values() if file.path not in here and file.problem is None]
    fresh = {file.span for file in new if not any(_holds(file.span, span) for span in merged)}
    for one, other in _doubled(fit):
        if one in fresh or other in fresh:
            return f"{one.folder} and {other.folder} have offset {other.first} of partition {one.partition} both"
    return None


def _doubled(files: Iterable[ZoneFile]) -> Iterator[tuple[Span, Span]]:
    """Pairs that hold the same records, as far as their names tell."""
    spans = sorted(file.span for file in files)
    for _, together in groupby(spans, lambda span: span[:2]):
        longest: Span | None = None
        for one, other in pairwise(together):
            longest = one if longest is None or one.last > longest.last else longest
            if longest.last >= other.first:
                yield longest, other
    seen: dict[tuple[str, int, int], Span] = {}
    for span in spans:
        for end in span.ends:
            if seen.setdefault(end, span).folder != span.folder:
                yield seen[end], span


def _holds(larger: Span, smaller: Span) -> bool:
    return larger[:2] == smaller[:2] and larger.first <= smaller.first and larger.last >= smaller.last


def look(zone: LandingZone, topics: Iterable[Topic], known: Mapping[str, ZoneFile]) -> Iterator[ZoneFile]:
    """All files of some topics. One that is as it was before is not opened again.

    Raises FileNotFoundError where one goes meanwhile.
    """
    for topic in topics:
        columns = columns_of(topic)
        for path in sorted((zone.root / topic.name).glob("date=*/*.parquet")):
            try:
                state = path.stat()
            except FileNotFoundError:
                if not path.is_symlink():
                    raise
                at = str(path.relative_to(zone.root))
                yield ZoneFile(at, topic.name, 0, 0, problem="a link that leads nowhere")
                continue
            found = ZoneFile(str(path.relative_to(zone.root)), topic.name, state.st_size, state.st_mtime_ns)
            before = known.get(found.path)
            if before is not None and before.state == found.state:
                yield before
            else:
                yield _opened(found, path, columns)


def _opened(file: ZoneFile, path: Path, columns: pa.Schema) -> ZoneFile:
    if not FILE_NAME.fullmatch(path.name):
        return replace(file, problem="its name is not <topic>-<partition>-<first offset>-<last offset>.parquet")
    try:
        about = pq.read_metadata(path)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        return replace(file, problem=f"not Parquet, or cut off: {_first_line(error)}")
    found = about.schema.to_arrow_schema()
    problem = _misfit(found, columns) or _misnamed(file, path.name, about)
    return replace(file, problem=problem, lacks_columns=bool(set(columns.names) - set(found.names)))


def _misfit(found: pa.Schema, columns: pa.Schema) -> str | None:
    for name in found.names:
        if name in columns.names and not _fits(found.field(name).type, columns.field(name).type):
            return f"its column {name} is {found.field(name).type}, not {columns.field(name).type}"
    missing = [name for name in _NEEDED if name not in found.names]
    return f"it has no column {missing[0]}" if missing else None


def _fits(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether schema evolution can have made one of the other: fields of records come and go, numbers widen."""
    if pa.types.is_struct(found) and pa.types.is_struct(wanted):
        inner = {field.name: field.type for field in wanted}
        return all(_fits(field.type, inner[field.name]) for field in found if field.name in inner)
    if pa.types.is_list(found) and pa.types.is_list(wanted):
        return _fits(found.value_type, wanted.value_type)
    return found == wanted or (found, wanted) in _WIDER


def _misnamed(file: ZoneFile, name: str, about: pq.FileMetaData) -> str | None:
    """Folder and name must tell whose records are in it, and which: what was read already is known by that."""
    held = [_least_and_most(about, column) for column in ("_topic", "_partition", "_offset")]
    if None in held:
        return None
    (topic, last_topic), (partition, last_partition), (first, last) = filter(None, held)
    if (topic, partition) != (last_topic, last_partition):
        return "it holds records of several topics or partitions"
    true_name = file_name(Place(topic, partition), first, last)
    if (file.topic, name) != (topic, true_name):
        return f"its folder or name is not that of its records: {topic}/.../{true_name}"
    return None


def _least_and_most(about: pq.FileMetaData, column: str) -> tuple[Any, Any] | None:
    """None where the file does not tell."""
    number = about.schema.names.index(column)
    groups = [about.row_group(group).column(number).statistics for group in range(about.num_row_groups)]
    if not groups or any(group is None or not group.has_min_max for group in groups):
        return None
    return min(group.min for group in groups), max(group.max for group in groups)


def broken(zone: LandingZone, files: Iterable[ZoneFile]) -> dict[str, str]:
    """Files that have a good end and a bad middle. Reads all of them."""
    found = {}
    for file in files:
        try:
            pq.read_table(zone.root / file.path)
        except (pa.ArrowException, OSError) as error:
            found[file.path] = damage(error)
    return found


def damage(error: Exception) -> str:
    """What a file's problem is called that is met where its rows are read."""
    return f"damaged: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:_BYTES_OF_A_REASON]


def lay_out(
    zone: LandingZone, topics: Iterable[Topic], read: Reading, folder: Path, list_file: Path, mark: str
) -> None:
    """What is to be read, in a folder of its own that nobody changes meanwhile, and the list of all files.

    Raises FileNotFoundError where one has gone since it was seen.
    """
    for topic in topics:
        zone.declare(topic)
        (folder / topic.name).mkdir(parents=True)
        shutil.copyfile(zone.root / topic.name / "_columns.parquet", folder / topic.name / "_columns.parquet")
    for file in read.new:
        at = folder / file.path
        at.parent.mkdir(parents=True, exist_ok=True)
        try:
            at.hardlink_to(zone.root / file.path)
        except FileNotFoundError:
            raise
        except OSError:  # another file system
            at.symlink_to((zone.root / file.path).absolute())
    names = ("path", "topic", "bytes", "modified_ns", "problem", "lacks_columns")
    rows = {name: [getattr(file, name) for file in read.files] for name in names}
    rows["project_hash"] = [mark] * len(read.files)
    pq.write_table(pa.table(rows, schema=_LIST), list_file)


_LIST = pa.schema(
    [
        ("path", pa.string()),
        ("topic", pa.string()),
        ("bytes", pa.int64()),
        ("modified_ns", pa.int64()),
        ("problem", pa.string()),
        ("lacks_columns", pa.bool_()),
        ("project_hash", pa.string()),
    ]
)
