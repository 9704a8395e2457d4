"""Build the warehouse with dbt: beside the one in use, which is replaced only by one whose tests have passed."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from connectors.landing_zone import LandingZone
from connectors.only_one import Taken, hold
from sluice.errors import ConfigurationError
from sluice.topics import Topic

_PASSED = {"pass", "success"}


@dataclass(frozen=True, slots=True)
class Build:
    """What dbt did. `failures` are sentences; empty where all went well."""

    rows: Mapping[str, int]
    tests_passed: int
    failures: tuple[str, ...]
    file: Path


@dataclass(frozen=True, slots=True)
class Warehouse:
    """One platform's DuckDB file and the dbt project it is made by."""

    path: Path
    project: Path
    dbt: Path
    environment: Mapping[str, str]

    def build(self, zone: LandingZone, topics: list[Topic], say: Callable[[str], None]) -> Build:
        """Raises ConfigurationError where dbt does not even begin, or where another build runs."""
        folder = self.path.parent / "building"
        try:
            lock = hold(self.path.parent)
        except Taken:
            raise ConfigurationError("Another `sluice warehouse` is at work. Wait for it.") from None
        with lock:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for topic in topics:
                zone.declare(topic)
            file = folder / self.path.name  # the same name: DuckDB calls the catalogue after it
            results = self._dbt(zone, file, folder, say)
            build = Build(_row_counts(file, results), _passed_tests(results), _failures(results), file)
            if build.failures:
                return build
            file.replace(self.path)
            return Build(build.rows, build.tests_passed, (), self.path)

    def _dbt(self, zone: LandingZone, file: Path, folder: Path, say: Callable[[str], None]) -> list[dict[str, Any]]:
        target = folder / "target"
        options = ["--project-dir", self.project, "--profiles-dir", self.project]
        options += ["--target-path", target, "--log-path", folder / "logs"]
        variables = {
            "SLUICE_LANDING_DIR": str(zone.root),
            "SLUICE_WAREHOUSE_PATH": str(file),
            "DO_NOT_TRACK": "1",
        }
        process = subprocess.Popen(
            [str(self.dbt), "--no-use-colors", "build", *map(str, options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**self.environment, **variables},
        )
        assert process.stdout is not None
        last = ""
        with process:
            for line in process.stdout:
                last = line.strip() or last
                say(last)
        try:
            results: list[dict[str, Any]] = json.loads((target / "run_results.json").read_text())["results"]
        except FileNotFoundError:
            raise ConfigurationError(f"dbt did not run: {last}. Its log: {folder / 'logs'}") from None
        return results


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


def _passed_tests(results: list[dict[str, Any]]) -> int:
    return sum(result["status"] in _PASSED and not result["unique_id"].startswith("model.") for result in results)


def _failures(results: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(
        f"{result['unique_id'].split('.')[2]}: {result['status']}, {(result['message'] or '').strip().splitlines()[0]}"
        for result in results
        if result["status"] not in _PASSED and result["status"] != "skipped"
    )
