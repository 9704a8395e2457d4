"""The entries of one partition of a Faust table, for orders that concern many of them.

Faust's own `items()` asks its assignor whose partitions are whose, which our transport does not use. The store keeps a
database for each partition; a step may change the one of its own event.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

_AT_ONCE = 200
"""Entries between two turns of the event loop."""


def entries(table: Any, partition: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values as they were when this began. Of a table of raw bytes in RocksDB."""
    store = table.data
    yield from store._visible_items(store._db_for_partition(partition))  # noqa: SLF001 (Faust has no public way)


async def forget_entries(table: Any, partition: int, unwanted: Callable[[bytes], bool]) -> int:
    """Delete those whose value is unwanted, here and in the changelog; how many. Use it inside a stream.

    Nothing of them is left in the store's files: RocksDB would keep what was deleted until it compacts by itself.
    """
    gone = 0
    for number, (key, value) in enumerate(entries(table, partition), 1):
        if unwanted(value):
            del table[key]
            gone += 1
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
    if gone:
        await asyncio.to_thread(_leave_nothing, table.data._db_for_partition(partition))  # noqa: SLF001
    return gone


def _leave_nothing(database: Any) -> None:
    database.flush()
    database.compact_range(None, None)
