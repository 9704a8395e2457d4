"""Tables and logs that do not belong together."""

import pytest

from sluice.errors import ConfigurationError
from tests.unit.connectors.bigquery.world import World, metered


@pytest.fixture
def world() -> World:
    return World()


def test_tables_of_another_cluster_are_left_alone(world: World) -> None:
    world.run(metered(0), metered(1))
    other = World(world.bigquery, cluster="k-2")
    with pytest.raises(ConfigurationError, match=r"bigquery_other_log: .* is of another Kafka cluster"):
        other.run(*(metered(offset) for offset in range(4)))
    assert (world.written, other.consumer.commits) == ([0, 1], [])


def test_a_log_that_ends_before_its_rows_is_not_passed_over(world: World) -> None:
    """The topic was made anew, and its group forgot it."""
    world.run(metered(0), metered(1))
    world.consumer.stored, world.consumer.end = [], 1
    commits = [*world.consumer.commits]
    with pytest.raises(ConfigurationError, match=r"log_behind_store: llm-usage partition 0 ends at offset 1, .* to 1:"):
        world.run(metered(0))
    assert (world.written, world.consumer.commits) == ([0, 1], commits)
    world.consumer.end = 2
    world.run(metered(2))
    assert world.written == [0, 1, 2]
