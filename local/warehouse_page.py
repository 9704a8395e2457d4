"""The reference of the warehouse: every public model with its columns, as dbt's files describe them."""

from collections.abc import Iterator

from local.compliance.models import Model, models
from local.compliance.public_models import PublicModel, public_models

_HEAD = """# Warehouse

What dashboards may rely on: the public models of the schema `marts`, each with its semantic version. A column that goes
or gets another type makes a new major version, a new one a minor; `dbt/public.lock.json` holds what was agreed. Types
are those that a contract enforces at each build: `text`, `whole` and `small` numbers, `real`, `price` (20 digits, 10 of
them decimal), `money` (38 and 10), `yes_no`, `date`, `instant` (UTC).

Everything else, the schemas `intermediate` and `staging` first of all, changes without notice. How to ask:
[Query the warehouse](../how-to/query-the-warehouse.md); what is checked: [Trust the data](../how-to/trust-the-data.md).
"""


def warehouse_page() -> str:
    """`docs/reference/warehouse.md`."""
    described = {model.name: model for model in models()}
    lines = [_HEAD]
    for prefix, title in (("fact_", "Facts"), ("dim_", "Dimensions"), ("", "Marts")):
        lines += [f"## {title}", ""]
        for public in public_models():
            if public.name.startswith(prefix) and (prefix or not public.name.startswith(("fact_", "dim_"))):
                lines += _model(described[public.name], public)
    return "\n".join(lines)


def _model(model: Model, public: PublicModel) -> Iterator[str]:
    yield f"### {model.name} {public.version}"
    yield ""
    yield (model.description or "").strip()
    yield ""
    yield "| Column | Type | Class | Meaning |"
    yield "|---|---|---|---|"
    for column in model.columns:
        kind = public.columns[column.name]
        yield f"| `{column.name}` | {kind} | {column.classification} | {column.description} |"
    yield ""
