from decimal import Decimal

import pytest
from pydantic import SecretStr, ValidationError

from sluice.bots import Bots, Route, load_bots
from sluice.errors import ConfigurationError
from sluice.settings import Settings, load_settings

BOT = """
name: helper
description: helps
template: assistant@1
route:
  - model: openai/echo
    api_base: http://127.0.0.1:9100/v1
    price: {prompt_per_million_usd: 1, completion_per_million_usd: 2}
"""


def test_ports_move_together():
    settings = Settings(port_offset=100)
    ports = (settings.gateway_port, settings.provider_port, settings.broker_port, settings.controller_port)
    assert ports == (8180, 9200, 9192, 9193)
    assert settings.metrics_port("respond") == 9504
    assert settings.bootstrap_servers == "127.0.0.1:9192"
    assert (settings.gateway_url, settings.provider_url) == ("http://127.0.0.1:8180", "http://127.0.0.1:9200/v1")


def test_a_second_process_of_a_kind_has_ports_and_state_of_its_own():
    first, second = Settings(), Settings(instance=2)
    assert second.gateway_port - first.gateway_port == 100
    assert second.metrics_port("respond") - first.metrics_port("respond") == 100
    assert (first.state_of("enrich").name, second.state_of("enrich").name) == ("enrich", "enrich-2")
    assert second.broker_port == first.broker_port


def test_a_cluster_of_ones_own():
    assert Settings(broker="k1:9092,k2:9092").bootstrap_servers == "k1:9092,k2:9092"


def test_places_are_under_home(tmp_path):
    settings = Settings(home=tmp_path)
    places = (settings.keys_dir, settings.logs_dir, settings.state_dir, settings.landing_dir, settings.warehouse_path)
    assert all(place.is_relative_to(tmp_path) for place in places)


def test_a_home_is_the_same_from_everywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLUICE_HOME", "here")
    assert load_settings().home == tmp_path / "here"


@pytest.mark.parametrize("home", ["it's here", "a*b", "half [1]", "a;b"])
def test_a_home_that_others_would_read_as_something_else_is_refused(tmp_path, monkeypatch, home: str):
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / home))
    with pytest.raises(ConfigurationError, match="choose a folder whose path is without"):
        load_settings()


def test_settings_come_from_the_environment_and_do_not_change(monkeypatch):
    monkeypatch.setenv("SLUICE_PORT_OFFSET", "7")
    monkeypatch.setenv("SLUICE_BROKER", "")
    settings = load_settings()
    assert (settings.port_offset, settings.broker) == (7, "local")
    with pytest.raises(ValidationError):
        settings.port_offset = 8


def test_a_wrong_setting_is_named(monkeypatch):
    monkeypatch.setenv("SLUICE_PORT_OFFSET", "many")
    with pytest.raises(ConfigurationError, match="SLUICE_PORT_OFFSET"):
        load_settings()


def test_a_list_that_is_none_is_named(monkeypatch):
    monkeypatch.setenv("SLUICE_ALLOWED_ORIGINS", "https://a.example")
    with pytest.raises(ConfigurationError, match=r"allowed_origins.*JSON"):
        load_settings()


def test_secrets_are_found_by_name_and_not_shown(monkeypatch):
    monkeypatch.setenv("SOME_KEY", "hush")
    settings = Settings()
    secret = settings.secret("SOME_KEY")
    assert secret is not None
    assert secret.get_secret_value() == "hush"
    assert "hush" not in repr(secret)
    assert settings.secret("ANOTHER_KEY") is None
    assert settings.secret("SLUICE_DEV_KEY") == SecretStr("dev-key")


def test_the_shipped_bots_are_good():
    bots = load_bots(Settings())
    assert next(iter(bots.by_name)) == "assistant"
    assert all(bot.development for bot in bots.by_name.values())
    assert len(bots.template_of(bots.by_name["assistant"]).hash) == 64


def folder(tmp_path, **files: str) -> Settings:
    for name, content in files.items():
        (tmp_path / f"{name}.yaml").write_text(content)
    return Settings(bots_dir=tmp_path, port_offset=5)


def test_a_bot_is_what_its_file_says(tmp_path):
    bots = load_bots(folder(tmp_path, helper=BOT))
    route = bots.by_name["helper"].route[0]
    assert route.price is not None
    assert route.price.completion_per_million_usd == Decimal(2)
    assert bots.api_base(route) == "http://127.0.0.1:9105/v1"
    assert bots.api_base(Route(model="gpt-4o")) is None


def test_one_setting_puts_a_real_model_behind_development_bots(tmp_path):
    folder(tmp_path, helper=BOT)
    bots = load_bots(Settings(bots_dir=tmp_path, llm="gpt-4o-mini"))
    assert bots.by_name["helper"].route == (Route(model="gpt-4o-mini"),)
    assert not bots.by_name["helper"].development
    assert bots.stand_ins == {"helper"}


def test_it_sums_up_too(tmp_path):
    dear = BOT.replace("http://127.0.0.1:9100/v1", "https://elsewhere/v1")
    summary = "summary: {model: openai/cheap, api_base: http://127.0.0.1:9100/v1}\n"
    folder(tmp_path, helper=dear + summary)
    bots = load_bots(Settings(bots_dir=tmp_path, llm="gpt-4o-mini"))
    bot = bots.by_name["helper"]
    assert (bot.summary, bot.route[0].api_base) == (Route(model="gpt-4o-mini"), "https://elsewhere/v1")
    assert bots.stand_ins == {"helper"}


def test_the_small_model_of_this_machine_stands_behind_development_bots(tmp_path):
    folder(tmp_path, helper=BOT)
    settings = Settings(bots_dir=tmp_path, llm="local", port_offset=5)
    bots = load_bots(settings)
    bot = bots.by_name["helper"]
    (route,) = bot.route
    assert (route.model, route.price, route.prefill) == ("openai/smollm2-135m-instruct", "none", False)
    assert bots.api_base(route) == "http://127.0.0.1:9115/v1"
    assert settings.small_model_health == "http://127.0.0.1:9115/health"
    assert bot.limits_of(route).first_token_seconds == 60
    assert not bot.development


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not YAML"),
        (BOT.replace("helper", "Big Name"), "name"),
        (BOT + "colour: red\n", "colour"),
        (BOT.replace("assistant@1", "assistant@99"), "assistant@99"),
        (BOT.replace("assistant@1", "../../etc@1"), "template"),
        ("name: x\n", "route"),
    ],
)
def test_a_wrong_file_is_named_with_the_reason(tmp_path, content, words):
    with pytest.raises(ConfigurationError, match=words) as error:
        load_bots(folder(tmp_path, wrong=content))
    assert "wrong.yaml" in str(error.value)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("name: x\n  y: 1\n", "wrong.yaml:2: not YAML"),
        (BOT + "limits: {gap_seconds: -1}\n", ": limits.gap_seconds: Input should be greater than 0"),
        (BOT.replace("- model", "- weight: 0\n    model"), ": route.0.weight: "),
        (
            BOT.replace("{prompt_per_million_usd: 1, completion_per_million_usd: 2}", "cheap"),
            ":8: route.0.price: Input",
        ),
        (BOT.replace("http:", "nonsense:"), ": route.0.api_base: String should match"),
        (BOT + "name: other\n", ": name is there twice."),
        ("", "wrong.yaml: is empty."),
        ("- 1\n", "wrong.yaml:1: Input should be a mapping"),
        (BOT.replace("assistant@1", "assistant@99"), ":4: template assistant@99 is not there"),
        ("name: helper\n", "wrong.yaml:1: route: Field required"),
        ("- 1\n", "wrong.yaml:1: "),
        ("a: \x01", "wrong.yaml: not YAML"),
    ],
)
def test_a_complaint_has_its_line(tmp_path, content, place):
    with pytest.raises(ConfigurationError) as error:
        load_bots(folder(tmp_path, wrong=content))
    assert place in str(error.value)
    lines = [number for number, line in enumerate(content.splitlines(), 1) if "gap_seconds" in line or "weight" in line]
    assert all(f"wrong.yaml:{number}: " in str(error.value) for number in lines)


@pytest.mark.parametrize(
    "content",
    [
        BOT.replace("- model", "- colour: red\n    model"),
        BOT.replace("{prompt_per_million_usd: 1, completion_per_million_usd: 2}", "free"),
        BOT.replace("prompt_per_million_usd: 1, ", ""),
        BOT.replace("prompt_per_million_usd: 1", "prompt_per_million_usd: much"),
    ],
)
def test_one_mistake_is_one_complaint(tmp_path, content):
    with pytest.raises(ConfigurationError) as error:
        load_bots(folder(tmp_path, wrong=content))
    assert len(str(error.value).splitlines()) == 1


def test_a_models_own_bounds_stand_in_for_its_bots(tmp_path):
    text = BOT.replace("- model", "- limits: {gap_seconds: 2}\n    model")
    bots = load_bots(folder(tmp_path, helper=text))
    bot = bots.by_name["helper"]
    assert (bot.limits_of(bot.route[0]).gap_seconds, bot.limits_of(bot.route[0]).connect_seconds) == (2, 3)
    assert (
        bots.place_of(bot, "route", 0)
        == f"{tmp_path / 'helper.yaml'}:{text.splitlines().index('  - limits: {gap_seconds: 2}') + 1}"
    )


def test_a_place_that_is_not_there_has_the_line_of_what_is_around_it(tmp_path):
    bots = load_bots(folder(tmp_path, helper=BOT))
    bot = bots.by_name["helper"]
    assert {bots.place_of(bot, *place)[-2:] for place in (("name",), ("name", "x"))} == {":2"}
    assert {bots.place_of(bot, *place)[-2:] for place in (("route",), ("route", 7))} == {":5"}


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "wrong.yaml").write_bytes(b"name: \xff")
    with pytest.raises(ConfigurationError, match=r"wrong\.yaml: cannot be read"):
        load_bots(folder(tmp_path))


def test_two_bots_of_one_name(tmp_path):
    with pytest.raises(ConfigurationError, match=r"b\.yaml:2: there is another bot"):
        load_bots(folder(tmp_path, a=BOT, b=BOT))


def test_no_bots_at_all(tmp_path):
    with pytest.raises(ConfigurationError, match="SLUICE_BOTS_DIR"):
        load_bots(folder(tmp_path))
    with pytest.raises(ValidationError):
        Bots(by_name={}, templates={}, provider_base="")
