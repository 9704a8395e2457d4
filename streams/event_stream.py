"""Server-sent events out of bytes, however they are cut. Source: the HTML standard, "Server-sent events"."""

import re

_LINE_END = re.compile(rb"\r\n|\n|\r")
_LONGEST_BYTES = 4_000_000


class EventStream:
    """Feed it what the network gives; it gives the data of each whole event. Raises ValueError for one without end."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._bytes = 0
        self._begun = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Data of the events that this chunk completes."""
        rest = self._rest + chunk
        if not self._begun and len(rest) >= len(b"\xef\xbb\xbf"):
            rest, self._begun = rest.removeprefix(b"\xef\xbb\xbf"), True
        held = b"\r" if rest.endswith(b"\r") else b""  # a line feed may follow it
        *lines, self._rest = _LINE_END.split(rest[: len(rest) - len(held)])
        self._rest += held
        events = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
                self._bytes += len(line)
            elif not line and self._data:
                events.append(b"\n".join(self._data))
                self._data, self._bytes = [], 0
        if self._bytes + len(self._rest) > _LONGEST_BYTES:
            raise ValueError("an event without end")
        return events
