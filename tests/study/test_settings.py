"""What a study can be asked, and the sentence for what it cannot."""

import pytest

from rightbatch.errors import SettingError
from rightbatch.study.settings import batch_sizes_for, bytes_of, method_of, seconds_of

SIZES = 'write sizes such as [1, 8, 64], or "auto".'
TIME = "write a time such as 60s, 5m or 1h."
MEMORY = "write a size such as 500MB or 4GB."


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [
        (1, (1,)),
        (2, (1, 2)),
        (3, (1, 2, 3)),
        (64, (1, 2, 4, 8, 16, 32, 64)),
        (65, (1, 2, 4, 8, 16, 32, 64, 65)),
    ],
)
def test_auto_is_powers_of_two_and_all_rows(rows: int, sizes: tuple[int, ...]) -> None:
    """Stochastic, mini-batch and full batch stand side by side, each once."""
    assert batch_sizes_for(rows) == batch_sizes_for(rows, None) == sizes


def test_sizes_of_ones_own() -> None:
    """In any order, repeats dropped; a single one is a list of one."""
    assert batch_sizes_for(100, [64, 8, 8]) == (8, 64)
    assert batch_sizes_for(100, 32) == (32,)
    assert batch_sizes_for(100, range(8, 17, 8)) == (8, 16)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ([0, 8], f"batch_sizes must be at least 1, got 0; {SIZES}"),
        ([-3], f"batch_sizes must be at least 1, got -3; {SIZES}"),
        ([8, 101], "batch_sizes must not be above the 100 training rows, got 101; write at most 100."),
        ([8.5], f"batch_sizes must be a whole number, got 8.5; {SIZES}"),
        (True, f"batch_sizes must be a whole number, got True; {SIZES}"),
        ("1,8", f"batch_sizes must be \"auto\" or a list of whole numbers, got '1,8'; {SIZES}"),
        ([], f"batch_sizes must name at least one size, got []; {SIZES}"),
    ],
)
def test_sizes_that_cannot_be_used(wanted: object, sentence: str) -> None:
    """The sentence names the size, and how many rows there are."""
    with pytest.raises(SettingError) as caught:
        batch_sizes_for(100, wanted)
    assert str(caught.value) == sentence


def test_methods() -> None:
    """The three classical names."""
    assert [method_of(size, 10) for size in (1, 5, 10)] == ["stochastic", "mini-batch", "full batch"]
    assert method_of(1, 1) == "full batch"


@pytest.mark.parametrize(
    ("budget", "seconds"),
    [
        (60, 60),
        (0.5, 0.5),
        ("60", 60),
        ("60s", 60),
        ("500ms", 0.5),
        ("5m", 300),
        ("5 min", 300),
        ("1.5h", 5400),
        ("1e2s", 100),
    ],
)
def test_budgets(budget: object, seconds: float) -> None:
    """Seconds, with or without a unit; minutes; hours."""
    assert seconds_of(budget) == seconds


@pytest.mark.parametrize(
    ("budget", "sentence"),
    [
        ("soon", f"budget must be a number with a unit, got 'soon'; {TIME}"),
        ("5 parsecs", f"budget must be a number with a unit, got '5 parsecs'; {TIME}"),
        ("", f"budget must be a number with a unit, got ''; {TIME}"),
        ("1-2s", f"budget must be a number with a unit, got '1-2s'; {TIME}"),
        ("inf", f"budget must be a number with a unit, got 'inf'; {TIME}"),
        ("1e999s", f"budget must be a number with a unit, got '1e999s'; {TIME}"),
        (None, f"budget must be a number with a unit, got None; {TIME}"),
        ("0s", f"budget must be above 0, got '0s'; {TIME}"),
        (-5, f"budget must be above 0, got -5; {TIME}"),
    ],
)
def test_budgets_that_cannot_be_used(budget: object, sentence: str) -> None:
    """The sentence holds what was typed, unit and all."""
    with pytest.raises(SettingError) as caught:
        seconds_of(budget)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("limit", "number"), [(1000, 1000), ("500MB", 5e8), ("4GB", 4e9), ("2 GiB", 2**31), ("1.5kb", 1500)]
)
def test_memory_limits(limit: object, number: float) -> None:
    """Powers of ten, as disks and the table have them; GiB for powers of two."""
    assert bytes_of(limit) == number


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        ("lots", f"memory_limit must be a number with a unit, got 'lots'; {MEMORY}"),
        ("4XB", f"memory_limit must be a number with a unit, got '4XB'; {MEMORY}"),
        ("0GB", f"memory_limit must be above 0, got '0GB'; {MEMORY}"),
        ("4", f"memory_limit must have a unit, got '4'; {MEMORY}"),
        (" 1e9 ", f"memory_limit must have a unit, got ' 1e9 '; {MEMORY}"),
        ("0", f"memory_limit must be above 0, got '0'; {MEMORY}"),
    ],
)
def test_memory_limits_that_cannot_be_used(limit: object, sentence: str) -> None:
    """The sentence holds what was typed."""
    with pytest.raises(SettingError) as caught:
        bytes_of(limit)
    assert str(caught.value) == sentence
