"""Metrics of torchmetrics where several processes train together: each has all rows already."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

from rightbatch.learners.own_metrics import own_metrics


class Rows:
    """Counts rows as a metric of torchmetrics would that adds up what two processes have counted."""

    def __init__(self) -> None:
        self.rows = 0
        self.distributed_available_fn = self.there_are_two

    def there_are_two(self) -> bool:
        """As `torch.distributed` says."""
        return True

    def __call__(self, preds: object, target: list[int]) -> int:
        """Of one batch."""
        self.update(preds, target)
        return self.compute()

    def reset(self) -> None:
        """Begin anew."""
        self.rows = 0

    def update(self, preds: object, target: list[int]) -> None:
        """Count."""
        self.rows += len(target)

    def compute(self) -> int:
        """The rows of all processes."""
        return 2 * self.rows if self.distributed_available_fn() else self.rows


def test_rows_are_not_counted_once_a_process() -> None:
    """It counts 5 rows and not 10, and is left as it was."""
    counting = Rows()
    (metric,) = own_metrics(counting, "classification")
    assert metric.function is not None
    assert metric.function(np.zeros((1, 5, 3), np.float32), np.zeros(5, np.int64)).tolist() == [5.0]
    assert counting.distributed_available_fn()
