"""Erasure on a real broker, with stages that are played here: what goes, what stays, what is refused."""

import dataclasses
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition
from typer.testing import CliRunner

from connectors.batching import Place
from connectors.catching_up import Patience
from connectors.erasing.eraser import ORDERS, STAGES, Eraser
from connectors.erasing.open_turns import OpenTurns
from connectors.export import export
from connectors.landing_zone import LandingZone
from connectors.log_scan import LogScan, whole
from connectors.retention import Retention
from connectors.steward import GROUP, Steward, make_eraser, revoked_again, watched_policies
from connectors.steward_metrics import StewardMetrics
from sluice import wiring
from sluice.api_keys import new_key
from sluice.backup import RESTORED_MARK, back_up, restore
from sluice.cli.main import build
from sluice.clock import utc_now
from sluice.dead_letter_topics import read
from sluice.dead_letters import DeadLetters, Origin
from sluice.erasure_log import ErasureLog, requested
from sluice.errors import Rejected, RejectReason, Unavailable
from sluice.events import ErasureCompleted, PersonErased, StopRequested, TurnFinished
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import consumer_config
from sluice.key_files import read_key_file
from sluice.letter_box import PUBLIC_FILE
from sluice.logs import get_logger
from sluice.placeholders import SEALED_AS, encode_values
from sluice.safe_text import SafeText
from sluice.sealing import KeyGone
from sluice.settings import Settings
from tests.integration.connectors.platform import CODEC, Platform
from tests.landed import landed_bytes
from tests.samples import SAMPLES, TRACE
from tests.waiting import until

JANE, JOHN = "usr_" + "a" * 32, "usr_" + "b" * 32


@pytest.fixture
def settings(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in ("SLUICE_BROKER", "SLUICE_HOME", "SLUICE_PORT_OFFSET"):
        monkeypatch.setenv(name, platform.variables[name])
    return Settings()


@pytest.fixture
def eraser(settings: Settings) -> Eraser:
    stopping = threading.Event()
    made = make_eraser(settings, CODEC, stopping)
    return changed(made, patience=patience(60.0), stop_seconds=60.0)


def patience(seconds: float) -> Patience:
    return Patience(seconds, time.monotonic, lambda pause: time.sleep(min(pause, 0.1)))


def changed(eraser: Eraser, **changes: Any) -> Eraser:
    return dataclasses.replace(eraser, **changes)


def seen_by_stages(servers: str) -> None:
    """What workers do, without doing it: commit all that there is."""
    for group, topics in STAGES.items():
        window = whole(LogScan(servers), [*topics, ORDERS])
        reader = Consumer(consumer_config(servers, "test", group))
        offsets = [TopicPartition(*place, span.end) for place, span in window.items() if span.end]
        if offsets:
            reader.commit(offsets=offsets, asynchronous=False)
        reader.close()


class Stages:
    """Commits for the stages while a test runs, as often as it can."""

    def __init__(self, servers: str) -> None:
        self._servers, self._stopping = servers, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            seen_by_stages(self._servers)


def said(name: str, user_id: str, turn: str, session: str = "s-1", **changes: Any) -> Any:
    own = {"event_id": f"{name}-{turn}", "turn_id": turn, "session_id": session, "user_id": user_id}
    return msgspec.structs.replace(SAMPLES[name], **(own | {"occurred_at": utc_now()} | changes))


def turn_of(settings: Settings, user_id: str, turn: str, session: str) -> list[Any]:
    """A question with an address, and its end, sealed as the platform seals."""
    sealer = wiring.sealer(settings)
    text = sealer.seal("I am jane@example.org", subject=user_id, field="ChatRequested.text")
    values = sealer.seal(encode_values({"[EMAIL_1]": "jane@example.org"}), subject=user_id, field=SEALED_AS)
    told = {"question": SafeText("I am [EMAIL_1]"), "answer": SafeText("Hi [EMAIL_1]"), "placeholders": values}
    return [
        said("ChatRequested", user_id, turn, session, text=text, context=None),
        said("TurnFinished", user_id, turn, session, accepted_at=utc_now(), **told),
        said("AttemptMetered", user_id, turn, session),
    ]


def letter(settings: Settings, platform: Platform, value: bytes, key: bytes | None = None) -> None:
    letters = DeadLetters(CODEC, read_key_file(settings.keys_dir, PUBLIC_FILE), "sluice-test", utc_now)
    origin = Origin("chat-requests", 0, len(value), utc_now(), key, value, [("traceparent", TRACE.encode())])
    topic, sealed = letters.letter(origin, RejectReason.UNDECODABLE, "test")
    platform.producer.produce(topic, sealed)


def events(servers: str, *topics: str) -> list[Any]:
    scan = LogScan(servers)
    return [CODEC.decode(record.value) for record in scan.records(whole(scan, topics))]


def test_everything_of_a_person_goes_and_others_stay(settings: Settings, platform: Platform, eraser: Eraser):
    platform.say(*turn_of(settings, JANE, "t-1", "s-1"), *turn_of(settings, JOHN, "t-2", "s-2"))
    letter(settings, platform, CODEC.encode(said("ChatRequested", JANE, "t-9", "s-1")))
    letter(settings, platform, b"malformed, of session", key=b"s-1")
    letter(settings, platform, b"somebody else's")
    platform.flush()
    platform.start_sink()
    assert until(lambda: platform.landed("llm-usage")[0] == 2 and platform.landed("chat-turns")[0] == 2)
    sealer, log = wiring.sealer(settings), ErasureLog(settings.bootstrap_servers, GROUP, CODEC)
    request = requested(JANE, "usr_officer", utc_now())
    start, steps = log.request(request), list[str]()
    with Stages(settings.bootstrap_servers):
        done = eraser.erase(request, steps.append)
    assert log.completion(request.event_id, start, 10, lambda _passed: None) == done
    assert (done.keys, done.rows, done.letters, done.turns_stopped) == (1, 2, 2, 0)
    assert steps[0] == "ending running turns"
    assert steps[-1] == "proof"
    for event in events(settings.bootstrap_servers, "chat-turns"):
        opens = partial(sealer.open, event.placeholders, subject=event.user_id, field=SEALED_AS)
        if event.user_id == JANE:
            with pytest.raises(KeyGone):
                opens()
        else:
            assert "jane@example.org" in opens()
    orders = events(settings.bootstrap_servers, ORDERS)
    assert [type(order) for order in orders] == [PersonErased] * 8
    held = read(settings.bootstrap_servers, CODEC).letters
    assert [one.origin_offset for one in held] == [len(b"somebody else's")]
    assert JANE.encode() not in b"".join(landed_bytes(settings.landing_dir, without="audit-log").values())
    marks = [record for _, record in wiring.audit_log(settings, "admin").records()]
    assert [(mark.action, mark.subject_id, mark.actor_id) for mark in marks] == [("data.erase", JANE, "usr_officer")]
    with Stages(settings.bootstrap_servers):
        again = eraser.erase(requested(JANE, "usr_officer", utc_now()), steps.append)
    assert (again.keys, again.rows, again.letters) == (0, 0, 0)
    platform.say(*turn_of(settings, JANE, "t-3", "s-1"))  # the person comes back
    platform.flush()
    found = export(
        JANE, eraser.scan, CODEC, LandingZone(settings.landing_dir), sealer, lambda _seen: None, lambda *_: None
    )
    (conversation,) = found["conversations"]
    assert [(turn["turn_id"], turn["question"]) for turn in conversation["turns"]] == [("t-3", "I am jane@example.org")]
    assert [row["turn_id"] for row in found["usage"]] == ["t-3"]
    assert (found["unreadable"], found["erased_until"]) == (0, again.erased_at.isoformat())


def test_an_erasure_that_broke_off_knows_what_it_knew(settings: Settings, platform: Platform, eraser: Eraser):
    """Between landed rows and dead letters: the rows tell of no session any more, and turns of long ago neither."""
    platform.say(*turn_of(settings, JANE, "t-1", "s-long-ago"))
    letter(settings, platform, b"malformed, of session", key=b"s-long-ago")
    platform.flush()
    sink = platform.start_sink()
    assert until(lambda: platform.landed("llm-usage")[0] == 1 and platform.landed("chat-turns")[0] == 1)
    sink.terminate()
    sink.wait(30)
    request = requested(JANE, "usr_officer", utc_now())

    class Killed(Exception):
        pass

    def say(step: str) -> None:
        if step == "dead letters":
            raise Killed

    old = changed(eraser, clock=lambda: utc_now() + timedelta(hours=1))  # turns of an hour ago are not looked at
    with Stages(settings.bootstrap_servers):
        with pytest.raises(Killed):
            old.erase(request, say)
        done = old.erase(request, lambda _step: None)
    assert (done.keys, done.rows, done.letters) == (1, 2, 1)
    assert read(settings.bootstrap_servers, CODEC).letters == []
    assert [*eraser.notes.iterdir()] == []


def test_an_export_has_the_values_in_their_places(settings: Settings, platform: Platform):
    sealer = wiring.sealer(settings)
    comment = sealer.seal("thanks, jane", subject=JANE, field="FeedbackGiven.comment")
    feedback = said("FeedbackGiven", JANE, "t-1", rating="up", comment=comment)
    platform.say(*turn_of(settings, JANE, "t-1", "s-1"), *turn_of(settings, JOHN, "t-2", "s-2"), feedback)
    platform.say_bytes("chat-turns", JANE.encode())
    platform.flush()
    platform.start_sink()
    assert until(lambda: platform.landed("chat-turns")[0] == 2)
    old = next(LandingZone(settings.landing_dir).files("chat-turns"))
    done = platform.sluice("export", JANE)
    assert done.returncode == 0, done.stderr
    found = msgspec.json.decode(done.stdout)
    assert found["person"] == JANE
    (conversation,) = found["conversations"]
    (turn,) = conversation["turns"]
    assert (turn["question"], turn["answer"]) == ("I am jane@example.org", "Hi jane@example.org")
    assert [given["comment"] for given in found["feedback"]] == ["thanks, jane"]
    assert [row["turn_id"] for row in found["usage"]] == ["t-1"]
    assert old.path.exists()
    target = settings.home / "jane.json"
    written = platform.sluice("export", JANE, "--output", str(target))
    assert "1 conversations" in written.stdout
    assert (target.stat().st_mode & 0o777, msgspec.json.decode(target.read_bytes())) == (0o600, found)
    refused = platform.sluice("export", JANE, "--output", str(target))
    assert (refused.returncode, "is there already" in refused.stderr) == (2, True)


def test_running_turns_are_ended(settings: Settings, platform: Platform, eraser: Eraser):
    platform.say(said("ChatRequested", JANE, "t-1"), said("ChatRequested", JANE, "t-2", "s-2"))
    platform.say(said("TurnFinished", JANE, "t-2", "s-2"), said("ChatRequested", JOHN, "t-3"))
    platform.flush()

    def answer() -> None:
        assert until(lambda: bool(events(settings.bootstrap_servers, "chat-controls")))
        platform.say(said("TurnFinished", JANE, "t-1"))
        platform.flush()

    stage = threading.Thread(target=answer)
    stage.start()
    with Stages(settings.bootstrap_servers):
        done = eraser.erase(requested(JANE, "usr_officer", utc_now()), lambda _step: None)
    stage.join()
    (stop,) = events(settings.bootstrap_servers, "chat-controls")
    assert isinstance(stop, StopRequested)
    assert (stop.turn_id, stop.session_id, stop.user_id, done.turns_stopped) == ("t-1", "s-1", JANE, 1)
    ended = [event for event in events(settings.bootstrap_servers, "chat-turns") if isinstance(event, TurnFinished)]
    assert all(event.occurred_at <= done.erased_at for event in ended)


def test_a_turn_without_an_end_is_not_waited_for_for_ever(settings: Settings, platform: Platform, eraser: Eraser):
    platform.say(said("ChatRequested", JANE, "t-1"))
    platform.flush()
    with Stages(settings.bootstrap_servers):
        hasty = changed(eraser, stop_seconds=3.0)
        done = hasty.erase(requested(JANE, "usr_officer", utc_now()), lambda _step: None)
    assert done.turns_stopped == 1


def test_old_turns_are_not_looked_at(settings: Settings, platform: Platform):
    platform.say(said("ChatRequested", JANE, "t-1"))
    platform.flush()
    turns = OpenTurns(LogScan(settings.bootstrap_servers), CODEC, JANE, utc_now() + timedelta(minutes=1))
    assert turns.look() == {}


def test_without_stages_nothing_is_destroyed(settings: Settings, platform: Platform, eraser: Eraser):
    """Keys are the last thing to go: a stage that has not been told might write what cannot be read any more."""
    platform.say(*turn_of(settings, JANE, "t-1", "s-1"))
    platform.flush()
    hasty = changed(eraser, patience=patience(2.0))
    with pytest.raises(Unavailable, match="stages have not finished"):
        hasty.erase(requested(JANE, "usr_officer", utc_now()), lambda _step: None)
    assert wiring.key_store(settings).count() == (1, 1)


class Office:
    def __init__(self) -> None:
        self.put_away: list[str] = []

    def put(self, _origin: Origin, rejected: Rejected) -> None:
        self.put_away.append(rejected.reason.value)

    def settle(self) -> None:
        return


def test_the_steward_carries_out_what_is_on_the_log(settings: Settings, platform: Platform, eraser: Eraser):
    log, stopping, office = ErasureLog(settings.bootstrap_servers, GROUP, CODEC), threading.Event(), Office()
    platform.say_bytes("erasure-requests", b"malformed")
    platform.flush()
    request = requested(JANE, "usr_officer", utc_now())
    start = log.request(request)
    metrics, tries = StewardMetrics(), list[str]()

    def rebuild() -> None:
        tries.append("build")
        if len(tries) == 1:
            raise Unavailable("dbt is away")

    brave = changed(eraser, rebuild=rebuild)
    stores = wiring.key_store(settings), wiring.api_keys(settings)
    retention = Retention(eraser.zone, *stores, eraser.tell_stages, rebuild, utc_now)
    consumer = Consumer(consumer_config(settings.bootstrap_servers, GROUP, GROUP))
    policies = watched_policies(settings)
    steward = Steward(
        consumer, CODEC, office, brave, retention, policies, metrics, get_logger(), lambda: None, lambda: None
    )
    thread = threading.Thread(target=steward.run, args=(stopping,))
    with Stages(settings.bootstrap_servers):
        thread.start()
        done = log.completion(request.event_id, start, 60, lambda _passed: None)
        admin, place = KafkaAdmin(settings.bootstrap_servers), ("erasure-requests", 0)
        assert until(lambda: admin.committed(GROUP).get(place) == admin.ends({place[0]: 1})[place])
        stopping.set()
        thread.join()
    consumer.close()
    assert isinstance(done, ErasureCompleted)
    assert (tries, office.put_away) == (["build", "build"], ["bad_magic_byte"])
    assert metrics.registry.get_sample_value("sluice_erasure_failures_total") == 1
    assert metrics.registry.get_sample_value("sluice_erasure_seconds_count") == 1
    marks = [record.reason or "" for _, record in wiring.audit_log(settings, "operator").records()]
    assert [reason for reason in marks if reason.startswith("avro/topics.yaml is new: ")]
    assert policies.look() == 0


def test_who_was_erased_since_a_backup_is_erased_again(settings: Settings, platform: Platform, eraser: Eraser):
    platform.say(*turn_of(settings, JANE, "t-1", "s-1"), *turn_of(settings, JOHN, "t-2", "s-2"))
    platform.flush()
    sink = platform.start_sink()
    assert until(lambda: platform.landed("llm-usage")[0] == 2 and platform.landed("chat-turns")[0] == 2)
    sink.terminate()
    sink.wait(30)
    machine, stores = (
        new_key("a machine", ["chat"], None, utc_now(), 90)[1],
        (wiring.key_store(settings), wiring.api_keys(settings)),
    )
    stores[1].add(machine)
    back_up(settings, *stores, settings.home / "copy", lambda _what: None, lambda: None)
    with Stages(settings.bootstrap_servers):
        eraser.erase(requested(JANE, "usr_officer", utc_now()), lambda _step: None)
    fresh = Settings(home=settings.home / "fresh")
    restore(fresh, settings.home / "copy", wiring.key_wrapper(settings), lambda _what: None, lambda: None)
    keys, zone = wiring.key_store(fresh), LandingZone(fresh.landing_dir)
    assert keys.count() == (2, 2)
    again = changed(eraser, keys=keys, zone=zone)
    tries: list[int] = []

    def rebuild() -> None:
        tries.append(len(tries))
        if len(tries) == 1:
            raise Unavailable("dbt is away")

    assert CliRunner().invoke(build(), ["api-keys", "revoke", machine.key_id]).exit_code == 0
    (known,) = wiring.api_keys(fresh).listed()
    assert known.revoked_at is None
    steward = Steward(
        None,  # type: ignore[arg-type]
        CODEC,
        Office(),
        changed(again, rebuild=rebuild),
        None,  # type: ignore[arg-type]
        None,  # type: ignore[arg-type]
        StewardMetrics(),
        get_logger(),
        partial(revoked_again, fresh),
        lambda: None,
    )
    mark = fresh.home / RESTORED_MARK
    stopping = Impatient()
    steward.catch_up(mark, stopping)
    assert (keys.count(), mark.exists(), len(tries)) == ((1, 1), False, 2)
    assert wiring.api_keys(fresh).find(machine.key_id).revoked_at is not None  # type: ignore[union-attr]
    left = b"".join(landed_bytes(fresh.landing_dir).values())
    assert (JANE.encode() in left, JOHN.encode() in left) == (False, True)
    steward.catch_up(mark, stopping)
    assert len(tries) == 2


class Impatient(threading.Event):
    """Does not wait."""

    def wait(self, _timeout: float | None = None) -> bool:
        return False


def test_a_request_that_takes_longer_is_still_on_the_log(settings: Settings, platform: Platform):
    done = platform.sluice("erase", "jane", "--yes", "--wait", "1")
    assert done.returncode == 1
    assert "will be carried out" in done.stderr
    (request,) = events(settings.bootstrap_servers, "erasure-requests")
    assert request.user_id.startswith("usr_")
    refused = platform.sluice("erase", "jane")
    assert refused.returncode == 1
    assert len(events(settings.bootstrap_servers, "erasure-requests")) == 1


def test_where_records_are(settings: Settings, platform: Platform):
    scan, place = LogScan(settings.bootstrap_servers), Place("llm-usage", 0)
    now = datetime.now(UTC)
    end = scan.window([place])[place].end
    assert scan.starts([place], now + timedelta(hours=1)) == {place: end}
