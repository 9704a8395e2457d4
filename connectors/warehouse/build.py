"""Build the warehouse with dbt: beside the one in use, which is replaced only by one whose tests have passed.

What is new is added to a copy of the one in use, where that gives the same as a build of everything. Where it does not
(see landed_files), and for erasures, everything is built anew.
"""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from connectors.columns import columns_of
from connectors.landed_files import Reading, ZoneFile, broken, lay_out, look, reading
from connectors.landing_zone import LandingZone
from connectors.only_one import Taken, hold
from connectors.warehouse.runs import noted
from sluice.clock import Clock, utc_now
from sluice.errors import ConfigurationError, Unavailable
from sluice.topics import Topic

_PASSED = {"pass", "success"}
_LOOKS = 5
_LEDGER = "select path, topic, bytes, modified_ns, problem, lacks_columns, project_hash from marts.landed_files"
_DUE = """
    select count(*) from marts.quarantine
    where reason = 'from_the_future' and detail = 'logged_at' and logged_at <= now()
"""
_QUARANTINED = "select reason, sum(rows_set_aside) from marts.quarantine group by reason order by reason"

Say = Callable[[str], None]
Wait = Callable[[], bool]
"""Passes a moment; False where nobody wants to wait any longer."""


class AtWork(ConfigurationError):
    """Another build is."""


@dataclass(frozen=True, slots=True)
class Build:
    """What dbt did. `failures` and `warnings` are sentences; no failures where all went well. `crashed` where not tests
    failed but a model could not be made.

    `anew` says why everything was built; None where only `new_files` were added. `set_aside` are files that could not
    be read, with the reason; `quarantined` are landed rows that no fact counts, by reason.
    """

    rows: Mapping[str, int]
    tests_passed: int
    failures: tuple[str, ...]
    file: Path
    warnings: tuple[str, ...] = ()
    crashed: bool = False
    anew: str | None = None
    new_files: int = 0
    set_aside: Mapping[str, str] = field(default_factory=dict)
    quarantined: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """All of it but the place of the file."""
        return {name: value for name, value in asdict(self).items() if name != "file"}


@dataclass(frozen=True, slots=True)
class Warehouse:
    """One platform's DuckDB file and the dbt project it is made by."""

    path: Path
    project: Path
    dbt: Path
    environment: Mapping[str, str]
    clock: Clock = utc_now
    lock: int | None = None
    """While it builds. dbt holds it, too: where who began it is killed, nobody builds beside what is left running."""

    def build(
        self, zone: LandingZone, topics: list[Topic], say: Say, *, full_refresh: bool = False, wait: Wait | None = None
    ) -> Build:
        """Raises ConfigurationError where dbt does not even begin, or where another build runs and `wait` gives up, and
        Unavailable where dbt is killed.
        """
        with self._alone(say, wait) as lock, noted(self.path, self.clock) as run:
            holding = replace(self, lock=lock)
            build = holding._build(zone, topics, say, full_refresh=full_refresh)  # noqa: SLF001 (itself)
            run.ended(build.failures, build.new_files)
            return build

    def is_current(self, zone: LandingZone, topics: list[Topic]) -> bool:
        """Whether a build would find nothing new."""
        before = self._before(self._mark(topics))
        if before is None:
            return False
        try:
            read = reading(look(zone, topics, {file.path: file for file in before}), before)
        except FileNotFoundError:  # it became part of a larger one
            return False
        return read.anew is None and not read.new

    def forget_failed(self) -> None:
        """What builds that failed or were killed have left: copies of what has landed."""
        with self._alone(lambda _line: None, None):
            shutil.rmtree(self.path.parent / "building", ignore_errors=True)

    @contextmanager
    def _alone(self, say: Say, wait: Wait | None) -> Iterator[int]:
        while True:
            try:
                lock = hold(self.path.parent)
                break
            except Taken:
                say("another build is at work ...")
                if wait is None or not wait():
                    raise AtWork("Another `sluice warehouse` is at work. Wait for it.") from None
        with lock:
            yield lock.fileno()

    def _build(self, zone: LandingZone, topics: list[Topic], say: Say, *, full_refresh: bool) -> Build:
        mark = self._mark(topics)
        before = None if full_refresh else self._before(mark)
        for left in range(_LOOKS, 0, -1):
            try:
                build = self._built(zone, topics, before, mark, say)
                break
            except FileNotFoundError:  # what was seen has become part of a larger file meanwhile
                if left == 1:
                    raise
        if build.failures:
            return build
        _drop_views(build.file)
        build.file.replace(self.path)
        return replace(build, file=self.path)

    def _built(
        self, zone: LandingZone, topics: list[Topic], before: list[ZoneFile] | None, mark: str, say: Say
    ) -> Build:
        read = reading(look(zone, topics, {file.path: file for file in before or ()}), before)
        build = self._try(zone, topics, read, mark, say)
        if build.crashed and (problems := broken(zone, read.new)):
            return self._try(zone, topics, read.without(problems), mark, say)
        if not read.same_place_twice and any(map(_tells_of_copies, build.failures)):
            return self._try(zone, topics, read.with_repetitions(), mark, say)
        return build

    def _try(self, zone: LandingZone, topics: list[Topic], read: Reading, mark: str, say: Say) -> Build:
        folder = self.path.parent / "building"
        file = folder / self.path.name  # the same name: DuckDB calls the catalogue after it
        landed, listed = folder / "landing", folder / "landed-files.parquet"
        _clear(folder)
        if read.anew is None:
            shutil.copyfile(self.path, file)
        try:
            lay_out(zone, topics, read, landed, listed, mark)
            results = self._dbt(file, landed, listed, read, say)
        finally:
            shutil.rmtree(landed, ignore_errors=True)  # an erasure must find no copies
        return Build(
            rows=_row_counts(file, results),
            tests_passed=sum(r["status"] in _PASSED and not r["unique_id"].startswith("model.") for r in results),
            failures=_sentences(results, lambda status: status not in _PASSED | {"skipped", "warn", "no-op"}),
            file=file,
            warnings=_sentences(results, lambda status: status == "warn"),
            crashed=any(result["status"] == "error" for result in results),
            anew=read.anew,
            new_files=len(read.new),
            set_aside={file.path: file.problem for file in read.files if file.problem is not None},
            quarantined=_quarantined(file),
        )

    def _mark(self, topics: list[Topic]) -> str:
        """Changes with whatever the tables are made by, and with the columns of what has landed."""
        found = hashlib.sha256("".join(str(columns_of(topic)) for topic in topics).encode())
        for path in sorted([*self.project.glob("m*/**/*.*"), *self.project.glob("*.yml")]):  # models and macros
            found.update(path.relative_to(self.project).as_posix().encode() + b"\0" + path.read_bytes())
        return found.hexdigest()

    def _before(self, mark: str) -> list[ZoneFile] | None:
        """Files that the warehouse in use was made of; None where it cannot be gone on with."""
        if not self.path.exists():
            return None
        try:
            with duckdb.connect(str(self.path), read_only=True) as db:
                rows = db.execute(_LEDGER).fetchall()
                due = db.execute(_DUE).fetchone()
        except duckdb.Error:
            return None
        if not rows or any(row[6] != mark for row in rows) or due != (0,):
            return None
        return [ZoneFile(*row[:6]) for row in rows]

    def _dbt(self, file: Path, landed: Path, listed: Path, read: Reading, say: Say) -> list[dict[str, Any]]:
        target, logs = file.parent / "target", file.parent / "logs"
        places = ["--project-dir", self.project, "--profiles-dir", self.project, "--target-path", target]
        options = [*map(str, places), "--log-path", str(logs), "--exclude-resource-type", "unit_test"]
        options += ["--vars", json.dumps({"landed_is_new": True, "same_place_twice": read.same_place_twice})]
        options += [] if read.anew is None else ["--full-refresh"]
        variables = {
            "SLUICE_LANDING_DIR": str(landed),
            "SLUICE_LANDED_FILES": str(listed),
            "SLUICE_LANDED_UNION": str(read.differ).lower(),
            "SLUICE_WAREHOUSE_PATH": str(file),
            "DO_NOT_TRACK": "1",
        }
        process = subprocess.Popen(
            [str(self.dbt), "--no-use-colors", "build", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**self.environment, **variables},
            pass_fds=() if self.lock is None else (self.lock,),
        )
        assert process.stdout is not None
        last = ""
        with process:
            try:
                for line in process.stdout:
                    last = line.strip() or last
                    say(last)
            except BaseException:  # nobody waits for it any longer
                process.terminate()
                raise
        if process.returncode < 0:
            raise Unavailable(f"dbt was ended by signal {-process.returncode}; where that is 9, look for memory.")
        try:
            results: list[dict[str, Any]] = json.loads((target / "run_results.json").read_text())["results"]
        except FileNotFoundError:
            raise ConfigurationError(f"dbt did not run: {last}. Its log: {logs}") from None
        return results


def _tells_of_copies(failure: str) -> bool:
    return failure.startswith(("unique_event_", "unique_together_fact_"))


def _clear(folder: Path) -> None:
    """Of everything but what dbt remembers of the project's files, which saves it reading them again."""
    memory = folder / "target" / "partial_parse.msgpack"
    kept = memory.read_bytes() if memory.exists() else None
    shutil.rmtree(folder, ignore_errors=True)
    memory.parent.mkdir(parents=True)
    if kept is not None:
        memory.write_bytes(kept)


def _drop_views(file: Path) -> None:
    """They look at files that are gone when the build is done. Afterwards everything is in the one file."""
    with duckdb.connect(str(file)) as db:
        for schema, name in db.execute(
            "select schema_name, view_name from duckdb_views() where not internal"
        ).fetchall():
            db.execute(f'drop view "{schema}"."{name}" cascade')
        db.execute("checkpoint")


def _row_counts(file: Path, results: list[dict[str, Any]]) -> dict[str, int]:
    built = [result["relation_name"] for result in results if result["unique_id"].startswith("model.")]
    counts = {}
    with duckdb.connect(str(file), read_only=True) as db:
        there = {name for (name,) in db.execute("select table_name from duckdb_tables()").fetchall()}
        for relation in built:
            name = relation.rpartition(".")[2].strip('"')
            if name in there:
                found = db.execute(f"select count(*) from {relation}").fetchone()  # nosec B608  # noqa: S608 (dbt's own name)
                counts[name] = int(found[0]) if found else 0
    return dict(sorted(counts.items()))


def _quarantined(file: Path) -> dict[str, int]:
    with duckdb.connect(str(file), read_only=True) as db:
        try:
            return {reason: int(rows) for reason, rows in db.execute(_QUARANTINED).fetchall()}
        except duckdb.Error:  # the build did not come so far
            return {}


def _sentences(results: list[dict[str, Any]], wanted: Callable[[str], bool]) -> tuple[str, ...]:
    return tuple(
        f"{result['unique_id'].split('.')[2]}: {result['status']}, {_cause(result['message'] or '')}"
        for result in results
        if wanted(result["status"])
    )


def _cause(message: str) -> str:
    """Of an error in a model dbt's first line says only where it is; the second says what."""
    first, *more = [line.strip() for line in message.splitlines() if line.strip()] or ["no message"]
    return f"{first}: {more[0]}" if more and " in model " in first else first
