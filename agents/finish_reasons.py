"""Why a model stopped, in the words of OpenAI's interface."""

WHOLE = frozenset({"stop", "length"})
"""The answer is all that the model has to say, or may say. Anything else broke it off."""
_SYNONYMS = {
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "function_call": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "stop_sequence": "stop",
    "tool_calls": "stop",
}
"""Of servers that speak otherwise: Anthropic, Mistral, Text Generation Inference. No model is offered tools."""


def plain(finish_reason: str) -> str:
    """`stop`, `length` or `content_filter` where it means one of these; else the provider's own word."""
    lower = finish_reason.lower()
    return _SYNONYMS.get(lower, lower)
