"""The parts of `make up` that need no platform."""

import socket
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local import bootstrap, jars, page, ports
from local.broker import Broker, new_cluster_id
from local.processes import ProcessManager, programs
from local.provider.answers import assistant, echo, story, tokens_of
from sluice.errors import ConfigurationError
from sluice.settings import Settings
from tests.ports import free_ports


@given(st.text())
def test_tokens_joined_are_the_text(text: str):
    assert "".join(tokens_of(text)) == text


def test_answers_are_deterministic():
    assert story("a") == story("b")
    assert "```python" in assistant("some code please")
    assert "> what?\n> and?" in assistant("what?\nand?")
    assert echo("x") == "x"


@pytest.mark.parametrize(
    ("version", "fit"),
    [
        ("v20.19.0\n", True),
        ("v20.18.9", False),
        ("v21.9.0", False),
        ("v22.12.0", True),
        ("v22.11.9", False),
        ("v24.1.0", True),
        ("", False),
    ],
)
def test_a_node_that_vite_takes(version: str, fit: bool):
    assert page.is_fit(version) == fit


def test_a_changed_source_changes_the_fingerprint(tmp_path: Path):
    (tmp_path / "a.ts").write_text("1")
    (tmp_path / "dist").mkdir()
    first = page.fingerprint(tmp_path)
    (tmp_path / "dist" / "out.js").write_text("x")
    assert page.fingerprint(tmp_path) == first
    (tmp_path / "a.ts").write_text("2")
    assert page.fingerprint(tmp_path) != first


def test_a_failing_tool_is_quoted_with_the_next_step(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"no such package.*\n.*make up"):
        page._run([sys.executable, "-c", "raise SystemExit('no such package')"], tmp_path)


def jar(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    (folder / name).write_bytes(content)
    return folder / name


def test_only_the_pinned_jars_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    good = jar(tmp_path / "m2", "good.jar", b"good")
    monkeypatch.setattr(
        jars,
        "pinned",
        lambda: {"good.jar": "770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c"},  # nosecret (a checksum)
    )
    monkeypatch.setattr(jars, "_resolve", lambda _folder: [good])
    lib = tmp_path / "v" / "lib"
    assert jars.install(lib)
    assert not jars.install(lib)
    assert [path.name for path in lib.iterdir()] == ["good.jar"]
    (lib / "good.jar").unlink()
    good.write_bytes(b"changed on the way")
    with pytest.raises(ConfigurationError, match=r"good\.jar is not the pinned file"):
        jars.install(lib)
    monkeypatch.setattr(jars, "_resolve", lambda _folder: [])
    with pytest.raises(ConfigurationError, match=r"incomplete, missing: good\.jar"):
        jars.install(lib)


def test_jars_that_cannot_be_fetched_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("jgo.maven.MavenContext", lambda **_: (_ for _ in ()).throw(OSError("away")))
    with pytest.raises(ConfigurationError, match="BROKER=host:port"):
        jars._resolve(tmp_path)


def test_the_pins_are_of_the_version_we_name():
    assert f"kafka-clients-{jars.KAFKA_VERSION}.jar" in jars.pinned()


def test_a_taken_port_is_named_with_its_holder():
    port = free_ports(1)[0]
    settings = Settings(port_offset=port - 8080) if port >= 8080 else Settings(port_offset=0)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", settings.gateway_port))
        holder.listen()
        with pytest.raises(
            ConfigurationError, match=rf"(?s){settings.gateway_port} \(gateway\) is held by .*SLUICE_PORT_OFFSET"
        ) as taken:
            ports.check(settings)
        assert "python" in str(taken.value) or "pytest" in str(taken.value)


def test_a_port_that_browsers_refuse():
    with pytest.raises(ConfigurationError, match="Browsers refuse port 10080"):
        ports.check(Settings(port_offset=2000))


def test_the_processes_follow_the_choices(tmp_path: Path):
    names = {program.name for program in programs(Settings(home=tmp_path))}
    assert names == {"broker", "provider", "enrich", "redact", "respond", "landing", "steward", "gateway", "warehouse"}
    assert programs(Settings(home=tmp_path))[0].name == "broker"
    own = {program.name for program in programs(Settings(home=tmp_path, broker="k:9092", llm="gpt-4o-mini"))}
    assert own == names - {"broker", "provider"}
    assert names - {program.name for program in programs(Settings(home=tmp_path, warehouse_seconds=0))} == {"warehouse"}
    copied = Settings(home=tmp_path, landing_mirror="s3://b/p")
    assert {program.name for program in programs(copied)} - names == {"mirror"}
    assert "metrics of mirror" in ports.needed(copied)
    stored = Settings(home=tmp_path, bigquery_project="acme-chat")
    assert {program.name for program in programs(stored)} - names == {"bigquery"}
    assert "metrics of bigquery" in ports.needed(stored)
    assert "metrics of warehouse" in ports.needed(Settings(home=tmp_path))
    assert "metrics of warehouse" not in ports.needed(Settings(home=tmp_path, warehouse_seconds=0))


def test_every_process_has_a_log_and_is_started_again(tmp_path: Path):
    text = ProcessManager(Settings(home=tmp_path / "50%")).configuration()
    assert text.count("autorestart=unexpected\nexitcodes=78\n") == 9
    assert "50%%%%/logs/respond.log" in text  # supervisor expands it twice
    assert not ProcessManager(Settings(home=tmp_path)).running()


def test_a_cluster_id_is_no_option():
    made = iter([UUID(int=0xF8 << 120), UUID(int=1)])
    assert new_cluster_id(lambda: next(made)) == "AAAAAAAAAAAAAAAAAAAAAQ"


def test_a_log_that_cannot_be_formatted_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    broker = Broker(tmp_path, 1, 2)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, "", "no space"))
    with pytest.raises(ConfigurationError, match="no space"):
        broker.prepare()
    assert broker.bootstrap_servers == "127.0.0.1:1"


def test_a_failing_install_ends_with_3_and_the_next_step(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        bootstrap.run(sys.executable, "-c", "raise SystemExit('index unreachable')")
    assert ended.value.code == 3
    assert "check network and proxy" in capsys.readouterr().err


def test_an_installed_set_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    develop = bootstrap.ROOT / "constraints" / "develop.txt"
    platform = bootstrap.ROOT / "constraints" / "platform.txt"
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / "stamp")
    assert not bootstrap.satisfied(platform, develop=False)
    bootstrap.STAMP.write_text(bootstrap.fingerprint(develop))
    assert bootstrap.satisfied(platform, develop=False)
    bootstrap.STAMP.write_text(bootstrap.fingerprint(platform))
    assert bootstrap.satisfied(platform, develop=False)
    assert not bootstrap.satisfied(develop, develop=True)
    bootstrap.step("nothing", lambda: None)


def test_the_gateway_never_installs_litellm_or_faust():
    pins = {line.split("==")[0] for line in (bootstrap.ROOT / "constraints" / "gateway.txt").read_text().splitlines()}
    assert "uvicorn" in pins
    assert not pins & {"litellm", "faust-streaming", "mode-streaming", "rocksdict", "jinja2", "phonenumbers"}


def test_pins_name_no_host():
    for path in (bootstrap.ROOT / "constraints").iterdir():
        assert "://" not in path.read_text(), path
