"""A warehouse whose dbt does as it is told."""

import json
import os
from pathlib import Path
from typing import Any

import duckdb

from connectors.warehouse.build import Build, Warehouse
from sluice.topics import catalogue
from tests.arrivals import LandedLog

_DBT = """#!/usr/bin/env python3
import json, os, pathlib, shutil, sys
print("1 of 2 START model")
at = pathlib.Path(sys.argv[0]).parent
target = pathlib.Path(sys.argv[sys.argv.index("--target-path") + 1])
target.mkdir(exist_ok=True)
(target / "partial_parse.msgpack").write_text("remembered")
landed = pathlib.Path(os.environ["SLUICE_LANDING_DIR"])
with (at / "calls").open("a") as calls:
    files = sorted(path.name for path in landed.glob("*/date=*/*"))
    given = json.loads(sys.argv[sys.argv.index("--vars") + 1])
    calls.write(json.dumps(dict(files=files, full="--full-refresh" in sys.argv, vars=given)) + chr(10))
state = json.loads((at / "state.json").read_text())
if "--full-refresh" in sys.argv:
    shutil.copy(state["database"], os.environ["SLUICE_WAREHOUSE_PATH"])
bad = state["error_while"] in files
results = [
    dict(unique_id="model.sluice.fact_x", status="error" if bad else "success",
        relation_name='"w"."marts"."fact_x"', message="ok"),
    dict(unique_id="model.sluice.fact_y", status="skipped", relation_name='"w"."marts"."fact_y"', message=None),
    dict(unique_id=state["test"], status=state["status"], relation_name=None,
        message="Got 2 results\\nmore"),
    dict(unique_id="exposure.sluice.board", status="no-op", relation_name=None, message="NO-OP"),
]
(target / "run_results.json").write_text(json.dumps(dict(results=results)))
"""


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


class House:
    """A warehouse whose dbt does as it is told, and a landing zone."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, LandedLog(folder / "landing")
        self.said: list[str] = []
        project = folder / "project"
        (project / "models").mkdir(parents=True)
        (project / "dbt_project.yml").write_text("name: w")
        self.model = project / "models" / "fact_x.sql"
        self.model.write_text("select 1")
        self.warehouse = Warehouse(folder / "home" / "w.duckdb", project, folder / "dbt", os.environ)
        script(folder / "dbt", _DBT)
        self.tell()

    def tell(
        self,
        status: str = "pass",
        error_while: str = "",
        quarantined: str = "",
        test: str = "unique_x",
        events: str = "",
    ) -> None:
        database = self.folder / "made" / "w.duckdb"
        database.parent.mkdir(exist_ok=True)
        database.unlink(missing_ok=True)
        with duckdb.connect(str(database)) as db:
            db.execute("create schema marts")
            db.execute("create table marts.fact_x as select * from range(3)")
            db.execute("create view marts.landed_view as select 1")
            db.execute(
                "create table marts.quarantine "
                "(reason varchar, detail varchar, logged_at timestamptz, rows_set_aside integer)"
            )
            db.execute(
                "create table marts.landed_files (path varchar, topic varchar, bytes bigint, modified_ns bigint, "
                "problem varchar, lacks_columns boolean, project_hash varchar)"
            )
            db.execute(
                "create table marts.fact_chat_events "
                "(source_topic varchar, source_partition integer, source_offset bigint, logged_at timestamptz)"
            )
            if events:
                db.execute(f"insert into marts.fact_chat_events values {events}")
            if quarantined:
                db.execute(f"insert into marts.quarantine values {quarantined}")
        state = {"database": str(database), "status": status, "error_while": error_while}
        state["test"] = f"test.sluice.{test}.1a"
        (self.folder / "state.json").write_text(json.dumps(state))

    def build(self, *, full_refresh: bool = False) -> Build:
        topics = [catalogue()["llm-usage"], catalogue()["turn-telemetry"]]
        built = self.warehouse.build(self.log.zone, topics, self.said.append, full_refresh=full_refresh)
        if not built.failures:
            self.note_files()
        return built

    def note_files(self) -> None:
        """As the model landed_files does."""
        listed = self.warehouse.path.parent / "building" / "landed-files.parquet"
        with duckdb.connect(str(self.warehouse.path)) as db:
            db.execute(f"create or replace table marts.landed_files as select * from '{listed}'")

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]
