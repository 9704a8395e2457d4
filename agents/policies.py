"""Redaction policies, read from `deploy/redaction/*.yaml`."""

from pathlib import Path

from agents.personal.policy import Policy
from sluice.errors import ConfigurationError
from sluice.paths import data_folder
from sluice.yaml_lines import line_of, read_model


def load_policies(folder: Path | None = None) -> dict[str, Policy]:
    """All policies by name.

    Raises ConfigurationError with file, line and reason: a policy that cannot be read must stop the stage.
    """
    folder = folder or data_folder("deploy") / "redaction"
    policies: dict[str, Policy] = {}
    for path in sorted(folder.glob("*.yaml")):
        policy = read_model(path, Policy)
        if policy.name in policies:
            line = line_of(path.read_text(), ("name",))
            raise ConfigurationError(f"{path}:{line}: there is another policy named {policy.name}.")
        policies[policy.name] = policy
    if not policies:
        raise ConfigurationError(f"There is no redaction policy in {folder}.")
    return policies
