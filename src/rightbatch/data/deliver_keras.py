"""Batches for `model.fit` of Keras."""

from typing import Any

import keras


class KerasBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of a loader by number; every epoch of Keras is one of the loader.

    Args:
        loader: a `Loader` of `(X, y)`, or whatever else the model's `fit` takes as a batch.
    """

    def __init__(self, loader: Any) -> None:
        super().__init__()
        self._loader, self._epoch = loader, loader.epoch

    def __len__(self) -> int:
        return len(self._loader)

    def __getitem__(self, number: int) -> Any:
        return self._loader.batch_at(self._epoch, number)

    def on_epoch_end(self) -> None:
        """Keras calls this between two passes."""
        self._epoch += 1
