"""`sluice erase` without a broker: whom it means, what it asks, what it says."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import KafkaError
from typer.testing import CliRunner, Result

from sluice import erasure_log
from sluice.cli import audit, erase
from sluice.cli.main import build
from sluice.codec import Codec
from sluice.erasure_log import ErasureLog, requested
from sluice.errors import Unavailable
from sluice.events import ErasureCompleted, ErasureRequested
from sluice.ids import pseudonym
from sluice.key_files import CONNECT_FOLDER, POSTGRES_PASSWORD, PSEUDONYM_KEY, make_key_files, read_key_file
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds
from tests.doubles import NOON
from tests.samples import HEAD, SAMPLES

CODEC = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))
SOMEBODY = "usr_" + "0" * 32


def completed(request_id: str, user_id: str = SOMEBODY) -> ErasureCompleted:
    counts = {"turns_stopped": 1, "keys": 2, "letters": 3, "rows": 4}
    return ErasureCompleted(**HEAD, user_id=user_id, request_id=request_id, erased_at=NOON, **counts)


NOTHING = {"turns_stopped": 0, "keys": 0, "letters": 0, "rows": 0}


class FakeLog:
    """Completes at once, unless told otherwise."""

    asked: list[ErasureRequested]
    completes = True
    away = False

    def __init__(self, _servers: object, _group: str, _codec: Codec) -> None:
        return

    def request(self, request: ErasureRequested) -> int:
        if self.away:
            raise Unavailable("no broker")
        self.asked.append(request)
        return 7

    def completion(self, request_id: str, start: int, seconds: float, waited: Any) -> ErasureCompleted | None:
        assert (start, seconds) == (7, 180.0)
        waited(1.0)
        return completed(request_id, self.asked[0].user_id) if self.completes else None


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[FakeLog]:
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    make_key_files(tmp_path / "keys")
    made = type("Log", (FakeLog,), {"asked": []})
    monkeypatch.setattr(erase, "ErasureLog", made)
    monkeypatch.setattr(audit, "mark", lambda *_: None)
    return made


def run(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(build(), ["erase", *arguments], input=answer)


def test_a_person_is_a_pseudonym_or_the_subject_of_a_token(log: type[FakeLog], tmp_path: Path):
    assert run(SOMEBODY, "--yes").exit_code == 0
    assert run("jane", "--yes").exit_code == 0
    jane = pseudonym("jane", read_key_file(tmp_path / "keys", PSEUDONYM_KEY))
    assert [request.user_id for request in log.asked] == [SOMEBODY, jane]


def test_it_says_what_went(log: type[FakeLog]):
    said = run(SOMEBODY, "--yes").stdout
    assert "2 keys, 4 landed rows, 3 dead letters, 1 running turns" in said
    assert json.loads(run(SOMEBODY, "--yes", "--json").stdout)["rows"] == 4


def test_it_says_that_nothing_was_there(log: type[FakeLog], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(log, "completion", lambda _self, one, *_: msgspec.structs.replace(completed(one), **NOTHING))
    said = run(SOMEBODY, "--yes").stdout
    assert said.startswith(f"Nothing was there of {SOMEBODY}")


@pytest.mark.parametrize("subject", ["", "  ", SOMEBODY[:-1], SOMEBODY + "0", SOMEBODY.upper()])
def test_what_names_nobody_is_not_asked_for(log: type[FakeLog], subject: str):
    done = run(subject, "--yes")
    assert (done.exit_code, log.asked) == (3, [])
    assert "pseudonym" in done.stderr


def test_it_says_what_it_does_not_reach(log: type[FakeLog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert "Tables" not in run(SOMEBODY, "--yes").stderr
    monkeypatch.setenv("SLUICE_BIGQUERY_PROJECT", "acme-chat")
    assert f"Tables in BigQuery still have {SOMEBODY}" in run(SOMEBODY, "--yes").stderr
    (tmp_path / "keys" / CONNECT_FOLDER).mkdir()
    (tmp_path / "keys" / CONNECT_FOLDER / POSTGRES_PASSWORD).touch()
    assert f"Tables of Kafka Connect still have {SOMEBODY}" in run(SOMEBODY, "--yes").stderr


def test_it_asks_first(log: type[FakeLog]):
    assert run(SOMEBODY, answer="n\n").exit_code == 1
    assert log.asked == []
    assert run(SOMEBODY, answer="y\n").exit_code == 0
    assert len(log.asked) == 1


def test_what_takes_longer_goes_on(log: type[FakeLog]):
    log.completes = False
    done = run(SOMEBODY, "--yes")
    assert done.exit_code == 1
    assert "will be carried out" in done.stderr


def test_without_a_log_nothing_is_asked(log: type[FakeLog]):
    log.away = True
    done = run(SOMEBODY, "--yes")
    assert (done.exit_code, done.stderr.strip()) == (3, "no broker")


class FakeConsumer:
    """Gives each of the script at a poll, then nothing."""

    script: list[Any]

    def __init__(self, _config: object) -> None:
        return

    def assign(self, _places: object) -> None:
        return

    def poll(self, _seconds: float) -> Any:
        return self.script.pop(0) if self.script else None

    def close(self) -> None:
        self.script.append("closed")


class Message:
    def __init__(self, value: bytes | None = None, failure: int | None = None) -> None:
        self._value, self._failure = value, failure

    def error(self) -> KafkaError | None:
        return None if self._failure is None else KafkaError(self._failure)

    def value(self) -> bytes | None:
        return self._value


def wait(monkeypatch: pytest.MonkeyPatch, *script: Any, seconds: float = 5.0) -> ErasureCompleted | None:
    monkeypatch.setattr(erasure_log, "Consumer", type("C", (FakeConsumer,), {"script": [*script]}))
    return ErasureLog("127.0.0.1:9", "g", CODEC).completion("r-1", 0, seconds, lambda _passed: None)


def test_only_the_own_request_counts(monkeypatch: pytest.MonkeyPatch):
    mine = completed("r-1")
    others = [CODEC.encode(one) for one in (SAMPLES["ErasureRequested"], completed("r-0"))]
    end = Message(failure=KafkaError._PARTITION_EOF)
    found = wait(monkeypatch, None, end, Message(b"x"), *map(Message, others), Message(CODEC.encode(mine)))
    assert found is not None
    assert msgspec.structs.replace(found) == mine


def test_it_waits_for_so_long(monkeypatch: pytest.MonkeyPatch):
    assert wait(monkeypatch, seconds=0.0) is None


def test_a_log_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(Unavailable, match="does not give the topic erasure-requests"):
        wait(monkeypatch, Message(failure=KafkaError.TOPIC_AUTHORIZATION_FAILED))


@pytest.mark.parametrize("acknowledged", [True, False])
def test_a_request_counts_once_the_log_has_it(monkeypatch: pytest.MonkeyPatch, acknowledged: bool):
    written: list[Any] = []

    class Writer:
        def __init__(self, *_: object) -> None:
            return

        def write(self, records: list[Any]) -> set[str]:
            written.extend(records)
            return {"request"} if acknowledged else set()

    class Admin:
        def __init__(self, *_: object) -> None:
            return

        def ends(self, _topics: object) -> dict[tuple[str, int], int]:
            return {("erasure-requests", 0): 5}

    monkeypatch.setattr(erasure_log, "AcknowledgedWriter", Writer)
    monkeypatch.setattr(erasure_log, "KafkaAdmin", Admin)
    request = requested(SOMEBODY, "usr_1", NOON)
    if acknowledged:
        assert ErasureLog("k", "g", CODEC).request(request) == 5
    else:
        with pytest.raises(Unavailable, match="may be repeated"):
            ErasureLog("k", "g", CODEC).request(request)
    assert CODEC.decode(written[0].value) == request
