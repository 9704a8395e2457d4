"""Encoding and decoding of events beside bare fastavro on the same bytes. Needs no platform."""

import io
import time
from collections.abc import Callable
from typing import Any

import fastavro
import msgspec

from benchmarks.measurement import NothingMeasured, Result, percentile
from benchmarks.options import Options
from benchmarks.running import progress
from sluice.codec import Codec
from sluice.events import Event
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds
from sluice.schemas import schema_of
from tests.samples import SAMPLES

_EVENTS = ("DeltaProduced", "ChatRequested", "PromptReady", "TurnFinished")
_HEADER_BYTES = 5
_ROUNDS, _CALLS = 31, 1000


def codec(_options: Options) -> Result:
    """Median of interleaved rounds."""
    result = Result(
        "codec",
        notes=[
            "Encode: event to bytes on the wire, beside fastavro.schemaless_writer from a dictionary made beforehand.",
            (
                "Decode: bytes to a checked event, beside fastavro.schemaless_reader to a dictionary, "
                "without resolving the writer's schema against the reader's."
            ),
            f"Median of {_ROUNDS} rounds of {_CALLS} calls, ours and fastavro's in turns.",
        ],
    )
    ours = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))
    for name in _EVENTS:
        progress(name)
        _measure(name, SAMPLES[name], ours, result)
    return result


def _measure(name: str, event: Event, ours: Codec, result: Result) -> None:
    schema = fastavro.parse_schema(schema_of(name))
    value = ours.encode(event)
    body = value[_HEADER_BYTES:]
    fields = fastavro.schemaless_reader(io.BytesIO(body), schema)
    if ours.decode(value) != event or _bare_encode(schema, fields) != body:
        raise NothingMeasured(f"{name}: the two do not do the same")
    encode, bare_encode = _in_turns(lambda: ours.encode(event), lambda: _bare_encode(schema, fields))
    decode, bare_decode = _in_turns(
        lambda: ours.decode(value), lambda: fastavro.schemaless_reader(io.BytesIO(body), schema)
    )
    result.add(f"codec.encode.{name}", encode, "us", bare_encode)
    result.add(f"codec.decode.{name}", decode, "us", bare_decode)
    result.details[name] = {"bytes": len(value), "fields": len(msgspec.structs.fields(event))}


def _bare_encode(schema: Any, fields: Any) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema, fields)
    return buffer.getvalue()


def _in_turns(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Microseconds a call, medians."""
    rounds = [(_microseconds(one), _microseconds(other)) for _ in range(_ROUNDS)]
    return percentile([a for a, _ in rounds], 50), percentile([b for _, b in rounds], 50)


def _microseconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    for _ in range(_CALLS):
        call()
    return (time.perf_counter() - begun) / _CALLS * 1_000_000
