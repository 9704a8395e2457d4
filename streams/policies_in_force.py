"""Redaction policies as a process of the redact stage begins to work by them: what changed leaves a mark first."""

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

from agents.personal.policy import Policy
from agents.policies import load_policies
from sluice.audit import Mark
from sluice.errors import ConfigurationError, Unavailable
from sluice.policy_watch import PolicyWatch

_LONGEST_REASON = 200


def policies_in_force(
    folder: Path, state: Path, actor_id: str, mark: Callable[[Iterable[Mark]], object]
) -> dict[str, Policy]:
    """All policies by name. `state` remembers what was in force before.

    Raises ConfigurationError for a policy that cannot be used, which is marked, too, and Unavailable where no mark can
    be left: nothing is redacted by a policy that nobody can find again.
    """
    try:
        policies = load_policies(folder)
    except ConfigurationError as error:
        said = str(error).replace(f"{folder}/", "redaction/")[:_LONGEST_REASON]
        with contextlib.suppress(Unavailable):  # it is refused either way
            mark([Mark(actor_id, "policy.change", "refused", said)])
        raise
    PolicyWatch({"redaction": lambda: folder.glob("*.yaml")}, state, actor_id, mark).look()
    return policies
