"""bqemulator 1.4.0 with five faults of its Storage Write API mended: `python mended.py start ...`.

Runs in the emulator's own environment (constraints/bigquery-emulator.txt), which the tests never import. What is mended
proves nothing of BigQuery; docs/how-to/land-in-bigquery.md names it.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import grpc
import pyarrow as pa
from bqemulator.api.routes import tabledata
from bqemulator.catalog.duckdb_repository import DuckDBCatalogRepository
from bqemulator.cli import main
from bqemulator.grpc_api import write_servicer
from bqemulator.storage import type_map
from bqemulator.storage.sql_identifiers import quoted_table_ref

_scalar = tabledata._bq_type_to_arrow
_update = DuckDBCatalogRepository.update_table


def scalar(name: str) -> Any:
    """BIGNUMERIC is wider than any decimal of DuckDB: its tables cannot be made."""
    return pa.decimal128(38, 18) if name.upper() == "BIGNUMERIC" else _scalar(name)


def whole_schema(table: Any) -> Any:
    """Fields within records are left out where rows come through the Storage Write API."""
    return tabledata._build_arrow_schema(tabledata._fields_raw_from_schema(table.schema_.fields))


def update_table(self: DuckDBCatalogRepository, table: Any) -> Any:
    """A column that is added by REST is in the catalogue alone, not in the table."""
    before = self.get_table(table.project_id, table.dataset_id, table.table_id)
    known = {field.name for field in before.schema_.fields} if before else set()
    new = [field.model_dump(by_alias=True) for field in table.schema_.fields if field.name not in known]
    for name, kind in type_map.bq_schema_to_duckdb_columns(new):
        at = quoted_table_ref(table.project_id, table.dataset_id, table.table_id)
        self._engine.execute(f'ALTER TABLE {at} ADD COLUMN IF NOT EXISTS "{name}" {kind}')
    return _update(self, table)


def flush(self: write_servicer.BigQueryWriteHandler, stream: Any, rows: pa.Table) -> None:
    """Appends and questions share one connection in several threads, which ends the process. Each has its own here.

    No picture of the whole table is kept for each append, as time travel would want.
    """
    target = quoted_table_ref(stream.project_id, stream.dataset_id, stream.table_id)
    with self._write_lock, self._ctx.engine.connection.cursor() as own:
        own.execute("SET TimeZone = 'UTC'")
        own.register("rows_to_append", rows)
        own.execute(f"INSERT INTO {target} SELECT * FROM rows_to_append")


# A client that is killed keeps one of six threads for good.
grpc.aio.server = partial(grpc.aio.server, ThreadPoolExecutor(512))
type_map._BQ_TO_DUCKDB["BIGNUMERIC"] = "DECIMAL(38, 18)"
tabledata._bq_type_to_arrow = scalar
write_servicer._table_arrow_schema = whole_schema
write_servicer.BigQueryWriteHandler._flush_to_target = flush
DuckDBCatalogRepository.update_table = update_table

if __name__ == "__main__":
    sys.exit(main())
