"""A Faust table of raw bytes, as far as steps see it: one database for each partition behind one mapping."""

from collections.abc import Iterator


class FakeTable(dict[bytes, bytes]):
    """All keys are of one partition. `changelog` has what was deleted."""

    def __init__(self, partition: int = 3) -> None:
        super().__init__()
        self.partition, self.deleted = partition, []
        self.data = self

    def _db_for_partition(self, partition: int) -> int:
        return partition

    def _visible_items(self, database: int) -> Iterator[tuple[bytes, bytes]]:
        yield from list(self.items()) if database == self.partition else ()

    def __delitem__(self, key: bytes) -> None:
        self.deleted.append(key)
        super().__delitem__(key)
