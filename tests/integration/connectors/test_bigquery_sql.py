"""What would be sent to BigQuery: compiled by dbt against a server that knows a few tables, and parsed. Never run."""

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlfluff.core import FluffConfig, Linter

from connectors.dbt_environment import DbtEnvironment
from local.compliance.public_models import public_models
from sluice.paths import checkout, data_folder

pytestmark = pytest.mark.usefixtures("dbt")

_PROFILE = """
sluice:
  target: bigquery
  outputs:
    bigquery:
      type: bigquery
      method: oauth-secrets
      token: none
      api_endpoint: {endpoint}
      project: sluice
      dataset: sluice
      job_retries: 0
      threads: 2
"""


class FakeBigQuery(ThreadingHTTPServer):
    """Says which tables there are, and nothing else."""

    def __init__(self, tables: dict[str, list[str]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tables = tables


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, FakeBigQuery)
        match self.path.partition("?")[0].strip("/").split("/")[2:]:
            case ["projects", project, "datasets", dataset, "tables"] if dataset in server.tables:
                tables = [
                    {"tableReference": {"projectId": project, "datasetId": dataset, "tableId": name}, "type": "TABLE"}
                    for name in server.tables[dataset]
                ]
                self._answer(200, {"tables": tables})
            case ["projects", _, "datasets", dataset, "routines"] if dataset in server.tables:
                self._answer(200, {"routines": []})
            case _:
                self._answer(404, {"error": {"code": 404, "message": "Not found", "errors": [{"reason": "notFound"}]}})

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture(params=["the first time", "again"])
def compiled(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of a target, with SQL of the first build or of a later one."""
    marts = {path.stem for path in (data_folder("dbt") / "models" / "marts").glob("*.sql")}
    intermediate = {path.stem for path in (data_folder("dbt") / "models" / "intermediate").glob("*.sql")}
    tables = {"marts": sorted(marts), "intermediate": sorted(intermediate)} if request.param == "again" else {}
    with FakeBigQuery(tables) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (tmp_path / "profiles.yml").write_text(_PROFILE.format(endpoint=f"http://127.0.0.1:{server.server_port}"))
        places = {"project-dir": data_folder("dbt"), "profiles-dir": tmp_path}
        places |= {"target-path": tmp_path / "target", "log-path": tmp_path / "logs"}
        done = subprocess.run(
            [str(DbtEnvironment(checkout()).dbt), "compile", *(f"--{name}={place}" for name, place in places.items())],
            env=os.environ | {"DO_NOT_TRACK": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        server.shutdown()
    assert done.returncode == 0, done.stdout
    (tmp_path / "target" / "again").write_text(request.param)
    return tmp_path / "target"


def test_every_model_is_sql_that_bigquery_reads(compiled: Path) -> None:
    linter = Linter(FluffConfig(overrides={"dialect": "bigquery", "templater": "raw"}))
    models = [*(compiled / "compiled" / "sluice" / "models").rglob("*.sql")]
    assert len(models) > 25
    for path in models:
        sql = path.read_text()
        parsed = linter.parse_string(sql)
        assert [str(problem) for problem in parsed.violations] == [], path.name
        for word in ("varchar", "timestamptz", "epoch_us", "quantile_cont", "hash(", "split_part"):
            assert word not in sql.replace("farm_", ""), (path.name, word)
    again = (compiled / "again").read_text() == "again"
    fact = next(path for path in models if path.name == "fact_chat_events.sql").read_text()
    assert ("from `sluice`.`marts`.`fact_chat_events`" in fact) == again


def test_facts_are_cut_by_day_and_public_models_have_contracts(compiled: Path) -> None:
    nodes = json.loads((compiled / "manifest.json").read_text())["nodes"]
    for name in ("fact_chat_events", "fact_chat_turns", "fact_llm_attempts", "fact_feedback"):
        config = nodes[f"model.sluice.{name}"]["config"]
        assert config["partition_by"] == {"field": "date_day", "data_type": "date"}
        assert config["cluster_by"] == ["bot", "turn_id"]
    for model in public_models():
        node = nodes[f"model.sluice.{model.name}"]
        assert node["contract"]["enforced"]
        types = {column["data_type"] for column in node["columns"].values()}
        assert types <= {"string", "int64", "float64", "bignumeric", "bool", "date", "timestamp"}, model.name
