"""What redaction goes by is on the audit log before anything is redacted by it."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from agents.personal.policy import Policy
from sluice.audit import Mark
from sluice.errors import ConfigurationError, Unavailable
from streams.policies_in_force import policies_in_force

WHOLE = "name: default\ntypes: {EMAIL: {}, PERSON: {}}\n"


class Place:
    """A folder of policies, and an audit log."""

    def __init__(self, home: Path) -> None:
        self.folder, self.state = home / "redaction", home / "state" / "policies.json"
        self.folder.mkdir()
        self.write(WHOLE)
        self.marks: list[Mark] = []
        self.away = False

    def write(self, text: str) -> None:
        (self.folder / "default.yaml").write_text(text)

    def append(self, marks: Iterable[Mark]) -> None:
        if self.away:
            raise Unavailable("no broker")
        self.marks += marks

    def begin(self) -> dict[str, Policy]:
        return policies_in_force(self.folder, self.state, "redact", self.append)

    def taken(self) -> list[tuple[str, str | None]]:
        said = [(mark.outcome, mark.reason) for mark in self.marks if mark.action == "policy.change"]
        self.marks.clear()
        return said


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_policy_that_was_weakened_for_a_while_leaves_two_marks(place: Place):
    assert set(place.begin()) == {"default"}
    ((outcome, first),) = place.taken()
    assert (outcome, str(first)[:31]) == ("allowed", "redaction/default.yaml is new: ")
    place.begin()
    assert place.taken() == []
    place.write("name: default\ntypes: {PHONE: {}}\n")
    place.begin()
    ((_, weaker),) = place.taken()
    place.write(WHOLE)
    place.begin()
    ((_, back),) = place.taken()
    assert str(weaker).startswith("redaction/default.yaml is now ")
    assert str(back).split()[-1] == str(first).split()[-1] != str(weaker).split()[-1]


def test_a_policy_that_cannot_be_used_is_refused_with_a_mark(place: Place):
    place.write("name: default\ntypes: {EMIAL: {}}\n")
    with pytest.raises(ConfigurationError):
        place.begin()
    ((outcome, reason),) = place.taken()
    assert outcome == "refused"
    assert str(reason).startswith("redaction/default.yaml:2: ")
    place.away = True
    with pytest.raises(ConfigurationError):
        place.begin()


def test_without_a_mark_nothing_is_redacted(place: Place):
    place.away = True
    with pytest.raises(Unavailable):
        place.begin()
    place.away = False
    place.begin()
    assert len(place.taken()) == 1
