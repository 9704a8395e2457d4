"""Google's answers in our words."""

from typing import Any, cast

import grpc
import pyarrow as pa
import pytest
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import bigquery
from google.cloud.bigquery_storage_v1 import BigQueryWriteClient, types
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.status_pb2 import Status
from requests import ConnectionError as RequestsConnectionError

from connectors.bigquery.__main__ import bigquery_of
from connectors.bigquery.client import GoogleBigQuery, connected
from connectors.bigquery.ports import RowsRefused, StreamGone
from connectors.bigquery.tables import table_with
from sluice.errors import ConfigurationError, Unavailable
from sluice.settings import Settings

ROWS = pa.record_batch({"name": ["a"]})
STORAGE = types.StorageError.StorageErrorCode


class Writer:
    """Answers one thing, or raises it."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def append_rows(self, requests: Any, **_options: Any) -> Any:
        (request,) = requests
        assert request.write_stream == "projects/p/datasets/d/tables/t/streams/s"
        assert request.offset == 7
        return self._said([self.answer])

    def finalize_write_stream(self, **_options: Any) -> Any:
        return self._said(self.answer)

    def _said(self, usual: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return usual if self.answer is not None else []


def client(answer: Any = None, rest: Any = None) -> GoogleBigQuery:
    return GoogleBigQuery(cast(bigquery.Client, rest), cast(BigQueryWriteClient, Writer(answer)), "p", "d")


def failed(code: grpc.StatusCode, *storage: int) -> types.AppendRowsResponse:
    details = []
    for one in storage:
        packed = AnyMessage()
        packed.Pack(types.StorageError.pb()(code=one))
        details.append(packed)
    status = Status(code=code.value[0], message="because", details=details)
    return types.AppendRowsResponse(error=status)


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (types.AppendRowsResponse(append_result={"offset": 7}), None),
        (failed(grpc.StatusCode.ALREADY_EXISTS, STORAGE.OFFSET_ALREADY_EXISTS), None),
        (failed(grpc.StatusCode.OUT_OF_RANGE), ConfigurationError),
        (failed(grpc.StatusCode.NOT_FOUND), StreamGone),
        (failed(grpc.StatusCode.FAILED_PRECONDITION), StreamGone),
        (failed(grpc.StatusCode.INVALID_ARGUMENT, STORAGE.STREAM_FINALIZED), StreamGone),
        (failed(grpc.StatusCode.INVALID_ARGUMENT, STORAGE.SCHEMA_MISMATCH_EXTRA_FIELDS), Unavailable),
        (failed(grpc.StatusCode.INVALID_ARGUMENT), ConfigurationError),
        (failed(grpc.StatusCode.PERMISSION_DENIED), ConfigurationError),
        (failed(grpc.StatusCode.UNAVAILABLE), Unavailable),
        (failed(grpc.StatusCode.RESOURCE_EXHAUSTED), Unavailable),
        (failed(grpc.StatusCode.INTERNAL), Unavailable),
        (None, Unavailable),
        (exceptions.NotFound("gone"), StreamGone),
        (exceptions.FailedPrecondition("finalized"), StreamGone),
        (exceptions.AlreadyExists("there"), None),
        (exceptions.DeadlineExceeded("late"), Unavailable),
        (exceptions.ServiceUnavailable("away"), Unavailable),
        (exceptions.Forbidden("no"), ConfigurationError),
    ],
)
def test_answers_to_an_append(answer: Any, raised: type[Exception] | None) -> None:
    if raised is None:
        client(answer).append("t", "s", 7, ROWS)
        return
    with pytest.raises(raised) as caught:
        client(answer).append("t", "s", 7, ROWS)
    assert type(caught.value) is raised


def test_a_gap_has_a_code() -> None:
    with pytest.raises(ConfigurationError, match="bigquery_stream_gap: because"):
        client(failed(grpc.StatusCode.OUT_OF_RANGE)).append("t", "s", 7, ROWS)


def test_refused_rows_are_named() -> None:
    error = types.RowError(index=3, message="too long")
    answer = types.AppendRowsResponse(row_errors=[error], error=Status(code=3, message="rows"))
    with pytest.raises(RowsRefused) as caught:
        client(answer).append("t", "s", 7, ROWS)
    assert caught.value.rows == {3: "too long"}


@pytest.mark.parametrize(
    ("answer", "length"),
    [
        (types.FinalizeWriteStreamResponse(row_count=4), 4),
        (exceptions.NotFound("gone"), None),
        (exceptions.FailedPrecondition("already"), None),
    ],
)
def test_a_stream_that_cannot_be_finished_has_no_length(answer: Any, length: int | None) -> None:
    assert client(answer).finish("t", "s") == length


@pytest.mark.parametrize(
    ("error", "raised"),
    [(RequestsConnectionError(), Unavailable), (exceptions.Forbidden("no"), ConfigurationError)],
)
def test_tables_that_cannot_be_asked(error: Exception, raised: type[Exception]) -> None:
    class Rest:
        def get_table(self, *_arguments: Any, **_options: Any) -> Any:
            raise error

    with pytest.raises(raised, match="table p"):
        client(rest=Rest()).prepare("t", ROWS.schema, "k")


def test_a_table_that_another_changes_is_tried_again() -> None:
    class Rest:
        def get_table(self, name: str, **_options: Any) -> bigquery.Table:
            return table_with(name, pa.schema([]), "k")

        def update_table(self, *_arguments: Any, **_options: Any) -> Any:
            raise exceptions.PreconditionFailed("etag")

    with pytest.raises(Unavailable, match="changed by another"):
        client(rest=Rest()).prepare("t", ROWS.schema, "k")


def test_without_credentials_it_says_how_to_give_them() -> None:
    def none() -> Any:
        raise DefaultCredentialsError("none found.")  # type: ignore[no-untyped-call]

    with pytest.raises(ConfigurationError, match="bigquery_credentials: none found"):
        connected("p", "d", None, none)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, "Set SLUICE_BIGQUERY_PROJECT"),
        ({"bigquery_project": "p", "bigquery_emulator": "h:1"}, "set both"),
        ({"bigquery_project": "p", "bigquery_emulator_grpc": "h:1"}, "set both"),
    ],
)
def test_settings_that_do_not_fit(given: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ConfigurationError, match=wrong):
        bigquery_of(Settings(**given))


def test_an_emulator_wants_no_credentials() -> None:
    found = bigquery_of(Settings(bigquery_project="p", bigquery_emulator="h:1", bigquery_emulator_grpc="h:2"))
    assert isinstance(found, GoogleBigQuery)
    assert (found.project, found.dataset, found.rest.project) == ("p", "landing", "p")


def test_without_googles_clients_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "connectors.bigquery.client", None)
    with pytest.raises(ConfigurationError, match=r"constraints/bigquery\.txt"):
        bigquery_of(Settings(bigquery_project="p"))
