"""Where the parameters of all replicas lie."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.learners.layout import blocks_of

SIZES = st.lists(st.integers(1, 6), min_size=2, max_size=5).map(tuple)


@given(SIZES, st.integers(1, 4))
def test_blocks_fill_the_array(sizes: tuple[int, ...], replicas: int) -> None:
    """Every place of the flat array belongs to one block, in the order weight1, bias1, weight2, ..."""
    blocks = blocks_of(sizes, replicas)
    layers = range(1, len(sizes))
    assert [block.name for block in blocks] == [f"{kind}{n}" for n in layers for kind in ("weight", "bias")]
    flat = np.zeros(blocks[-1].stop)
    for block in blocks:
        block.stored(flat)[:] += 1
    assert (flat == 1).all()
    assert len(flat) == replicas * sum((n + 1) * units for n, units in pairwise(sizes))


@given(SIZES, st.integers(1, 4))
def test_one_replica_is_seen_alone(sizes: tuple[int, ...], replicas: int) -> None:
    """What is written to a replica through its view is read there, and in no other replica."""
    blocks = blocks_of(sizes, replicas)
    flat = np.full(blocks[-1].stop, -1)
    for block in blocks:
        view = block.by_replica(flat)
        layer = int(block.name[-1])
        inputs, units = sizes[layer - 1 : layer + 1]
        assert view.shape[1:] == ((inputs, units) if block.name.startswith("weight") else (units,))
        for replica in range(replicas):
            view[replica] = replica
    for block in blocks:
        assert [set(part.flat) for part in block.by_replica(flat)] == [{k} for k in range(replicas)]


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4))
def test_the_first_layer_is_one_matrix(inputs: int, units: int, replicas: int) -> None:
    """One product of the rows with the stored first layer gives what each replica gives alone."""
    weight = blocks_of((inputs, units, 2), replicas)[0]
    flat = np.random.default_rng(0).normal(size=weight.stop)
    x = np.random.default_rng(1).normal(size=(3, inputs))
    together = (x @ weight.stored(flat).reshape(inputs, -1)).reshape(3, replicas, units)
    for replica, alone in enumerate(weight.by_replica(flat)):
        np.testing.assert_allclose(together[:, replica], x @ alone, rtol=1e-12, atol=1e-12)
