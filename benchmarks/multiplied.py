"""A history several times over, side by side: far sooner done than one of so many turns is made up."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors.landing_zone import LandedFile, LandingZone, file_name

_IDS = ("event_id", "turn_id", "session_id", "user_id", "attempt_id", "provider_call_id")
_OFFSETS = 2_000_000
"""Between one time and the next: more than a day of one partition has, and five of them are less than the next day."""


def multiply(landing: Path, times: int) -> None:
    """Turns and people of a seeded landing zone once more for each further time, under ids and offsets of their own."""
    zone = LandingZone(landing)
    files = [file for topic in landing.iterdir() if topic.is_dir() for file in zone.files(topic.name)]
    with ThreadPoolExecutor() as pool:
        for _ in pool.map(partial(_again, times=times), files):
            pass


def _again(file: LandedFile, times: int) -> None:
    table = pq.read_table(file.path)
    for time in range(1, times):
        more = time * _OFFSETS
        name = file_name(file.place, file.first + more, file.last + more)
        pq.write_table(_renamed(table, time, more), file.path.with_name(name), compression="zstd")


def _renamed(table: Any, time: int, more: int) -> Any:
    for number, column in enumerate(table.schema):
        if column.name in _IDS:
            ids = pc.binary_join_element_wise(table[column.name], pa.scalar(str(time), column.type), "")
            table = table.set_column(number, column, ids)
        elif column.name == "_offset":
            table = table.set_column(number, column, pc.cast(pc.add(table[column.name], more), column.type))
    return table
