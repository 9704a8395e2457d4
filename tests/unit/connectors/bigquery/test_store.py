"""The sink over doubles of Kafka and BigQuery: what is said before an append, and what becomes of one that fails."""

import pytest
from confluent_kafka import OFFSET_BEGINNING, KafkaException, TopicPartition

from connectors.bigquery import store as module
from connectors.bigquery.position import Position, written
from connectors.erasing.erased import ERASED_USER, Erased
from sluice.errors import ConfigurationError, RejectReason, Unavailable
from tests.doubles import NOON
from tests.unit.connectors.bigquery.world import METERED, PLACE, TABLE, USAGE, World, assign, metered, once
from tests.unit.connectors.doubles import FakeMessage


@pytest.fixture
def world() -> World:
    return World()


def test_an_append_is_announced_and_then_committed(world: World) -> None:
    world.run(metered(3), metered(4), lambda _c: None, metered(7))
    assert world.written == [3, 4, 7]
    assert world.intents == [(3, Position(1_000, "s1", 0, 3, 8))]
    assert world.committed == (8, Position(1_000, "s1", 3))
    assert world.metrics.registry.get_sample_value("sluice_bigquery_records_total", {"topic": USAGE}) == 3


def test_one_stream_takes_append_after_append(world: World) -> None:
    world.run(metered(0), metered(1), seconds=0)
    assert world.written == [0, 1]
    assert [*world.bigquery.streams] == ["s1"]
    assert world.intents[-1] == (1, Position(1_000, "s1", 1, 1, 2))


def test_rows_that_one_append_does_not_hold_go_with_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "first_part", lambda rows: rows.slice(0, 2))
    world.run(*(metered(offset) for offset in range(5)))
    assert world.written == [0, 1, 2, 3, 4]
    assert [intent for _, intent in world.intents] == [
        Position(1_000, "s1", 0, 2, 2),
        Position(1_000, "s1", 2, 2, 4),
        Position(1_000, "s1", 4, 1, 5),
    ]


@pytest.mark.parametrize("when", ["before", "after"])
def test_who_takes_over_knows_whether_an_append_has_arrived(world: World, when: str) -> None:
    world.bigquery.trouble = once(when, SystemExit())  # type: ignore[arg-type]
    with pytest.raises(SystemExit):
        world.run(metered(0), metered(1))
    start = {"before": 0, "after": 2}[when]
    world.run(*(metered(offset) for offset in range(start, 4)))
    assert world.consumer.assigned[0].offset == start
    assert world.written == [0, 1, 2, 3]
    assert world.bigquery.streams["s1"].finished
    assert world.committed == (4, Position(1_000, "s2", 4 - start))


def test_what_has_arrived_is_committed_without_a_new_record(world: World) -> None:
    world.bigquery.trouble = once("after", SystemExit())  # type: ignore[arg-type]
    with pytest.raises(SystemExit):
        world.run(metered(0))
    world.run()
    assert world.committed == (1, Position(1_000))


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_append_that_may_have_arrived_goes_once_more_as_it_was(world: World, when: str) -> None:
    world.bigquery.trouble = once(when, Unavailable("bigquery: away"))
    world.run(metered(0), metered(1), metered(2), seconds=0)
    assert world.written == [0, 1, 2]
    assert world.metrics.failures._value.get() == 1
    assert world.intents[1][1] == Position(1_000, "s1", 0, 1, 1)
    assert [*world.bigquery.streams] == ["s1"]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_stream_that_is_gone_is_followed_by_another(world: World, when: str, known: bool) -> None:
    """It was finished by somebody, or is not known any more; the append had arrived before that, or had not."""
    streams = world.bigquery.streams

    def trouble(now: str) -> None:
        if now == when and "s1" in streams and not streams["s1"].finished:
            streams["s1"].finished = True
            if not known:
                streams["forgotten"] = streams.pop("s1")
            if now == "after":
                raise Unavailable("bigquery: no answer")

    world.bigquery.trouble = trouble
    world.run(metered(0), metered(1), metered(2), seconds=0)
    assert world.written == [0, 1, 2]
    assert len(streams) == 2


def test_nobody_appends_without_having_said_so(world: World) -> None:
    world.consumer.failures = 1
    world.run(metered(0), lambda _c: None, seconds=0)
    assert world.written == [0]
    assert world.metrics.failures._value.get() == 1
    away = World()
    away.consumer.failures = 10**6
    with pytest.raises(KafkaException):
        away.run(metered(0))
    assert away.written == []


def test_letters_are_acknowledged_before_a_commit_passes_their_record(world: World) -> None:
    world.office.away = 1
    world.run(FakeMessage(USAGE, 0, b"junk"), metered(1), lambda _c: None, seconds=0)
    assert world.written == [1]
    assert [(origin.offset, reason) for origin, reason in world.office.letters] == [(0, RejectReason.BAD_MAGIC_BYTE)]


def test_junk_alone_is_committed_without_a_stream(world: World) -> None:
    world.run(FakeMessage(USAGE, 0, b"junk"))
    assert world.committed == (1, Position(1_000))
    assert world.bigquery.streams == {}


def test_values_that_do_not_fit_become_letters(world: World) -> None:
    world.run(metered(0), metered(1, attempt=2**40), metered(2))
    assert world.written == [0, 2]
    assert [origin.offset for origin, _ in world.office.letters] == [1]
    alone = World()
    alone.run(metered(0, attempt=2**40))
    assert (alone.written, len(alone.office.letters), alone.committed[0]) == ([], 1, 1)


def test_rows_that_bigquery_refuses_become_letters(world: World) -> None:
    world.bigquery.refuses = lambda row: row["_offset"] == 1
    world.run(metered(0), metered(1), metered(2))
    assert world.written == [0, 2]
    assert [(origin.offset, reason) for origin, reason in world.office.letters] == [(1, RejectReason.UNDECODABLE)]
    assert world.committed == (3, Position(1_000, "s1", 2))


def test_a_gap_ends_the_sink(world: World) -> None:
    world.bigquery.trouble = once("before", ConfigurationError("bigquery_stream_gap"))
    with pytest.raises(ConfigurationError):
        world.run(metered(0), lambda _c: None, seconds=0)


@pytest.mark.parametrize(
    "stored",
    [
        [],
        [TopicPartition(*PLACE, 9, "folder")],
        [TopicPartition(*PLACE, 9, written(Position(999, "s9", 4)))],  # of a table that was there before
    ],
)
def test_without_a_commit_of_this_table_the_table_is_asked(world: World, stored: list[TopicPartition]) -> None:
    world.consumer.stored = stored
    world.run(metered(0), metered(1))
    assert world.consumer.assigned[0].offset == OFFSET_BEGINNING
    world.consumer.stored = stored
    asked = world.bigquery.asked
    world.run(lambda c: c.on_assign(c, [TopicPartition(USAGE, 1), TopicPartition(USAGE, 2)]), metered(2))
    assert world.written == [0, 1, 2]
    assert world.bigquery.asked == asked + 1


def test_a_partition_that_moved_away_and_came_back_begins_anew(world: World) -> None:
    place = [TopicPartition(*PLACE)]
    world.bigquery.trouble = once("before", Unavailable("bigquery: away"))
    world.run(metered(0), lambda c: c.on_revoke(c, place), assign, metered(0), lambda c: c.on_lost(c, place))
    assert world.written in ([], [0])
    world.run(metered(world.committed[0]))
    assert len(world.written) == len(set(world.written))


def test_erased_people_are_nobody_in_rows_that_come_later(world: World) -> None:
    world.erased = Erased({str(METERED.user_id): NOON.replace(year=9000)})  # type: ignore[union-attr]
    world.run(metered(0))
    assert [row["user_id"] for row in world.bigquery.tables[TABLE]] == [ERASED_USER]


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_the_group_left_behind_commits_nothing(world: World, when: str) -> None:
    """Neither an announcement nor the end of an append, even where Kafka would take it."""

    def lose(_now: object = None) -> None:
        world.member_id = ""

    if when == "after":
        world.bigquery.trouble = lambda now: lose() if now == "after" else None
    place = [TopicPartition(*PLACE)]
    steps = [metered(0)] if when == "after" else [lambda _c: lose(), metered(0)]
    world.run(*steps, lambda _c: None, lambda c: c.on_lost(c, place), seconds=0)
    assert world.written == ([0] if when == "after" else [])
    assert [offset for offset, _ in world.intents] == ([0] if when == "after" else [])
    assert [commit for commit in world.consumer.commits if commit != {PLACE: 0}] == []
    world.member_id = "m-2"
    world.bigquery.trouble = lambda _now: None
    start = 1 if when == "after" else 0
    world.run(*(metered(offset) for offset in range(start, 2)))
    assert world.written == [0, 1]


def test_one_that_was_left_behind_begins_nothing(world: World) -> None:
    """Kafka refuses its commit, and then says that the partition was lost."""
    world.consumer.failures = 3
    world.run(metered(0), lambda _c: None, lambda c: c.on_lost(c, [TopicPartition(*PLACE)]), seconds=0)
    assert world.written == []
    assert world.consumer.failures < 3
