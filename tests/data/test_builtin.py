"""The built-in data sets are the ones they say they are."""

import numpy as np
from sklearn.datasets import load_digits

from rightbatch.data.builtin import BUILT_IN, digits, houses, line


def test_digits_are_those_of_scikit_learn() -> None:
    """1,797 images of 64 pixels and their digits."""
    images, numbers = load_digits(return_X_y=True)
    *pixels, label = digits().columns
    np.testing.assert_array_equal(np.stack([pixel.values for pixel in pixels], axis=1), images)
    assert [label.levels[code] for code in label.values] == [str(number) for number in numbers]
    assert (len(pixels), digits().rows, digits().teaching) == (64, 1797, False)


def test_a_price_is_200_times_the_size() -> None:
    """The four houses of the classical example."""
    size, price = houses().columns
    assert size.values.tolist() == [1000, 1500, 2000, 2500]
    assert price.values.tolist() == [200_000, 300_000, 400_000, 500_000]
    assert houses().teaching


def test_the_line_has_the_least_squares_solution_that_everyone_finds() -> None:
    """The line is y = 4.215 + 2.770 x, as in the printed solutions of the exercise."""
    x, y = line().columns
    slope, intercept = np.polyfit(x.values, y.values, 1)
    assert (round(slope, 3), round(intercept, 3)) == (2.770, 4.215)
    assert line().rows == 100


def test_every_data_set_goes_by_its_name() -> None:
    """The name in the list is the name of the table."""
    assert {name: make().name for name, make in BUILT_IN.items()} == {
        "digits": "digits",
        "houses": "houses",
        "line": "line",
    }
