"""A table that goes while the sink runs: it ends, and the next start fills the table from the log."""

from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from connectors.bigquery.ports import TableGone
from connectors.connect.tables import landed_tables
from tests.unit.connectors.bigquery.world import PLACE, TABLE, World, assign, metered

COLUMNS = next(table.columns for table in landed_tables() if table.name == TABLE)


@pytest.fixture
def world() -> World:
    return World()


def fill(world: World) -> None:
    world.run(*(metered(offset) for offset in range(4)))
    assert world.consumer.assigned[0].offset == OFFSET_BEGINNING
    assert world.written == [0, 1, 2, 3]
    offset, position = world.committed
    assert position is not None
    assert (offset, position.table, position.rows) == (4, 1_001, 4)


@pytest.mark.parametrize("again", [False, True], ids=["gone", "made anew by another"])
@pytest.mark.parametrize("before", [[metered(0)], []], ids=["with a stream", "without one"])
def test_a_table_that_goes_ends_the_sink_and_is_filled_at_the_next_start(
    world: World, before: list[Any], again: bool
) -> None:
    world.run(metered(0), metered(1))

    def drop(_consumer: object) -> None:
        world.bigquery.drop(TABLE)
        if again:
            world.bigquery.prepare(TABLE, COLUMNS, world.cluster)

    with pytest.raises(TableGone, match=TABLE):
        world.run(*(metered(2) for _ in before), drop, metered(3), lambda _c: None, seconds=0)
    assert world.bigquery.tables.get(TABLE, []) == []
    fill(world)


@pytest.mark.parametrize("again", [False, True], ids=["gone", "made anew by another"])
def test_partitions_that_come_after_it_went_are_not_begun(world: World, again: bool) -> None:
    def drop(consumer: Any) -> None:
        consumer.on_revoke(consumer, [TopicPartition(*PLACE)])
        consumer.stored = []
        world.bigquery.drop(TABLE)
        if again:
            world.bigquery.prepare(TABLE, COLUMNS, world.cluster)

    with pytest.raises(TableGone):
        world.run(metered(0), drop, assign)
    fill(world)
