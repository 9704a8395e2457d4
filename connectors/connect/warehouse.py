"""The star schema from Iceberg tables, by the same dbt project as from the landing zone."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
from pyiceberg.catalog import Catalog

from connectors.connect.tables import SCHEMA, LandedTable
from sluice.errors import ConfigurationError

_EXTENSIONS = ("avro", "iceberg")


def hand_out(catalog: Catalog, tables: list[LandedTable], folder: Path) -> None:
    """What each table is now, as a file that DuckDB opens it by: all reads of a build see the same."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in tables:
        now = catalog.load_table(f"{SCHEMA}.{table.name}")
        with now.io.new_input(now.metadata_location).open() as metadata:
            (folder / f"{table.name}.metadata.json").write_bytes(metadata.read())


@dataclass(frozen=True, slots=True)
class IcebergWarehouse:
    """A DuckDB file, made anew each time beside the one in use, which it replaces where dbt's tests have passed."""

    path: Path
    project: Path
    dbt: Path
    environment: Mapping[str, str]

    def build(self, tables: Path, say: Callable[[str], None]) -> list[str]:
        """From the files of `hand_out`. Gives what dbt found wrong.

        Raises ConfigurationError where dbt does not even begin.
        """
        extensions = self.path.parent / "extensions"
        _lay_out_extensions(self.dbt, extensions)
        return self.run({"SLUICE_ICEBERG_TABLES": str(tables), "SLUICE_DUCKDB_EXTENSIONS": str(extensions)}, say)

    def run(self, sources: Mapping[str, str], say: Callable[[str], None]) -> list[str]:
        """From what the variables of dbt's sources say."""
        folder = self.path.parent / f"{self.path.stem}-building"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        places = {"project-dir": self.project, "profiles-dir": self.project, "target-path": folder / "target"}
        options = [word for name, place in places.items() for word in (f"--{name}", str(place))]
        options += ["--log-path", str(folder / "logs"), "--exclude-resource-type", "unit_test", "--full-refresh"]
        file = folder / self.path.name  # the same name: DuckDB calls the catalogue after it
        own = {**sources, "SLUICE_WAREHOUSE_PATH": str(file), "DO_NOT_TRACK": "1"}
        command = [str(self.dbt), "--no-use-colors", "build", *options]
        said: list[str] = []
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**self.environment, **own}
        ) as process:
            for line in process.stdout or ():
                said.append(line.strip())
                say(said[-1])
        results = folder / "target" / "run_results.json"
        if not results.exists():
            raise ConfigurationError(f"dbt did not run: {' '.join(said[-3:])}. Its log: {folder / 'logs'}")
        wrong = [
            f"{result['unique_id'].split('.')[2]}: {result['status']}, {result['message']}"
            for result in json.loads(results.read_text())["results"]
            if result["status"] in {"error", "fail", "runtime error"}
        ]
        if not wrong:
            file.replace(self.path)
            shutil.rmtree(folder)
        return wrong


def _lay_out_extensions(dbt: Path, folder: Path) -> None:
    """As DuckDB looks for extensions that it loads by itself. They are packages of dbt's own environment."""
    with duckdb.connect() as db:
        platform = db.execute("pragma platform").fetchone()
    at = folder / f"v{duckdb.__version__}" / (platform or ("",))[0]
    shutil.rmtree(folder, ignore_errors=True)
    at.mkdir(parents=True)
    for name in _EXTENSIONS:
        pattern = f"lib/python*/site-packages/duckdb_extension_{name}/**/{name}.duckdb_extension"
        file = next(dbt.parent.parent.glob(pattern), None)
        if file is None:
            raise ConfigurationError(
                f"DuckDB's extension {name} is not in {dbt.parent.parent}. Delete that folder; it is made again."
            )
        (at / file.name).symlink_to(file.resolve())
