"""What modules draw depends on what it is for alone."""

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch

from rightbatch.learners.torch_noise import Seeded

CPU = torch.device("cpu")


def drawn(*parts: int | str, number: int = 0) -> tuple[float, ...]:
    """Two numbers drawn for this."""
    with Seeded(CPU, *parts, number=number):
        return tuple(torch.rand(2).tolist())


def test_equal_parts_draw_the_same_whatever_was_drawn_before() -> None:
    """Equal parts and numbers give equal draws, whatever else was drawn."""
    first = drawn("noise", 3, number=5)
    torch.rand(7)
    drawn("noise", 3, number=6)
    assert drawn("noise", 3, number=5) == first


def test_other_parts_and_other_numbers_draw_others() -> None:
    """No two of 20 seeds and 20 steps draw alike."""
    found = [drawn("noise", seed, number=number) for seed in range(20) for number in range(20)]
    assert len(set(found)) == 400


def test_the_seeds_of_a_long_series_differ_in_the_bits_that_pytorch_looks_at() -> None:
    """No two of 200,000 steps share the 32 bits that the CPU's generator starts from."""
    seeds = {Seeded(CPU, "noise", 0, number=number)._seed % 2**32 for number in range(200_000)}
    assert len(seeds) == 200_000


def test_pytorchs_own_generator_goes_on_as_if_nothing_had_been_drawn() -> None:
    """What the user draws is the same with and without a step in between."""
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    drawn("noise", 0)
    assert torch.equal(torch.rand(3), expected)
