"""Changed policies leave marks, once."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from sluice.audit import Mark
from sluice.errors import Unavailable
from sluice.policy_watch import PolicyWatch


class Marks(list[Mark]):
    away = False

    def append_all(self, marks: Iterable[Mark]) -> None:
        if self.away:
            raise Unavailable("no broker")
        self.extend(marks)

    def taken(self) -> list[str | None]:
        said = [mark.reason for mark in self]
        self.clear()
        return said


@pytest.fixture
def marks() -> Marks:
    return Marks()


@pytest.fixture
def watch(tmp_path: Path, marks: Marks) -> PolicyWatch:
    folder = tmp_path / "redaction"
    folder.mkdir()
    (folder / "default.yaml").write_text("name: default")
    files = {"redaction": lambda: folder.glob("*.yaml")}
    return PolicyWatch(files, tmp_path / "state" / "policies.json", "usr_1", marks.append_all)


def test_what_is_seen_first_is_told_once(watch: PolicyWatch, marks: Marks):
    assert watch.look() == 1
    assert marks == [Mark("usr_1", "policy.change", "allowed", "redaction/default.yaml is new: 71c92c89687df086")]
    assert watch.look() == 0


def test_changed_new_and_gone(watch: PolicyWatch, marks: Marks, tmp_path: Path):
    watch.look()
    marks.clear()
    (tmp_path / "redaction" / "default.yaml").write_text("name: default\ntypes: {}")
    (tmp_path / "redaction" / "another.yaml").write_text("name: another")
    assert watch.look() == 2
    new, changed = marks.taken()
    assert str(new).startswith("redaction/another.yaml is new: ")
    assert str(changed).startswith("redaction/default.yaml is now ")
    (tmp_path / "redaction" / "another.yaml").unlink()
    watch.look()
    assert marks.taken() == ["redaction/another.yaml is gone"]


def test_what_could_not_be_marked_is_marked_later(watch: PolicyWatch, marks: Marks):
    marks.away = True
    with pytest.raises(Unavailable):
        watch.look()
    marks.away = False
    assert watch.look() == 1


def test_what_somebody_else_watches_now_is_not_gone(watch: PolicyWatch, marks: Marks):
    watch.look()
    marks.clear()
    PolicyWatch({"bots": list}, watch.state, "usr_1", marks.append_all).look()
    assert marks == []


def test_a_spoiled_memory_is_none(watch: PolicyWatch, marks: Marks):
    watch.look()
    watch.state.write_text("{")
    assert watch.look() == 1
