"""The whole platform on an Apache Kafka with TLS, passwords and access control; then every cell of who may do what."""

import json
import ssl
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AclBinding, AdminClient
from playwright.sync_api import expect, sync_playwright
from pydantic import SecretStr
from websockets.sync.client import connect

from local.ports import is_taken, needed
from local.processes import ProcessManager
from local.security import WITHOUT_KEYS
from local.test_tools import find_chromium
from sluice.certificates import LIFE, SERVERS, certificate_file, make_certificates
from sluice.clock import utc_now
from sluice.errors import ConfigurationError, Unavailable
from sluice.grants import CLUSTER, Grant, Operation, Resource, allowed, grants
from sluice.ids import new_id
from sluice.kafka_access import Principal, broker_connection, connection, user_of
from sluice.kafka_admin import KafkaAdmin, Unauthenticated
from sluice.kafka_config import Connection, client_config
from sluice.key_files import OWN_FOLDERS
from sluice.settings import Settings
from sluice.tls import client_context
from sluice.topics import catalogue, principals
from tests.e2e.conftest import Platform, start
from tests.integration.cells import TOPIC_ATTEMPTS, Attempts, Said, differences
from tests.ports import free_ports
from tests.tls_server import listening, tls

PRINCIPALS: list[Any] = [*principals()]
GROUPS = [one.group for one in principals().values()]
TOPICS = [*catalogue(), "__consumer_offsets"]
CHAINS = [topic.transactional_id for topic in catalogue().values() if topic.transactional_id is not None]
BROWSERS_TAKE = {10080}
METRICS = ("gateway", "enrich", "redact", "respond", "landing", "steward")


def free_offset() -> int:
    for port in free_ports(50):
        settings = Settings(port_offset=port - 20_000)
        wanted = needed(settings).values()
        if settings.gateway_port not in BROWSERS_TAKE and not any(is_taken(one) for one in wanted):
            return settings.port_offset
    pytest.fail("no room for a platform")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Up with one setting. It is given once: the home remembers it."""
    home = tmp_path_factory.mktemp("secured")
    running = start(home, free_offset())
    first = Platform(running.settings, running.environment | {"SLUICE_SECURE": "1"})
    up = first.run("up", timeout=280)
    assert up.returncode == 0, up.stdout + up.stderr
    try:
        yield Platform(Settings(home=home, port_offset=running.settings.port_offset), running.environment)
    finally:
        down = running.run("down")
        assert down.returncode == 0, down.stdout + down.stderr


@pytest.fixture(scope="module")
def turn_id(platform: Platform) -> str:
    answer = platform.ask("My address is jane@example.com. What is a sluice?")
    assert answer["state"] == "completed", answer
    return str(answer["turn_id"])


def connection_of(platform: Platform, principal: Principal) -> Connection:
    return connection(platform.settings, principal)


# -- the platform works


def test_a_turn_goes_over_tls_all_the_way(platform: Platform, turn_id: str):
    assert platform.settings.secure
    assert platform.settings.gateway_url.startswith("https://")
    way = json.loads(platform.run("turn", turn_id, "--json").stdout)
    assert {record["topic"] for record in way["records"]} >= {
        "chat-requests", "chat-enriched", "chat-prompts", "chat-replies", "chat-turns", "llm-usage", "turn-telemetry",
    }  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["doctor"],
        ["lag"],
        ["topics", "list"],
        ["topics", "apply"],
        ["topics", "acls", "--dry-run"],
        ["topics", "acls", "--apply"],
        ["dlq", "list"],
        ["usage"],
        ["up"],
    ],
)
def test_people_find_everything_as_it_should_be(platform: Platform, turn_id: str, command: list[str]):
    done = platform.run(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NO " not in done.stdout


def test_the_prompt_of_a_turn_can_be_made_again(platform: Platform, turn_id: str):
    done = platform.run("prompt", "render", turn_id, "--json")
    assert done.returncode == 0, done.stderr
    assert "jane@example.com" not in done.stdout


def test_a_person_takes_what_is_theirs_and_goes(platform: Platform):
    subject = f"person-{new_id()}"
    token = platform.run("token", "--subject", subject).stdout.strip()
    assert platform.ask("I am jane@example.com", "--token", token)["state"] == "completed"
    own = json.loads(platform.run("export", subject).stdout)
    assert [turn["question"] for turn in own["conversations"][0]["turns"]] == ["I am jane@example.com"]
    done = platform.run("erase", subject, "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["keys"] == 1
    left = json.loads(platform.run("export", subject).stdout)
    assert (left["conversations"], left["usage"], left["unreadable"]) == ([], [], 0)
    assert left["erased_until"] is not None
    marks = json.loads(platform.run("audit", "list", "--json").stdout)
    assert next(mark["reason"] for mark in marks if mark["action"] == "data.erase") == "requested"
    assert json.loads(platform.run("audit", "verify", "--json").stdout)["broken"] == []


def test_a_bad_record_goes_to_the_dead_letters_and_back(platform: Platform):
    service = Attempts(connection_of(platform, "gateway"), "sluice-gateway", "chat-requests")
    assert service.write(["chat-requests"]) == {"chat-requests": None}
    letters: list[dict[str, Any]] = []
    for _ in range(60):
        letters = json.loads(platform.run("dlq", "list", "--json").stdout)
        if any(letter["origin_topic"] == "chat-requests" for letter in letters):
            break
    own = next(letter for letter in letters if letter["origin_topic"] == "chat-requests")
    assert own["reason"] == "null_record"
    again = json.loads(platform.run("dlq", "redrive", own["event_id"], "--json").stdout)
    assert [letter["outcome"] for letter in again["letters"]] == ["has no bytes"]


def test_metrics_of_every_process_are_over_tls(platform: Platform):
    settings = platform.settings
    context = client_context(settings)
    assert context is not None
    for process in METRICS:
        address = f"127.0.0.1:{settings.metrics_port(process)}/metrics"  # type: ignore[arg-type]
        assert "# HELP " in httpx.get(f"https://{address}", verify=context).text
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://{address}")


def test_a_program_with_a_ticket_over_wss(platform: Platform):
    url, context = platform.settings.gateway_url, client_context(platform.settings)
    assert context is not None
    with httpx.Client(base_url=url, verify=context) as http:
        token = http.post("/v1/dev/token").json()["token"]
        ticket = http.post("/v1/tickets", headers={"Authorization": f"Bearer {token}"}).json()["ticket"]
    offered: Any = ["sluice.v1", f"ticket.{ticket}"]
    with connect(url.replace("https", "wss") + "/v1/ws", ssl=context, subprotocols=offered, proxy=None) as socket:
        assert json.loads(socket.recv(timeout=10))["type"] == "ready"


def test_a_person_at_the_page_over_https(platform: Platform):
    path = find_chromium()
    assert path is not None, "no Chromium; as root: apt-get install chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        context = chromium.new_context(ignore_https_errors=True)  # the browser has not been told of the authority
        page = context.new_page()
        schemes: set[str] = set()
        page.on("request", lambda request: schemes.add(urlsplit(request.url).scheme))
        page.on("websocket", lambda socket: schemes.add(urlsplit(socket.url).scheme))
        page.goto(platform.settings.gateway_url)
        page.get_by_test_id("message-box").fill("What is a sluice?")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("figure-cost")).to_have_count(1, timeout=30_000)
        chromium.close()
    assert schemes <= {"https", "wss", "data"}
    assert {"https", "wss"} <= schemes


# -- who is not let in


def with_changes(platform: Platform, **changes: str) -> subprocess.CompletedProcess[str]:
    return Platform(platform.settings, platform.environment | changes).run("lag")


def test_a_certificate_of_another_authority_is_refused_with_what_to_do(platform: Platform, tmp_path: Path):
    make_certificates(tmp_path, utc_now())
    other = str(tmp_path / "ca.pem")
    kafka = with_changes(platform, SLUICE_KAFKA_CA_FILE=other)
    assert (kafka.returncode, "SLUICE_KAFKA_CA_FILE" in kafka.stderr) == (3, True), kafka.stderr
    chat = Platform(platform.settings, platform.environment | {"SLUICE_CA_FILE": other}).run("chat", "--once", "hello")
    assert (chat.returncode, "not of an authority that we trust" in chat.stderr) == (3, True), chat.stderr
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(platform.settings.gateway_url)


def test_who_speaks_no_tls_is_told(platform: Platform):
    kafka = with_changes(platform, SLUICE_SECURE="0")
    assert (kafka.returncode, "speaks TLS. Set SLUICE_SECURE=1" in kafka.stderr) == (3, True), kafka.stderr
    chat = Platform(platform.settings, platform.environment | {"SLUICE_SECURE": "0"}).run("chat", "--once", "hello")
    assert (chat.returncode, "speaks TLS. Set SLUICE_SECURE=1" in chat.stderr) == (3, True), chat.stderr


@pytest.mark.parametrize(("user", "password"), [("sluice-gateway", "wrong"), ("nobody", "wrong")])
def test_who_has_no_password_is_told(platform: Platform, user: str, password: str):
    known = connection_of(platform, "gateway")
    stranger = Connection(known.servers, "SASL_SSL", known.ca_file, "SCRAM-SHA-512", user, SecretStr(password))
    with pytest.raises(Unauthenticated, match="SLUICE_KAFKA_USER"):
        KafkaAdmin(stranger).partitions(2.0)


def test_services_do_not_come_by_plain_and_the_brokers_user_not_with_their_password(platform: Platform):
    known = connection_of(platform, "gateway")
    for user in (known.user, user_of("broker")):
        other = Connection(known.servers, "SASL_SSL", known.ca_file, "PLAIN", user, known.password)
        with pytest.raises(Unauthenticated):
            KafkaAdmin(other).partitions(2.0)


def test_tls_without_a_user_is_nobody(platform: Platform):
    known = connection_of(platform, "gateway")
    admin = AdminClient(client_config(Connection(known.servers, "SSL", known.ca_file), "nobody"))
    with pytest.raises(KafkaException):
        admin.list_topics(timeout=2.0)


def test_the_controllers_listener_asks_too(platform: Platform):
    port = platform.settings.controller_port
    with pytest.raises(ssl.SSLCertVerificationError):
        ssl.get_server_certificate(("127.0.0.1", port), ca_certs=str(_other_authority(platform)))
    assert ssl.get_server_certificate(("127.0.0.1", port), ca_certs=str(platform.settings.certs_dir / "ca.pem"))


def _other_authority(platform: Platform) -> Path:
    folder = platform.settings.home / "other-certs"
    make_certificates(folder, utc_now())
    return folder / "ca.pem"


# -- the respond stage


def process_of(platform: Platform, name: str) -> psutil.Process:
    (state,) = [one for one in ProcessManager(platform.settings).states() if one.name == name]
    return psutil.Process(state.pid)


def test_the_respond_stage_reads_nothing_sealed_and_has_no_key(platform: Platform, turn_id: str):
    respond = Attempts(connection_of(platform, "respond"), "sluice-respond", "chat-prompts")
    sealed = {name: "TOPIC_AUTHORIZATION_FAILED" for name, topic in catalogue().items() if topic.pii == "sealed"}
    assert {"chat-requests", "chat-enriched"} < sealed.keys()
    assert respond.read(list(sealed)) == sealed
    process = process_of(platform, "respond")
    told = Path(process.environ()["SLUICE_KEYS_DIR"])
    assert {path.name for path in told.iterdir()} == {"dead-letters.public", "kafka-respond.password"}
    assert not [file.path for file in process.open_files() if "keys" in Path(file.path).parts]
    assert (platform.settings.keys_dir / "subjects").is_dir()  # where those live who have one


@pytest.mark.parametrize("name", WITHOUT_KEYS)
def test_other_processes_without_keys(platform: Platform, name: str):
    told = platform.settings.keys_dir / OWN_FOLDERS / name
    if name != "bigquery":  # off in this platform; its folder waits for it
        assert process_of(platform, name).environ()["SLUICE_KEYS_DIR"] == str(told)
    assert {path.name for path in told.iterdir()} == {"dead-letters.public", f"kafka-{WITHOUT_KEYS[name]}.password"}


# -- every cell


@pytest.fixture(params=PRINCIPALS)
def attempts(request: pytest.FixtureRequest, platform: Platform, turn_id: str) -> Attempts:
    name = request.param
    own = min(one.name for one in grants() if (one.principal, one.resource, one.operation) == (name, "topic", "read"))
    return Attempts(connection_of(platform, name), principals()[name].group, own)


def cells(attempts: Attempts, resource: Resource, operation: Operation, names: list[str]) -> list[tuple[str, bool]]:
    """For each thing whether this is granted to the user who attempts it."""
    name = attempts.connection.user.removeprefix("sluice-")
    return [(thing, allowed(Grant(name, resource, thing, operation), grants())) for thing in names]


@pytest.mark.parametrize("operation", TOPIC_ATTEMPTS)
def test_topics(attempts: Attempts, operation: Operation):
    said = TOPIC_ATTEMPTS[operation](attempts, TOPICS)
    assert len(said) == len(TOPICS)
    assert differences(cells(attempts, "topic", operation, TOPICS), said, operation) == []


def test_groups(attempts: Attempts):
    read, describe = cells(attempts, "group", "read", GROUPS), cells(attempts, "group", "describe", GROUPS)
    foreign = [group for group, granted in read if not granted]
    joined: Said = {group: attempts.join(group) for group in foreign}
    assert differences([(group, False) for group in foreign], joined, "join") == []
    assert differences(read, attempts.commit(GROUPS), "commit") == []
    assert differences(describe, attempts.look_at(GROUPS), "describe") == []


def test_the_cluster(attempts: Attempts):
    operations: list[Operation] = ["describe", "alter", "create", "describe_configs", "alter_configs"]
    name = attempts.connection.user.removeprefix("sluice-")
    wanted = [(what, allowed(Grant(name, "cluster", CLUSTER, what), grants())) for what in operations]
    assert differences(wanted, attempts.cluster(), "cluster") == []


def test_transactional_ids(attempts: Attempts):
    names = [*CHAINS, "an-id-of-nobody"]
    said = {name: attempts.begin_transactions(name) for name in names}
    assert differences(cells(attempts, "transactional_id", "write", names), said, "take") == []


def test_nothing_can_be_destroyed_by_who_may_not(attempts: Attempts):
    topics = [name for name, granted in cells(attempts, "topic", "delete", TOPICS) if not granted]
    groups = [name for name, granted in cells(attempts, "group", "delete", GROUPS) if not granted]
    assert differences([(name, False) for name in topics], attempts.destroy_topics(topics), "destroy") == []
    assert differences([(name, False) for name in groups], attempts.destroy_groups(groups), "destroy") == []


def test_a_right_too_many_is_noticed_and_taken_away(platform: Platform, turn_id: str):
    respond = Attempts(connection_of(platform, "respond"), "sluice-respond", "chat-prompts")
    wanted = cells(respond, "topic", "read", TOPICS)
    broker = AdminClient(client_config(broker_connection(platform.settings), "test"))
    extra = AclBinding("TOPIC", "chat-requests", "LITERAL", "User:sluice-respond", "*", "READ", "ALLOW")
    broker.create_acls([extra])[extra].result(10)
    found = [differences(wanted, respond.read(TOPICS), "read") for _ in range(20)]
    assert found[-1] == ["read chat-requests: not granted, Kafka said None"]
    dry = platform.run("topics", "acls", "--dry-run")
    assert (dry.returncode, "- sluice-respond read topic chat-requests" in dry.stdout) == (1, True)
    assert platform.run("topics", "acls", "--apply").returncode == 0
    assert differences(wanted, respond.read(TOPICS), "read") == []


# -- what is left behind


def test_no_password_and_no_key_is_in_a_log_or_on_a_command_line(platform: Platform, turn_id: str):
    home = platform.settings.home
    secrets = [path.read_text() for path in platform.settings.keys_dir.glob("kafka-*.password")]
    assert len(secrets) == len(PRINCIPALS) + 1
    secrets += (home / "certs" / "gateway.pem").read_text().splitlines()[1:3]
    places = [*platform.settings.logs_dir.iterdir(), home / "kafka" / "server.properties", home / "supervisord.conf"]
    shown = "".join(path.read_text(errors="replace") for path in places)
    manager = psutil.Process(int((home / "supervisord.pid").read_text()))
    for process in (manager, *manager.children(recursive=True)):
        shown += " ".join(process.cmdline()) + json.dumps(process.environ())
    assert "User:sluice-broker" in shown
    assert not [secret for secret in secrets if secret in shown]


def test_the_platform_is_well_after_all_that(platform: Platform):
    assert platform.ask("still there?")["state"] == "completed"
    assert platform.run("doctor").returncode == 0
    letters = json.loads(platform.run("dlq", "list", "--json").stdout)
    assert {letter["reason"] for letter in letters} == {"null_record"}


# -- certificates that librdkafka meets


@pytest.mark.parametrize(
    ("age", "host", "words"),
    [
        (timedelta(0), "127.0.0.1", None),
        (LIFE + timedelta(hours=1), "127.0.0.1", "has expired. Renew it with `sluice certs`"),
        (timedelta(0), "127.0.0.2", "is for other names"),
    ],
)
def test_a_certificate_that_is_no_good_for_kafka_is_told(tmp_path: Path, age: timedelta, host: str, words: str | None):
    make_certificates(tmp_path, utc_now())
    for name in SERVERS:
        certificate_file(tmp_path, name).unlink()
    authority = (tmp_path / "ca.pem").read_bytes()
    make_certificates(tmp_path, utc_now() - age)
    assert (tmp_path / "ca.pem").read_bytes() == authority
    with listening(tls(tmp_path)) as port:
        known = Connection(f"{host}:{port}", "SASL_SSL", tmp_path / "ca.pem", "SCRAM-SHA-512", "u", SecretStr("p"))
        with pytest.raises(ConfigurationError if words else Unavailable, match=words or "No Kafka broker answers"):
            KafkaAdmin(known).partitions(2.0)
