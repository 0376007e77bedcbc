"""Rows that `fit` is tried on: three columns, with quantities or with three classes that follow from them."""

import numpy as np

RNG = np.random.default_rng(5)
X = RNG.normal(size=(50, 3)).astype(np.float32)
QUANTITIES = (X @ [1.0, -2.0, 0.5] + 0.1 * RNG.normal(size=50)).astype(np.float32)
CLASSES = (QUANTITIES > 0).astype(np.int64) + (QUANTITIES > 1)
TRAIN, HELD = (X[:40], CLASSES[:40]), (X[40:], CLASSES[40:])
