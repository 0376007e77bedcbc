"""Batches for `model.fit` of Keras."""

from typing import Any

import keras


class KerasBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of a loader by number; every epoch of Keras is one of the loader.

    After every epoch the loader is where a pass of its own would have left it, so that its `state_dict`
    can be kept and gone on from; within an epoch it stays where that began.

    Args:
        loader: a `Loader` of `(X, y)`, or whatever else the model's `fit` takes as a batch.
    """

    def __init__(self, loader: Any) -> None:
        super().__init__()
        self._loader, self._epoch, self._asked = loader, loader.epoch, 0

    def __len__(self) -> int:
        return len(self._loader)

    def __getitem__(self, number: int) -> Any:
        self._asked += 1
        return self._loader.batch_at(self._epoch, number)

    def on_epoch_end(self) -> None:
        """Keras calls this after every epoch, and after a look at one or two batches, which is none."""
        if self._asked < len(self):
            return
        self._epoch, self._asked = self._epoch + 1, 0
        state = self._loader.state_dict()
        self._loader.load_state_dict({**state, "epoch": self._epoch, "samples": 0, "step": 0})
