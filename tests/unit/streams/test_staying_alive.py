"""Watchdog, fuse, and what is checked before a worker starts."""

import pytest

from sluice.errors import ConfigurationError
from sluice.topics import catalogue
from streams.fuse import Fuse
from streams.ready import check_partitions, check_state
from streams.transport.driver import check_versions
from streams.transport.lag import Backlog
from streams.transport.member import epoch_in
from streams.watchdog import STUCK_SECONDS, Watchdog


class Seconds:
    """A clock by hand."""

    now = 100.0
    used = 0.0

    def __call__(self) -> float:
        return self.now


def watched(behind) -> tuple[Watchdog, Seconds]:
    clock = Seconds()
    dog = Watchdog(behind, 6.0, lambda _reason: None, clock, used=lambda: clock.used)
    dog.begin()
    return dog, clock


def run(dog: Watchdog, clock: Seconds, seconds: float, *, moving: bool = False) -> str | None:
    for half_second in range(int(seconds / 0.5)):
        clock.now += 0.5
        if moving:
            dog.moved()
        reason = dog.tick() or (dog.look() if half_second % 10 == 9 else None)
        if reason is not None:
            return reason
    return None


def test_a_stage_that_does_not_move_while_records_wait_is_noticed_within_30_seconds():
    dog, clock = watched(lambda: Backlog(3, 0))
    reason = run(dog, clock, 60)
    assert reason is not None
    assert "3 records wait" in reason
    assert STUCK_SECONDS < clock.now - 100.0 <= 30


def test_a_stage_that_moves_or_has_nothing_to_do_is_left_alone():
    dog, clock = watched(lambda: Backlog(3, 0))
    assert run(dog, clock, 120, moving=True) is None
    dog, clock = watched(lambda: Backlog(0, 0))
    assert run(dog, clock, 120) is None


def test_time_without_work_or_without_a_broker_does_not_count():
    waiting = [0]
    dog, clock = watched(lambda: Backlog(waiting[0], 0))
    assert run(dog, clock, 120) is None
    waiting[0] = 1
    assert run(dog, clock, STUCK_SECONDS - 5) is None

    def away() -> Backlog:
        raise OSError

    dog, clock = watched(away)
    assert run(dog, clock, 120) is None


def test_a_worker_full_of_turns_whose_models_are_silent_is_not_stuck():
    dog, clock = watched(lambda: Backlog(0, 5))
    assert run(dog, clock, 590) is None
    reason = run(dog, clock, 60)
    assert reason is not None
    assert "5 records wait" in reason


def test_a_broker_that_is_slow_to_tell_the_backlog_is_not_a_process_that_stood_still():
    def slow() -> Backlog:
        clock.now += 15
        dog.tick()
        return Backlog(0, 0)

    dog, clock = watched(slow)
    clock.used = 0.0
    dog.used = lambda: clock.now  # the ticks go on in their own thread meanwhile
    assert dog.look() is None
    assert dog.stood_still() is None


def test_a_process_that_was_stopped_for_longer_than_its_group_waits_must_not_go_on():
    dog, clock = watched(lambda: Backlog(0, 0))
    clock.now += 7.0
    assert dog.stood_still() == "stood still for 7.0 s"
    assert dog.tick() == "stood still for 7.0 s"
    assert dog.stood_still() is None


def test_a_thread_that_starved_was_not_stopped():
    dog, clock = watched(lambda: Backlog(0, 0))
    clock.now += 7.0
    clock.used += 3.0
    assert dog.stood_still() is None


def test_a_fuse_burns_above_its_share_of_a_full_window():
    fuse = Fuse(0.5, 4)
    fuse.handled()
    assert [fuse.rejected() for _ in range(2)] == [None, None]
    assert fuse.rejected() == "3 of the last 4 records were put away"
    for _ in range(4):
        fuse.handled()
    assert fuse.rejected() is None
    never = Fuse(1.0, 2)
    assert [never.rejected() for _ in range(5)] == [None] * 5


class Counts:
    """An admin client that knows topics."""

    def __init__(self, **counts: int) -> None:
        self.counts = counts

    def partitions(self) -> dict[str, int]:
        return {name.replace("_", "-"): count for name, count in self.counts.items()}


def test_chat_topics_with_other_partition_counts_are_named():
    right = {name.replace("-", "_"): t.partitions for name, t in catalogue().items()}
    check_partitions(Counts(**right), ["chat-requests"])
    with pytest.raises(ConfigurationError, match=r"must have 8 partitions.*chat-turns has 4.*changes none"):
        check_partitions(Counts(**right | {"chat_turns": 4}), ["chat-requests"])


def test_a_state_folder_belongs_to_one_cluster(tmp_path):
    check_state(tmp_path / "enrich", "cluster-a")
    check_state(tmp_path / "enrich", "cluster-a")
    with pytest.raises(ConfigurationError, match=r"belongs to cluster 'cluster-a', this one is 'cluster-b'.*Delete"):
        check_state(tmp_path / "enrich", "cluster-b")
    (tmp_path / "enrich" / "cluster-id").write_bytes(b"\x00\xff")
    with pytest.raises(ConfigurationError, match="Delete the folder"):
        check_state(tmp_path / "enrich", "cluster-b")


@pytest.mark.parametrize("begun", ["", "clus"])
def test_a_mark_that_was_begun_is_made_whole(tmp_path, begun: str):
    (tmp_path / "cluster-id").write_text(begun)
    check_state(tmp_path, "cluster-a")
    assert (tmp_path / "cluster-id").read_text() == "cluster-a"


def test_a_state_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be used"):
        check_state(tmp_path / "file", "cluster-a")


def test_a_state_folder_that_can_no_longer_be_written_is_named(tmp_path):
    check_state(tmp_path, "cluster-a")
    (tmp_path / "cluster-id.part").mkdir()
    with pytest.raises(ConfigurationError, match=r"cannot be used .*Make it writable"):
        check_state(tmp_path, "cluster-a")


def test_untested_versions_and_internals_stop_the_start():
    check_versions()
    with pytest.raises(ConfigurationError, match=r"faust-streaming 0\.16\.0 is installed"):
        check_versions(faust_version="0.16.0")
    with pytest.raises(ConfigurationError, match=r"librdkafka 3\.0\.1 is installed"):
        check_versions(librdkafka="3.0.1")

    class Changed:
        def __init__(self, callback) -> None: ...

    with pytest.raises(ConfigurationError, match=r"Consumer\._drain_messages is not what"):
        check_versions(base=Changed)


def test_the_epoch_is_read_from_the_metadata():
    assert epoch_in(b"CGMDv2:\x03\x00\x00\x00g1\x00iGie\x00\x01") == 3
    with pytest.raises(ValueError, match="group metadata begins with"):
        epoch_in(b"CGMDv9:\x03\x00\x00\x00")
