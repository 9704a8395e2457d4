"""What a prompt asks of a model, in OpenAI's names. Both ways to a model send the same."""

from typing import Any

from msgspec.structs import asdict

from agents.ports import Prompt


def parameters(prompt: Prompt) -> dict[str, Any]:
    """Messages, the longest answer, and how words are chosen where the client said so."""
    asked = {} if prompt.sampling is None else asdict(prompt.sampling)
    stop, longest = list(asked.pop("stop", ())), asked.pop("max_tokens", None)
    named = {name: value for name, value in asked.items() if value is not None}
    return named | {
        "messages": [{"role": message.role, "content": message.content} for message in prompt.messages],
        "max_tokens": min(prompt.output_tokens, longest or prompt.output_tokens),
        **({"stop": stop} if stop else {}),
    }
