"""The default policy with all types, and what it finds."""

from agents.personal.finding import find
from agents.personal.policy import Policy, Rule
from agents.personal.spans import PERSONAL_TYPES
from agents.policies import load_policies

EVERYTHING = load_policies()["default"].model_copy(update={"types": {kind: Rule() for kind in PERSONAL_TYPES}})


def found(text: str, policy: Policy = EVERYTHING) -> list[tuple[str, str]]:
    return [(span.type, text[span.start : span.end]) for span in find(text, policy)]
