"""Redaction policies, read from `deploy/redaction/*.yaml`."""

from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from agents.redact import Policy
from sluice.errors import ConfigurationError
from sluice.paths import data_folder


def load_policies(folder: Path | None = None) -> dict[str, Policy]:
    """All policies by name.

    Raises ConfigurationError naming the file: a policy that cannot be read must stop the stage.
    """
    policies: dict[str, Policy] = {}
    for path in sorted((folder or data_folder("deploy") / "redaction").glob("*.yaml")):
        try:
            policy = TypeAdapter(Policy).validate_python(yaml.safe_load(path.read_text()))
        except (yaml.YAMLError, ValidationError) as error:
            raise ConfigurationError(f"{path}: not a redaction policy: {error}") from None
        policies[policy.name] = policy
    return policies
