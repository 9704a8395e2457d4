"""Generated pages are what the code says; commands and links in the documents exist."""

import re
from typing import get_args

import pytest

from local.reference import PAGES
from sluice.audit import Action
from sluice.cli.main import build
from sluice.paths import checkout

DOCUMENTS = [checkout() / "README.md", *sorted((checkout() / "docs").rglob("*.md"))]


@pytest.mark.parametrize("name", PAGES)
def test_reference_pages_are_generated(name: str):
    page = checkout() / "docs" / "reference" / f"{name}.md"
    assert page.read_text() == PAGES[name](), "run: .venv/bin/python -m local.reference"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target


def test_commands_exist():
    from typer.main import get_command

    known = set(get_command(build()).commands)
    targets = set(re.findall(r"^([a-z-]+):", (checkout() / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        text = document.read_text()
        assert set(re.findall(r"(?:\.venv/bin/|`)sluice ([a-z-]+)", text)) <= known, document
        assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets, document


def test_decisions_are_numbered_without_a_gap_and_say_what_was_rejected():
    records = sorted((checkout() / "docs" / "decisions").glob("*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    assert all("**Rejected.**" in record.read_text() for record in records)


def test_every_mark_is_on_the_page_and_no_other():
    page = (checkout() / "docs" / "how-to" / "secure.md").read_text()
    table = page.partition("## What leaves a mark")[2]
    told = [re.findall(r"`([a-z_]+\.[a-z]+)`", line.split("|")[1]) for line in table.splitlines() if line[:3] == "| `"]
    assert sorted(name for names in told for name in names) == sorted(get_args(Action))
