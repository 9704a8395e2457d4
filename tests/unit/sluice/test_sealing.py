import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import ConfigurationError
from sluice.key_files import AUDIT_KEY, PSEUDONYM_KEY, TOKEN_KEY, make_key_files, read_key_file
from sluice.key_store import DataKey, KeyUnusable, MemoryKeyStore
from sluice.letter_box import PRIVATE_FILE, PUBLIC_FILE, put_in, take_out
from sluice.safe_text import Sealed
from sluice.sealing import CannotOpen, CannotSeal, Sealer

KEYS = MemoryKeyStore()
SEALER = Sealer(KEYS, "default")


@given(st.text().map(lambda t: t.encode("utf-8", "ignore").decode()))
def test_sealed_text_opens_again(text: str):
    sealed = SEALER.seal(text, subject="usr_1", field="ChatRequested.text")
    assert SEALER.open(sealed, subject="usr_1", field="ChatRequested.text") == text
    assert len(text) < 4 or text.encode() not in sealed


@pytest.mark.parametrize(
    ("subject", "field", "tenant"),
    [("usr_2", "A.b", "default"), ("usr_1", "A.c", "default"), ("usr_1", "A.b", "other")],
)
def test_bound_to_subject_field_and_tenant(subject, field, tenant):
    sealed = SEALER.seal("x", subject="usr_1", field="A.b")
    KEYS.current("usr_2")
    with pytest.raises(CannotOpen):
        Sealer(KEYS, tenant).open(sealed, subject=subject, field=field)


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_changed_byte_does_not_open(index: int, change: int):
    sealed = bytearray(SEALER.seal("secret", subject="usr_1", field="A.b"))
    sealed[index % len(sealed)] ^= change
    with pytest.raises(CannotOpen):
        SEALER.open(Sealed(bytes(sealed)), subject="usr_1", field="A.b")


def test_without_its_key_it_stays_shut():
    sealed = SEALER.seal("secret", subject="usr_9", field="A.b")
    KEYS.destroy("usr_9")
    with pytest.raises(CannotOpen, match="no such key"):
        SEALER.open(sealed, subject="usr_9", field="A.b")


def test_a_key_that_cannot_be_unwrapped_neither_seals_nor_opens():
    class Tampered(MemoryKeyStore):
        def current(self, subject: str) -> DataKey:
            raise KeyUnusable("changed")

        def find(self, subject: str, generation: int) -> DataKey:
            raise KeyUnusable("changed")

    sealer = Sealer(Tampered(), "default")
    with pytest.raises(CannotSeal):
        sealer.seal("secret", subject="usr_1", field="A.b")
    with pytest.raises(CannotOpen, match="cannot be unwrapped"):
        sealer.open(SEALER.seal("secret", subject="usr_1", field="A.b"), subject="usr_1", field="A.b")


@pytest.mark.parametrize("raw", [b"", b"\x01", b"\x02" + b"x" * 60])
def test_what_is_not_sealed_does_not_open(raw):
    with pytest.raises(CannotOpen):
        SEALER.open(Sealed(raw), subject="usr_1", field="A.b")


def test_a_letter_goes_in_without_the_private_key_and_comes_out_with_it(tmp_path):
    make_key_files(tmp_path)
    letter = put_in(read_key_file(tmp_path, PUBLIC_FILE), b"bytes")
    assert b"bytes" not in letter
    assert take_out(read_key_file(tmp_path, PRIVATE_FILE), letter) == b"bytes"


@pytest.mark.parametrize("spoil", [lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b[:20], lambda b: b"\x02" + b[1:]])
def test_a_spoiled_letter_does_not_open(tmp_path, spoil):
    make_key_files(tmp_path)
    letter = put_in(read_key_file(tmp_path, PUBLIC_FILE), b"bytes")
    with pytest.raises(CannotOpen):
        take_out(read_key_file(tmp_path, PRIVATE_FILE), Sealed(spoil(bytes(letter))))


def test_key_files_are_made_once(tmp_path):
    make_key_files(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    make_key_files(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert set(before) == {TOKEN_KEY, PSEUDONYM_KEY, AUDIT_KEY, PRIVATE_FILE, PUBLIC_FILE, "key-encryption-1.key"}


def test_a_missing_key_file_says_what_to_do(tmp_path):
    with pytest.raises(ConfigurationError, match="make up"):
        read_key_file(tmp_path, TOKEN_KEY)


def test_a_key_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigurationError, match="folder cannot be read"):
        read_key_file(tmp_path, "folder")
