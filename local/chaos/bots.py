"""The run's own bots: most answer well, some have models that fail in every way the provider knows."""

from pathlib import Path

from sluice.bots import load_bots
from sluice.settings import Settings

_GOOD = {"parrot": (["slow-echo"], 70), "helper": (["assistant"], 6)}
_FAULTY = {
    "cut": (["cut-after-20"], 3),
    "stalled": (["stall-after-20"], 2),
    "garbled": (["malformed-after-20", "echo"], 4),
    "broken": (["error-500-once"], 3),
    "down": (["unavailable-503", "echo"], 4),
    "limited": (["rate-limited-bare"], 2),
    "closing": (["reset-before-headers", "echo"], 4),
    "mute": (["no-response", "echo"], 2),
}
WEIGHTS: tuple[tuple[str, int], ...] = tuple((name, weight) for name, (_, weight) in (_GOOD | _FAULTY).items())
_LIMITS = (
    "{connect_seconds: 3, first_token_seconds: 2.5, gap_seconds: 2, total_seconds: 90, output_tokens: 80, "
    "context_tokens: 32000}"
)
_PRICE = "{prompt_per_million_usd: 0.15, completion_per_million_usd: 0.60}"


def write_bots(folder: Path, provider_base: str) -> None:
    """One file a bot. `provider_base` is the proxy's address, so that calls can be cut."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (models, _) in (_GOOD | _FAULTY).items():
        routes = "".join(
            f"  - {{model: openai/{model}, api_base: '{provider_base}', api_key: SLUICE_DEV_KEY, "
            f"prefill: {str('echo' in model).lower()}, price: {_PRICE}, "
            f"usage_url: '{provider_base}/generation?id={{request_id}}'}}\n"
            for model in models
        )
        text = f"name: {name}\ndescription: {' then '.join(models)}\ntemplate: assistant@1\nroute:\n{routes}"
        (folder / f"{name}.yaml").write_text(f"{text}limits: {_LIMITS}\n")


def facts(settings: Settings) -> dict[str, dict[str, object]]:
    """What the checker must know: whether the answer is an echo, and how many calls an owner may make of a turn."""
    return {
        name: {"echoes": name == "parrot", "calls": len(bot.route) * (1 + bot.retry.per_model)}
        for name, bot in load_bots(settings).by_name.items()
    }
