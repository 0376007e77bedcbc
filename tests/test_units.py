"""Numbers in words: what is written is what was measured, to three digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch import units

SCALES = {"h": 3600.0, "min": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}


@given(st.floats(1e-9, 1e5))
def test_seconds_read_back(value: float) -> None:
    """A time read back from its text is the time itself, to half a unit of the third digit."""
    number, unit = units.seconds(value).split(" ")
    assert float(number) * SCALES[unit] == pytest.approx(value, rel=0.0051)


@given(st.floats(1e-9, 1e5))
def test_seconds_are_short(value: float) -> None:
    """A time never takes more than eight characters, the width of its column at 80."""
    assert len(units.seconds(value)) <= 8


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.00099949, "999 µs"),
        (0.0009996, "1 ms"),
        (0.9996, "1 s"),
        (0.0, "0 ns"),
        (119.0, "119 s"),
        (7200.0, "2 h"),
    ],
)
def test_seconds_change_unit_after_rounding(value: float, written: str) -> None:
    """999.6 µs is 1 ms, not 1e+03 µs."""
    assert units.seconds(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(999.4, "999"), (999.6, "1,000"), (0.0, "0"), (22.0, "22"), (1_234_567.0, "1,234,567")],
)
def test_count(value: float, written: str) -> None:
    """Counts are whole from a thousand on, and have their thousands apart."""
    assert units.count(value) == written


@pytest.mark.parametrize("written", [units.seconds, units.size, units.count, units.plain])
def test_unknown_is_a_dash(written: units.Written) -> None:
    """What is not known is written as a dash, not as None or 0."""
    assert written(None) == "-"
