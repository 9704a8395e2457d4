"""Where one model goes on with what another began: no character twice, none missing.

Models differ in what they make of a given beginning. Some go on with the next character, some say all of it again,
and some refuse or drop white space at its end, so it is given without.
"""

LEAST = 20
"""Characters of a beginning that a model is given. A shorter one is begun anew: whether `ha` after `ha` goes on or
repeats, nobody could tell."""


class Joint:
    """Takes a continuation piece by piece and gives what is new in it. `before` is all that was said."""

    def __init__(self, before: str) -> None:
        self.before = before
        self._held = ""
        self._open = bool(before)

    @property
    def given(self) -> str:
        """The beginning as a model gets it."""
        return self.before.rstrip()

    def take(self, piece: str) -> str:
        """What of it is new. Held back as long as it may be a repetition."""
        if not self._open:
            return piece
        self._held += piece
        if self._may_repeat and len(self._held) < len(self.given):
            return ""
        fresh = self._fresh
        if len(fresh) < len(self._spaces) and not fresh.strip():
            return ""  # spaces so far: they may be those at the end of the beginning
        return self._release(fresh)

    def rest(self) -> str:
        """What is still held when the model has ended of its own accord."""
        if not self._open:
            return ""
        if self._may_repeat and LEAST <= len(self._held) < len(self.given):
            return self._release("")
        return self._release(self._fresh)

    @property
    def _spaces(self) -> str:
        return self.before[len(self.given) :]

    @property
    def _may_repeat(self) -> bool:
        given = self.given
        return len(given) >= LEAST and (given.startswith(self._held) or self._held.startswith(given))

    @property
    def _fresh(self) -> str:
        given = self.given
        return self._held[len(given) :] if self._may_repeat and len(self._held) >= len(given) else self._held

    def _release(self, fresh: str) -> str:
        self._open = False
        self._held = ""
        spaces = self._spaces
        for start in range(len(spaces)):
            if fresh.startswith(spaces[start:]):
                return fresh[len(spaces) - start :]
        return fresh
