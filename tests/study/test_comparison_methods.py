"""What is compared, and what each method is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.errors import SettingError
from rightbatch.learners.linear import LinearRegression
from rightbatch.learners.updates import Momentum
from rightbatch.study.comparison_methods import Method, methods_of, usual_sizes


def names(**asked: object) -> list[str]:
    """The names of the methods asked for, of 100 rows."""
    given_ = {"batch_sizes": None, "optimizers": None, **asked}
    return [method.name for method in methods_of(LinearRegression(), 100, **given_)]  # type: ignore[arg-type]


@given(st.integers(2, 10**7))
def test_usual_sizes_rise_and_end_with_all_rows(rows: int) -> None:
    """There are two to four, each larger than the one before, the last all rows."""
    sizes = usual_sizes(rows)
    assert 2 <= len(sizes) <= 4
    assert list(sizes) == sorted(set(sizes))
    assert sizes[-1] == rows


def test_methods_are_named_by_what_sets_them_apart() -> None:
    """Batch sizes by their kind, update rules by their name, both where both differ."""
    assert names() == ["stochastic", "mini-batch 10", "mini-batch 50", "full batch"]
    assert names(optimizers=["sgd", "adam"]) == ["SGD", "Adam"]
    assert names(optimizers=["sgd", "adam"], batch_sizes=[1, 100]) == [
        "SGD, stochastic",
        "SGD, full batch",
        "Adam, stochastic",
        "Adam, full batch",
    ]


def test_optimizers_alone_are_compared_at_a_small_mini_batch() -> None:
    """Of the usual sizes that is the second."""
    found: list[Method] = methods_of(
        LinearRegression(), 100, batch_sizes=None, optimizers=["sgd", "momentum"]
    )
    assert {method.batch_size for method in found} == {10}


def test_two_of_the_same_name_are_numbered() -> None:
    """The same update rule twice, with other settings, has two names."""
    rules = [Momentum(momentum=0.5), Momentum(momentum=0.9)]
    assert names(optimizers=rules) == ["momentum (1)", "momentum (2)"]


def test_sizes_too_small_for_the_model_are_not_usual() -> None:
    """A model that needs two rows an update is not trained one by one."""
    found = methods_of(LinearRegression(), 100, batch_sizes=None, optimizers=None, least=2)
    assert [method.batch_size for method in found] == [10, 50, 100]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"batch_sizes": (10,)},
            "batch_sizes must be at least two to compare, got (10,); write sizes such as 1, 10 and 100.",
        ),
        (
            {"optimizers": []},
            'optimizers must name at least one, got []; write names such as ["sgd", "momentum", "adam"].',
        ),
        (
            {"batch_sizes": (1, 200)},
            "batch_sizes must not be above the 100 training rows, got 200; write at most 100.",
        ),
    ],
)
def test_what_cannot_be_compared(asked: dict[str, object], said: str) -> None:
    """One sentence says what to write."""
    with pytest.raises(SettingError) as error:
        names(**asked)
    assert str(error.value) == said
