"""A Faust table of raw bytes, as far as steps see it: one database for each partition behind one mapping."""

from collections.abc import Iterator


class FakeDatabase:
    """Knows whether its files were cleaned behind a deletion."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def flush(self) -> None:
        self.done.append("flush")

    def compact_range(self, _begin: None, _end: None) -> None:
        self.done.append("compact")


class FakeTable(dict[bytes, bytes]):
    """All keys are of one partition. `changelog` has what was deleted."""

    def __init__(self, partition: int = 3) -> None:
        super().__init__()
        self.partition, self.deleted = partition, []
        self.data = self
        self.database, self._other = FakeDatabase(), FakeDatabase()

    def _db_for_partition(self, partition: int) -> FakeDatabase:
        return self.database if partition == self.partition else self._other

    def _visible_items(self, database: FakeDatabase) -> Iterator[tuple[bytes, bytes]]:
        yield from list(self.items()) if database is self.database else ()

    def __delitem__(self, key: bytes) -> None:
        self.deleted.append(key)
        super().__delitem__(key)
