"""Where the search for a learning rate starts."""

import math

import pytest

from rightbatch.study.guess import guess


@pytest.mark.parametrize("alpha", [1.0, 0.5])
@pytest.mark.parametrize("noise_scale", [4.0, 64.0, 1000.0])
def test_guess_follows_the_law(noise_scale: float, alpha: float) -> None:
    """From the nearest points to eps/(1 + B_0/B)^alpha at three sizes, others are within a factor of 2."""

    def exact(size: int) -> float:
        return 2 * math.log2(0.5 / (1 + noise_scale / size) ** alpha)

    found = {size: round(exact(size)) for size in (4, 32, 256)}
    for size in (1, 8, 64, 128, 1024):
        assert abs(guess(found, size) - exact(size)) <= 2


def test_a_guess_from_one_size_rises_with_the_batch() -> None:
    """By less than in proportion, and not at all at the size itself."""
    assert guess({32: -4}, 32) == -4
    assert -4 <= guess({32: -4}, 256) <= 2
    assert -10 <= guess({32: -4}, 4) <= -4
