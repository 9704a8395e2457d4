"""Bills of materials of this very environment, by the real tools and without the network."""

import json
from pathlib import Path

import pytest
import yaml

from local.compliance import bills, licences
from local.compliance.findings import Finding, State
from sluice.paths import checkout, data_folder


@pytest.fixture(scope="module")
def made(dbt: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert dbt.exists()
    folder = tmp_path_factory.mktemp("bills")
    assert bills.make(checkout(), folder) == Finding(State.MET)
    return folder


def test_what_an_image_gets_is_on_its_bill_with_hashes(made: Path):
    listed = json.loads((made / "gateway.cdx.json").read_text())
    components = {one["name"]: one for one in listed["components"]}
    assert listed["metadata"]["component"]["name"] == "sluice"
    assert {"starlette", "confluent-kafka"} <= set(components)
    assert not {"litellm", "faust-streaming"} & set(components)
    assert "SHA-256" in json.dumps(components["starlette"])


def test_packages_of_every_kind_are_on_a_bill(made: Path):
    on_it = {
        one["name"].lower().replace("_", "-")
        for bill in bills.with_licences(made).values()
        for one in bill["components"]
    }
    assert {"starlette", "faust-streaming", "dbt-core", "preact", "oidc-provider"} <= on_it


def test_licences_are_those_of_the_list(made: Path):
    listed = yaml.safe_load((data_folder("deploy") / "compliance" / "dependencies.yaml").read_text())
    assert licences.check(bills.with_licences(made), listed["licences"]) == Finding(State.MET)
