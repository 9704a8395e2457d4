"""Where a turn's milliseconds go, from the stage times that its `TurnFinished` carries."""

from collections.abc import Collection, Iterator

from confluent_kafka import Consumer

from benchmarks.chain import reader
from benchmarks.measurement import NothingMeasured
from benchmarks.running import RunningPlatform
from sluice import wiring
from sluice.clock import milliseconds_between
from sluice.events import TurnFinished

_QUIET_POLLS = 10


def segments(turn: TurnFinished) -> dict[str, float]:
    """Milliseconds by stage (`enrich`) and by way between two (`accept>enrich`), up to the end.

    The stamps are of one machine's clock. A stage's end is taken before it hands its event over, so encoding and
    Kafka's acknowledgement are in the way, not in the stage. `prompting` is what respond does before it
    asks, `model` lasts until the first token, `answering` from there to the terminal event.
    """
    found: dict[str, float] = {}
    for before, hop in zip((None, *turn.hops), turn.hops, strict=False):
        if before is not None:
            found[f"{before.stage}>{hop.stage}"] = milliseconds_between(before.left_at, hop.entered_at)
        if hop.stage != "respond":
            found[hop.stage] = milliseconds_between(hop.entered_at, hop.left_at)
    last = turn.hops[-1]
    if last.stage == "respond" and turn.first_delta_ms is not None and turn.first_token_ms is not None:
        entered = milliseconds_between(turn.accepted_at, last.entered_at)
        found["prompting"] = max(0.0, turn.first_delta_ms - turn.first_token_ms - entered)
        found["model"] = turn.first_token_ms
        found["answering"] = turn.total_ms - turn.first_delta_ms
    return found


def segments_of(platform: RunningPlatform, turn_ids: Collection[str]) -> dict[str, list[float]]:
    """By segment, one value a turn. Raises NothingMeasured where a turn is not on the log."""
    wanted = set(turn_ids)
    found: dict[str, list[float]] = {}
    for turn in _finished(platform):
        if turn.turn_id in wanted:
            wanted.discard(turn.turn_id)
            for name, milliseconds in segments(turn).items():
                found.setdefault(name, []).append(milliseconds)
    if wanted:
        raise NothingMeasured(f"{len(wanted)} of {len(turn_ids)} turns are not in chat-turns")
    return found


def _finished(platform: RunningPlatform) -> Iterator[TurnFinished]:
    codec = wiring.codec(platform.settings)
    consumer: Consumer = reader(platform.settings.bootstrap_servers, "chat-turns")
    quiet = 0
    while quiet < _QUIET_POLLS:
        messages = consumer.consume(500, 0.2)
        quiet = 0 if messages else quiet + 1
        for message in messages:
            if message.error() is None:
                event = codec.decode(message.value())
                if isinstance(event, TurnFinished):
                    yield event
    consumer.close()
