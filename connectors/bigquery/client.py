"""BigQuery itself, by Google's clients: REST for tables and questions, gRPC for rows.

Their own retries are off: what failed may be tried again only by somebody who knows whether it arrived. One connection
for each append, over one channel: a few a second, and none that can be half dead.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pyarrow as pa
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from google.cloud.bigquery_storage_v1 import BigQueryWriteClient, types
from google.cloud.bigquery_storage_v1.services.big_query_write.transports import BigQueryWriteGrpcTransport
from requests import RequestException

from connectors.batching import Place
from connectors.bigquery.ports import RowsRefused, StreamGone, TableGone
from connectors.bigquery.tables import ORIGIN, fields_of, grown, origin, other_log, table_with
from sluice.errors import ConfigurationError, Unavailable

_SECONDS = 20.0
_ONCE = {"retry": None, "timeout": _SECONDS}
_AWAY = (
    exceptions.ServerError,
    exceptions.TooManyRequests,
    exceptions.RetryError,
    exceptions.Cancelled,
    exceptions.Aborted,
    RequestException,
    GoogleAuthError,
)
_LAST_OFFSETS = "select _topic, _partition, max(_offset) as last from `{table}` group by _topic, _partition"
_ANY_ROW = "select 1 from `{table}` limit 1"
_Code = types.StorageError.StorageErrorCode


@contextmanager
def _said(what: str) -> Iterator[None]:
    """Google's errors in ours. They come as an answer or as the end of a call, whichever the server chooses."""
    try:
        yield
    except _AWAY as error:
        raise Unavailable(f"bigquery: {what}: {type(error).__name__}") from error
    except exceptions.GoogleAPICallError as error:
        raise ConfigurationError(
            f"bigquery_refused: {what}: {error.message}. Look whether project, dataset and the rights of the sink's "
            "account are right (docs/how-to/land-in-bigquery.md)."
        ) from error


@dataclass(frozen=True, slots=True)
class GoogleBigQuery:
    """See BigQuery."""

    rest: bigquery.Client
    writer: BigQueryWriteClient
    project: str
    dataset: str

    def prepare(self, table: str, columns: pa.Schema, cluster: str) -> int:
        """See BigQuery. Somebody else may do the same at the same time."""
        name = f"{self.project}.{self.dataset}.{table}"
        with _said(f"table {name}"):
            try:
                there = self.rest.get_table(name, **_ONCE)
            except exceptions.NotFound:
                there = self._made(name, columns, cluster)
            changed = self._bind(there, name, cluster)
            fields = grown(name, there.schema, fields_of(columns))
            if fields != list(there.schema):
                there.schema = fields
                changed.append("schema")
            if changed:
                try:
                    there = self.rest.update_table(there, changed, **_ONCE)
                except exceptions.PreconditionFailed as error:
                    raise Unavailable(f"bigquery: {name} is being changed by another") from error
            return int(there.created.timestamp() * 1000)

    def _bind(self, there: bigquery.Table, name: str, cluster: str) -> list[str]:
        """Gives what is to be updated. A table without a label is taken as long as it has no rows."""
        found, ours = there.labels.get(ORIGIN), origin(cluster)
        if found == ours:
            return []
        if found is not None or [*self._asked(_ANY_ROW.format(table=name))]:
            raise other_log(name, cluster, found)
        there.labels = {**there.labels, ORIGIN: ours}
        return ["labels"]

    def _made(self, name: str, columns: pa.Schema, cluster: str) -> bigquery.Table:
        try:
            self.rest.get_dataset(f"{self.project}.{self.dataset}", **_ONCE)
        except exceptions.NotFound:
            raise ConfigurationError(
                f"bigquery_dataset_missing: there is no dataset {self.dataset} in project {self.project}. Make it in "
                f"the region where the rows shall be: bq --location=EU mk --dataset {self.project}:{self.dataset}"
            ) from None
        return self.rest.create_table(table_with(name, columns, cluster), exists_ok=True, **_ONCE)

    def create_stream(self, table: str) -> str:
        """See BigQuery."""
        with _said(f"stream of {table}"):
            kind = types.WriteStream(type_=types.WriteStream.Type.COMMITTED)
            try:
                made = self.writer.create_write_stream(parent=self._parent(table), write_stream=kind, **_ONCE)
            except exceptions.NotFound as error:
                raise TableGone(f"bigquery: table {table} was dropped") from error
            return str(made.name.rpartition("/")[2])

    def append(self, table: str, stream: str, offset: int, rows: pa.RecordBatch) -> None:
        """See BigQuery."""
        name = self._name(table, stream)
        request = types.AppendRowsRequest(
            write_stream=name,
            offset=offset,
            arrow_rows=types.AppendRowsRequest.ArrowData(
                writer_schema=types.ArrowSchema(serialized_schema=rows.schema.serialize().to_pybytes()),
                rows=types.ArrowRecordBatch(serialized_record_batch=rows.serialize().to_pybytes()),
            ),
        )
        routed = (("x-goog-request-params", f"write_stream={name}"),)
        with _said(f"rows of {table}"):
            try:
                answers = self.writer.append_rows(iter([request]), metadata=routed, **_ONCE)
                answer = next(iter(answers), None)
            except exceptions.AlreadyExists:
                return
            except (exceptions.NotFound, exceptions.FailedPrecondition) as error:
                raise StreamGone(stream) from error
            if answer is None:
                raise Unavailable(f"bigquery: rows of {table}: no answer")
            _judge(answer, stream)

    def finish(self, table: str, stream: str) -> int | None:
        """See BigQuery. What cannot be finished because it was already is asked of the table instead."""
        with _said(f"stream of {table}"):
            try:
                return int(self.writer.finalize_write_stream(name=self._name(table, stream), **_ONCE).row_count)
            except (exceptions.NotFound, exceptions.FailedPrecondition):
                return None

    def last_offsets(self, table: str) -> dict[Place, int]:
        """See BigQuery."""
        sql = _LAST_OFFSETS.format(table=f"{self.project}.{self.dataset}.{table}")
        with _said(f"offsets of {table}"):
            try:
                rows = self._asked(sql)
            except exceptions.NotFound as error:
                raise TableGone(f"bigquery: table {table} was dropped") from error
            return {Place(row["_topic"], int(row["_partition"])): int(row["last"]) for row in rows}

    def _asked(self, sql: str) -> Any:
        told = bigquery.QueryJobConfig(use_query_cache=False)
        return self.rest.query(sql, job_config=told, job_retry=None, **_ONCE).result(**_ONCE)

    def _parent(self, table: str) -> str:
        return f"projects/{self.project}/datasets/{self.dataset}/tables/{table}"

    def _name(self, table: str, stream: str) -> str:
        return f"{self._parent(table)}/streams/{stream}"


def _judge(answer: types.AppendRowsResponse, stream: str) -> None:
    """An append's answer. Codes: google.rpc.Code, and StorageError in its details."""
    if answer.row_errors:
        raise RowsRefused({int(row.index): row.message for row in answer.row_errors})
    status = grpc.StatusCode.OK if not answer.error.code else _CODES[answer.error.code]
    codes = _storage_codes(answer.error)
    match status:
        case grpc.StatusCode.OK | grpc.StatusCode.ALREADY_EXISTS:
            return
        case grpc.StatusCode.OUT_OF_RANGE:
            raise ConfigurationError(
                f"bigquery_stream_gap: {answer.error.message} (stream {stream}). Rows before are missing in it, which "
                "nobody but this sink writes. It is asked for its length at the next start."
            )
        case grpc.StatusCode.NOT_FOUND | grpc.StatusCode.FAILED_PRECONDITION:
            raise StreamGone(stream)
        case grpc.StatusCode.INVALID_ARGUMENT if _Code.STREAM_FINALIZED in codes:
            raise StreamGone(stream)
        case grpc.StatusCode.INVALID_ARGUMENT if _Code.SCHEMA_MISMATCH_EXTRA_FIELDS in codes:
            raise Unavailable("bigquery: a new column is not known everywhere yet")
    raise exceptions.from_grpc_status(status, answer.error.message)


def _storage_codes(error: Any) -> set[int]:
    found, pb = set[int](), types.StorageError.pb()
    for detail in error.details:
        one = pb()
        if detail.Unpack(one):
            found.add(one.code)
    return found


_CODES = {code.value[0]: code for code in grpc.StatusCode}


def connected(
    project: str, dataset: str, emulator: tuple[str, str] | None, credentials: Callable[[], Any]
) -> GoogleBigQuery:
    """`emulator`: host and port of REST and of gRPC, where nobody asks who comes. Raises ConfigurationError."""
    if emulator is None:
        try:
            own = credentials()
        except GoogleAuthError as error:
            raise ConfigurationError(
                f"bigquery_credentials: {error} Set GOOGLE_APPLICATION_CREDENTIALS, or run where an account is at hand."
            ) from None
        return GoogleBigQuery(
            bigquery.Client(project, credentials=own), BigQueryWriteClient(credentials=own), project, dataset
        )
    at, rows_at = emulator
    rest = bigquery.Client(project, credentials=AnonymousCredentials(), client_options={"api_endpoint": f"http://{at}"})
    channel = grpc.insecure_channel(rows_at)
    return GoogleBigQuery(
        rest, BigQueryWriteClient(transport=BigQueryWriteGrpcTransport(channel=channel)), project, dataset
    )
