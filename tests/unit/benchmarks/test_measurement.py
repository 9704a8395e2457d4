"""Percentiles, the BENCH line, the result file."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measurement import Measurement, NothingMeasured, Result, digits, percentile, spread
from tests.doubles import NOON

_LINE = re.compile(r"BENCH \S+ [0-9.]+ \S+ floor [0-9.]+ [0-9.]+")
_POSITIVE = st.floats(min_value=1e-6, max_value=1e9)


@pytest.mark.parametrize(("percent", "expected"), [(0, 1.0), (50, 2.5), (95, 3.85), (100, 4.0)])
def test_a_percentile_lies_between_the_closest_ranks(percent, expected):
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == pytest.approx(expected)


@given(st.lists(_POSITIVE, min_size=1), st.floats(min_value=0, max_value=100))
def test_a_percentile_is_never_outside_its_values(values, percent):
    assert min(values) <= percentile(values, percent) * (1 + 1e-12)
    assert percentile(values, percent) <= max(values) * (1 + 1e-12)


def test_nothing_has_no_percentile():
    with pytest.raises(NothingMeasured):
        percentile([], 50)


def test_a_spread_says_how_many_values_it_is_of():
    assert spread([1.0, 3.0]) == {"p5": 1.1, "p50": 2.0, "p95": 2.9, "p99": 2.98, "max": 3.0, "count": 2}


def test_a_line_has_name_value_unit_floor_and_ratio():
    assert Measurement("overhead.50.p95", 12.34, "ms", 4.0).line == "BENCH overhead.50.p95 12.3 ms floor 4.00 3.08"


@given(_POSITIVE, _POSITIVE)
def test_a_line_is_plain_numbers_whatever_they_are(value, floor):
    assert _LINE.fullmatch(Measurement("x", value, "ms", floor).line)


@pytest.mark.parametrize(
    ("number", "text"), [(0.01234, "0.0123"), (1.0, "1.00"), (99.94, "99.9"), (100.4, "100"), (48000.0, "48000")]
)
def test_digits_that_mean_something(number, text):
    assert digits(number) == text


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan"), float("inf")])
def test_a_measurement_of_nothing_fails(wrong):
    with pytest.raises(NothingMeasured):
        Measurement("deltas", wrong, "deltas/s", 1.0)
    with pytest.raises(NothingMeasured):
        Measurement("deltas", 1.0, "deltas/s", wrong)


def test_a_name_with_a_space_is_refused():
    with pytest.raises(ValueError, match="split"):
        Measurement("two words", 1.0, "ms", 1.0)


def test_a_result_is_written_with_all_it_knows(tmp_path):
    result = Result("codec", notes=["how to read it"], details={"bytes": 120})
    result.add("codec.encode", 6.0, "us", 4.0)

    file = result.write(tmp_path / "results", NOON, {"cores": 2})

    assert file.name == "codec-20260301T120000Z.json"
    assert json.loads(file.read_text()) == {
        "benchmark": "codec",
        "at": "2026-03-01T12:00:00+00:00",
        "machine": {"cores": 2},
        "measurements": [{"name": "codec.encode", "value": 6.0, "unit": "us", "floor": 4.0, "ratio": 1.5}],
        "notes": ["how to read it"],
        "details": {"bytes": 120},
    }
