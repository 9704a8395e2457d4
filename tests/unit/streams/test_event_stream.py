"""Server-sent events, however the network cuts them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import event_stream
from streams.event_stream import EventStream

TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=8)


@given(st.lists(st.lists(TEXT, min_size=1, max_size=3), max_size=5), st.sampled_from(["\n", "\r\n", "\r"]), st.data())
def test_every_cut_gives_the_same_events(events: list[list[str]], end: str, data: st.DataObject):
    wire = ": a comment" + end
    for lines in events:
        wire += f"event: x{end}id: 7{end}" + "".join(f"data: {line}{end}" for line in lines) + end
    raw = b"\xef\xbb\xbf" * data.draw(st.integers(0, 1)) + wire.encode() + b"\n"
    stream, found = EventStream(), []
    while raw:
        size = data.draw(st.integers(1, len(raw)))
        found += stream.feed(raw[:size])
        raw = raw[size:]
    assert found == ["\n".join(lines).encode() for lines in events]


def test_a_space_after_the_colon_may_be_missing():
    assert EventStream().feed(b"data:a\n\ndata:  b\n\n") == [b"a", b" b"]


def test_an_event_without_end_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(event_stream, "_LONGEST_BYTES", 10)
    with pytest.raises(ValueError, match="without end"):
        EventStream().feed(b"data: " + b"x" * 20)
    stream = EventStream()
    assert stream.feed(b"data: x\n") == []
    with pytest.raises(ValueError, match="without end"):
        stream.feed(b"data: y\n")
