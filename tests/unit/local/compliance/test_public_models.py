"""What dashboards were promised is kept, by semantic versions."""

import pytest

from local.compliance.gaps import Gap
from local.compliance.public_models import PublicModel, public_gaps, public_models_of

AGREED = PublicModel("daily", "1.2.3", {"day": "date", "turns": "whole"})
UNAGREED = "public model daily: is not as dbt/public.lock.json says: run python -m local.compliance.public_models"


def said(*models: PublicModel) -> list[str]:
    return list(map(str, public_gaps(models, [AGREED])))


def changed(version: str, **columns: str | None) -> PublicModel:
    kept = {name: kind for name, kind in (dict(AGREED.columns) | columns).items() if kind != "gone"}
    return PublicModel("daily", version, kept)


def test_what_is_as_it_was_agreed_is_good() -> None:
    assert said(AGREED) == []


@pytest.mark.parametrize(
    ("model", "gap"),
    [
        (changed("1.2.4", turns="gone"), "public column daily.turns: is gone: that needs a new major version"),
        (changed("1.3.0", turns="gone"), "public column daily.turns: is gone: that needs a new major version"),
        (changed("1.3.0", turns="real"), "public column daily.turns: was whole: that needs a new major version"),
        (changed("1.2.4", people="whole"), "public column daily.people: is new: that needs a new minor version"),
        (changed("1.2.2"), "public model daily: went back from 1.2.3 to 1.2.2"),
        (changed("2.0.0", turns="gone"), UNAGREED),
        (changed("1.3.0", people="whole"), UNAGREED),
        (changed("1.2.4"), UNAGREED),
        (changed("1.2"), "public model daily: no semantic version"),
        (changed("1.2.3", turns=None), "public column daily.turns: no type"),
        (PublicModel("daily", "1.2.3", AGREED.columns, False), "public model daily: no enforced contract"),
    ],
)
def test_a_change_needs_a_version(model: PublicModel, gap: str) -> None:
    assert said(model) == [gap]


def test_a_public_model_neither_goes_nor_comes_unagreed() -> None:
    assert said() == ["public model daily: is gone"]
    assert said(AGREED, PublicModel("new", "1.0.0", {})) == [UNAGREED.replace("daily", "new")]


def test_they_are_read_from_dbts_files() -> None:
    column = {"name": "day", "data_type": "{{ var('types')[target.type]['date'] }}"}
    config = {"access": "public", "contract": {"enforced": True}, "meta": {"version": "1.0.0"}}
    document = {
        "models": [
            {"name": "daily", "config": config, "columns": [column, {"name": "plain", "data_type": "date"}]},
            {"name": "inner", "columns": [column]},
            {"name": "bare", "config": {"access": "public"}},
        ]
    }
    assert list(public_models_of([document, {"sources": []}])) == [
        PublicModel("daily", "1.0.0", {"day": "date", "plain": None}),
        PublicModel("bare", "", {}, False),
    ]


def test_gaps_are_sorted() -> None:
    broken = [PublicModel("b", "", {}), PublicModel("a", "", {})]
    assert public_gaps(broken, []) == [
        Gap("public model", "a", "no semantic version"),
        Gap("public model", "b", "no semantic version"),
    ]
