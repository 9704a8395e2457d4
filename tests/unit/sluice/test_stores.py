"""Everything that is kept says how long, whose it is and what for."""

import json
import typing
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from sluice.catalogue_file import StoreName
from sluice.cli.main import build
from sluice.stores import keep, stores
from sluice.topics import catalogue


def test_every_store_is_declared():
    assert set(stores()) == set(typing.get_args(StoreName))
    for store in stores().values():
        assert all((store.holds, store.classification, store.owner, store.purpose))
        assert (store.keep_days is None) == (store.goes_with is not None), store.name


def test_how_long():
    assert keep("landing") == timedelta(days=400)
    with pytest.raises(ValueError, match="warehouse goes with landing"):
        keep("warehouse")


def test_keys_outlive_what_they_seal():
    sealed = [topic.retention_hours for topic in catalogue().values() if "sealed" in topic.pii]
    assert keep("keys") > timedelta(hours=max(sealed))
    assert keep("keys") > keep("stage-state")


def test_the_command_shows_all():
    listed = json.loads(CliRunner().invoke(build(), ["retention", "--json"]).stdout)
    kept = {row["store"]: row["kept"] for row in listed}
    assert set(kept) == {*catalogue(), *stores()}
    assert (kept["chat-requests"], kept["keys"], kept["warehouse"]) == ("1 days", "60 days", "with landing")
    assert kept["sluice-redact-placeholders-changelog"] == "while it is the newest of its key, with stage-state"
    assert "gateway-history" in CliRunner().invoke(build(), ["retention"], env={"COLUMNS": "200"}).stdout
