"""As whom a process comes, by its settings."""

from pathlib import Path

import pytest
from confluent_kafka import KafkaException, Producer
from pydantic import SecretStr

from sluice.errors import ConfigurationError
from sluice.kafka_access import broker_connection, connection
from sluice.kafka_config import client_config, consumer_config, producer_config
from sluice.key_files import make_key_files, make_own_folder, make_passwords
from sluice.settings import Settings

PASSWORD = "n0t-f0r-a-l0g"  # nosecret


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_passwords(tmp_path / "keys", ["broker", "gateway", "redact"])
    return tmp_path


def test_without_security_there_is_an_address_and_nothing_else(tmp_path: Path):
    found = connection(Settings(home=tmp_path), "gateway")
    assert (str(found), found.encrypted) == ("127.0.0.1:9092", False)
    assert client_config(found, "c") == client_config("127.0.0.1:9092", "c")


def test_the_built_in_kafka_knows_each_service_by_a_password_of_its_own(home: Path):
    settings = Settings(home=home, secure=True)
    gateway, redact, broker = (
        connection(settings, "gateway"),
        connection(settings, "redact"),
        broker_connection(settings),
    )
    assert gateway.encrypted
    assert gateway.config == {
        "bootstrap.servers": "127.0.0.1:9092",
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(home / "certs" / "ca.pem"),
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "sluice-gateway",
        "sasl.password": (home / "keys" / "kafka-gateway.password").read_text(),
    }
    assert len({one.config["sasl.password"] for one in (gateway, redact, broker)}) == 3
    assert (broker.user, broker.mechanism) == ("sluice-broker", "PLAIN")


@pytest.mark.parametrize("of", [client_config, producer_config, lambda where, name: consumer_config(where, name, "g")])
def test_every_kind_of_client_is_secured(home: Path, of):
    config = of(connection(Settings(home=home, secure=True), "gateway"), "test")
    assert config["security.protocol"] == "SASL_SSL"
    assert config["client.id"] == "test"


def test_librdkafka_has_all_that_is_asked_for(home: Path):
    with pytest.raises(KafkaException, match=r"ssl\.ca\.location"):  # the only thing that is wrong: no such file
        Producer(producer_config(connection(Settings(home=home, secure=True), "gateway"), "test"))


def test_a_password_is_never_shown(home: Path):
    own = Settings(home=home, broker="k:9093", secure=True, kafka_user="u", kafka_password=SecretStr(PASSWORD))
    found = connection(own, "gateway")
    assert found.config["sasl.password"] == PASSWORD
    assert PASSWORD not in f"{own!r} {own} {found!r} {found}"


def test_a_cluster_of_ones_own(home: Path, tmp_path: Path):
    (tmp_path / "mounted").write_text(f"{PASSWORD}\n")
    settings = Settings(
        home=home,
        broker="k1:9093,k2:9093",
        kafka_protocol="SASL_SSL",
        kafka_mechanism="SCRAM-SHA-256",
        kafka_user="svc-chat",
        kafka_password_file=tmp_path / "mounted",
        kafka_ca_file=tmp_path / "ca.pem",
    )
    found = connection(settings, "gateway")
    assert found.config == {
        "bootstrap.servers": "k1:9093,k2:9093",
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(tmp_path / "ca.pem"),
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": "svc-chat",
        "sasl.password": PASSWORD,
    }


def test_a_cluster_of_ones_own_with_what_is_usual(home: Path):
    secured = connection(Settings(home=home, broker="k1:9093", secure=True), "gateway").config
    assert (secured["security.protocol"], secured["sasl.username"]) == ("SASL_SSL", "sluice-gateway")
    assert "ssl.ca.location" not in secured  # the system's
    tls = connection(Settings(home=home, broker="k1:9093", kafka_protocol="SSL"), "gateway").config
    assert tls == {"bootstrap.servers": "k1:9093", "security.protocol": "SSL"}


def test_a_password_without_tls_stays_on_this_machine(home: Path):
    near = Settings(home=home, broker="127.0.0.1:9092, localhost:9093", kafka_protocol="SASL_PLAINTEXT")
    assert connection(near, "gateway").user == "sluice-gateway"
    far = Settings(home=home, broker="127.0.0.1:9092,k1:9092", kafka_protocol="SASL_PLAINTEXT")
    with pytest.raises(ConfigurationError, match="SLUICE_KAFKA_PROTOCOL=SASL_SSL"):
        connection(far, "gateway")


def test_a_password_that_is_missing_is_named_with_what_to_do(home: Path):
    with pytest.raises(ConfigurationError, match=r"kafka-respond\.password .*`make up`.*SLUICE_KAFKA_PASSWORD_FILE"):
        connection(Settings(home=home, secure=True), "respond")
    (home / "keys" / "kafka-gateway.password").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="not text"):
        connection(Settings(home=home, secure=True), "gateway")
    (home / "keys" / "kafka-gateway.password").write_text("\n")
    with pytest.raises(ConfigurationError, match="empty"):
        connection(Settings(home=home, secure=True), "gateway")


def test_passwords_are_made_once(home: Path):
    before = {path: path.read_text() for path in (home / "keys").iterdir()}
    make_passwords(home / "keys", ["broker", "gateway", "redact"])
    assert {path: path.read_text() for path in (home / "keys").iterdir()} == before
    assert all(len(password) >= 43 for password in before.values())


def test_a_process_that_opens_nothing_has_a_folder_without_keys(home: Path):
    make_key_files(home / "keys")
    own = make_own_folder(home / "keys", "respond", "redact")
    assert {path.name for path in own.iterdir()} == {"dead-letters.public", "kafka-redact.password"}
    assert (own / "kafka-redact.password").read_text() == (home / "keys" / "kafka-redact.password").read_text()
    assert make_own_folder(home / "keys", "respond", "nobody") == own
