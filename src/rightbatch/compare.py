"""Gradient descent side by side: compare batch sizes, or update rules, on the user's data."""

from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rightbatch.checks import function_or_none, positive, whole_number
from rightbatch.data.dataset import Dataset, load_data
from rightbatch.errors import SettingError
from rightbatch.learners.linear import LinearRegression
from rightbatch.learners.mlp import MLP
from rightbatch.learners.models import is_model, model_named, optimizer_for
from rightbatch.learners.protocol import Model
from rightbatch.learners.torch_model import said
from rightbatch.records import Progress
from rightbatch.report.comparison_page import write_comparison
from rightbatch.study.comparison import Comparing, usual_epochs
from rightbatch.study.comparison_document import comparison_document
from rightbatch.study.comparison_methods import methods_of
from rightbatch.study.comparison_winners import Winner
from rightbatch.study.machine import fixed_threads
from rightbatch.train.given import data_for


class Comparison:
    """What came out of `compare`; `to_dict` is the whole of it.

    Args:
        document: as `rightbatch.study.comparison_document.comparison_document` makes it.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    @property
    def winners(self) -> dict[str, Winner]:
        """The winner for ``"speed"``, ``"memory"`` and ``"quality"``, each with its sentence."""
        return {found["respect"]: Winner(**found) for found in self._document["winners"]}

    def table(self) -> list[dict[str, Any]]:
        """One row a method, as in ``methods`` of the document, without curve and noise."""
        left_out = {"curve", "noise"}
        return [
            {name: value for name, value in row.items() if name not in left_out}
            for row in self._document["methods"]
        ]

    def to_dict(self) -> dict[str, Any]:
        """The document, as JSON can hold it; the same as ``rightbatch compare --json``."""
        return self._document

    def to_html(self, path: str | Path) -> Path:
        """Write the page, one HTML file that opens offline.

        Raises:
            SettingError: the file is not a report of rightbatch, or cannot be written.
        """
        return write_comparison(self._document, Path(path))

    def __repr__(self) -> str:
        return f"Comparison({self.winners['speed'].sentence!r})"


def compare(
    data: Any = "line",
    model: Any = None,
    *,
    label: str | int | None = None,
    task: str | None = None,
    batch_sizes: Sequence[int] | str | None = None,
    optimizers: Sequence[Any] | None = None,
    epochs: int | None = None,
    lr: float | None = None,
    seed: int = 0,
    threads: int = 1,
    progress: Callable[[Progress], None] | None = None,
) -> Comparison:
    """Train one model from one start by stochastic, mini-batch and full-batch gradient descent.

    Each method has the learning rate that converges in the fewest updates, searched on the grid of
    a study; at one learning rate for all, the comparison would be of how well it suits each.

    Args:
        data: whatever `load_data` reads, or a `Dataset`.
        model: as for `study`; none: linear regression, and for classification an MLP.
        label: the column to predict.
        task: ``"regression"`` or ``"classification"``; recognised from the label.
        batch_sizes: rows of an update, or ``"auto"``: powers of two; none: 1, two mini-batches, all rows.
        optimizers: update rules to compare instead, or their names; at one batch size where none is given.
        epochs: passes over the data of every method; none: 100, and fewer of more than 800 rows.
        lr: one learning rate for all methods; none: searched for each.
        seed: of the split, the start and the orders.
        threads: threads of the linear algebra library.
        progress: called with a `Progress` after every piece of work.

    Returns:
        The comparison. A method that diverges is part of it.

    Raises:
        SettingError: an argument cannot be used.
        DataError: the data cannot be used, or there is nothing to learn.

    Example:
        >>> found = compare("houses", seed=0)
        >>> [round(row["weights"]["size"], 3) for row in found.table()]
        [200.0, 200.0, 200.0]
    """
    count = whole_number("threads", threads, at_least=1, instead="write a number of threads such as 1")
    rate = None if lr is None else positive("lr", lr)
    passes = None if epochs is None else whole_number("epochs", epochs, at_least=1, instead=_EPOCHS)
    whole_number("seed", seed, at_least=0, instead="write a whole number such as 0")
    chosen, loaded = _model_and_data(model, data, label=label, task=task, seed=seed)
    rows = len(loaded.train[0])
    least = int(getattr(chosen.build(loaded.shape, optimizer_for(chosen, "sgd")), "least_rows", 1))
    methods = methods_of(chosen, rows, batch_sizes=batch_sizes, optimizers=optimizers, least=least)
    asked = Comparing(
        model=chosen,
        data=loaded,
        methods=methods,
        epochs=usual_epochs(rows) if passes is None else passes,
        lr=rate,
        seed=seed,
        progress=function_or_none("progress", progress, of="a Progress") or _silent,
    )
    with fixed_threads(count):
        convergence, compared = asked.run()
        document = comparison_document(
            asked, convergence, compared, version=version("rightbatch"), threads=count
        )
    return Comparison(document)


_AFTER = "write rb.compare(data, model)"

_EPOCHS = "write a number of epochs such as 100"


def _model_and_data(model: Any, data: Any, **how: Any) -> tuple[Model, Dataset]:
    if is_model(data):
        got = data if isinstance(data, str) else said(data)
        instead = f"write rb.compare(data, model={got!r})" if got is data else _AFTER
        raise SettingError("data", "must come first and the model after it", got, instead)
    if model is not None:
        chosen = model_named(model)
        return chosen, data if isinstance(data, Dataset) else data_for(chosen, data, **how)
    loaded = load_data(data, **how)
    return LinearRegression() if loaded.task == "regression" else MLP(), loaded


def _silent(progress: Progress) -> None:
    del progress
