"""The redact stage's way to people's keys: what cannot be opened leaves a mark, and goes nowhere."""

import pytest

from sluice.audit import Mark
from sluice.key_store import DataKey, KeyMissing, KeyUnusable, MemoryKeyStore
from sluice.safe_text import Sealed
from sluice.sealing import CannotOpen, Sealer
from streams.redact import _open


class Spoiled(MemoryKeyStore):
    def find(self, subject: str, generation: int) -> DataKey:
        raise KeyMissing if subject == "usr_gone" else KeyUnusable("changed")


@pytest.mark.parametrize(("subject", "reason"), [("usr_gone", "missing"), ("usr_1", "unusable")])
def test_a_key_that_is_missing_or_was_changed_leaves_a_mark(subject: str, reason: str):
    marks: list[Mark] = []
    sealed = Sealer(MemoryKeyStore(), "default").seal("I am jane", subject=subject, field="ChatRequested.text")
    with pytest.raises(CannotOpen):
        _open(Sealer(Spoiled(), "default"), marks.append, Sealed(sealed), subject, "ChatRequested.text")
    assert marks == [Mark("redact", "keys.use", "failed", reason, subject)]


def test_what_opens_leaves_none():
    marks: list[Mark] = []
    sealer = Sealer(MemoryKeyStore(), "default")
    sealed = sealer.seal("I am jane", subject="usr_1", field="ChatRequested.text")
    assert _open(sealer, marks.append, sealed, "usr_1", "ChatRequested.text") == "I am jane"
    assert marks == []
