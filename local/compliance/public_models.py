"""What dashboards may rely on: models with `access: public`, and their columns, by semantic version.

`dbt/public.lock.json` has the last state that was agreed. A column that goes, or gets another type, needs a new major
version of its model, a new column a new minor one. `python -m local.compliance.public_models` writes the file.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.compliance.gaps import Gap
from sluice.paths import data_folder

_TYPE = re.compile(r"\['(\w+)'\] }}$")
_UNAGREED = "is not as dbt/public.lock.json says: run python -m local.compliance.public_models"


@dataclass(frozen=True, slots=True)
class PublicModel:
    """`columns` with their types, as `types` of dbt_project.yml names them."""

    name: str
    version: str
    columns: Mapping[str, str | None]
    is_contract: bool = True

    @property
    def numbers(self) -> tuple[int, ...]:
        """Major, minor and patch."""
        return tuple(int(number) for number in self.version.split("."))

    def as_json(self) -> dict[str, Any]:
        """As in the file."""
        return {"version": self.version, "columns": dict(self.columns)}


def public_models() -> list[PublicModel]:
    """By name."""
    documents = (yaml.safe_load(path.read_text()) for path in (data_folder("dbt") / "models").rglob("*.yml"))
    return sorted(public_models_of(documents), key=lambda model: model.name)


def public_models_of(documents: Iterable[dict[str, Any]]) -> Iterator[PublicModel]:
    """Those of some files."""
    for document in documents:
        for model in document.get("models", ()):
            config = model.get("config", {})
            if config.get("access") == "public":
                types = {column["name"]: _type(column.get("data_type")) for column in model.get("columns", ())}
                version = str(config.get("meta", {}).get("version", ""))
                yield PublicModel(model["name"], version, types, config.get("contract", {}).get("enforced", False))


def _type(written: str | None) -> str | None:
    found = _TYPE.search(written or "")
    return found[1] if found else None


def agreed() -> list[PublicModel]:
    """As in the file."""
    document: dict[str, Any] = json.loads(_file().read_text())
    return [PublicModel(name, one["version"], one["columns"]) for name, one in document.items()]


def public_gaps(models: Iterable[PublicModel], before: Iterable[PublicModel]) -> list[Gap]:
    """Broken promises, and what has not been agreed."""
    now, then = {model.name: model for model in models}, {model.name: model for model in before}
    gaps = [*_incomplete(now.values())]
    gaps += (Gap("public model", name, "is gone") for name in then.keys() - now.keys())
    if gaps:
        return sorted(gaps)
    for name, model in now.items():
        if name not in then:
            gaps.append(Gap("public model", name, _UNAGREED))
        elif model.as_json() != then[name].as_json():
            gaps += [*_broken(then[name], model)] or [Gap("public model", name, _UNAGREED)]
    return sorted(gaps)


def _incomplete(models: Iterable[PublicModel]) -> Iterator[Gap]:
    for model in models:
        if not re.fullmatch(r"\d+\.\d+\.\d+", model.version):
            yield Gap("public model", model.name, "no semantic version")
        if not model.is_contract:
            yield Gap("public model", model.name, "no enforced contract")
        yield from (
            Gap("public column", f"{model.name}.{name}", "no type") for name, kind in model.columns.items() if not kind
        )


def _broken(then: PublicModel, now: PublicModel) -> Iterator[Gap]:
    if now.numbers < then.numbers:
        yield Gap("public model", now.name, f"went back from {then.version} to {now.version}")
    if now.numbers[:1] <= then.numbers[:1]:
        for name, kind in then.columns.items():
            if now.columns.get(name) != kind:
                change = "is gone" if name not in now.columns else f"was {kind}"
                yield Gap("public column", f"{now.name}.{name}", f"{change}: that needs a new major version")
    if now.numbers[:2] <= then.numbers[:2]:
        for name in now.columns.keys() - then.columns.keys():
            yield Gap("public column", f"{now.name}.{name}", "is new: that needs a new minor version")


def _file() -> Path:
    return data_folder("dbt") / "public.lock.json"


def main() -> None:
    """Agree, unless a promise would be broken."""
    broken = [gap for gap in public_gaps(public_models(), agreed()) if gap.lacks != _UNAGREED]
    if broken:
        sys.exit("\n".join(map(str, broken)))
    _file().write_text(json.dumps({model.name: model.as_json() for model in public_models()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
