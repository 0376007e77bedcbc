"""`rightbatch train`: train one model and say how good it is."""

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.live import Live
from rich.text import Text

from rightbatch import units
from rightbatch.checks import whole_number
from rightbatch.cli.main import DONE, NOT_REACHED
from rightbatch.cli.models import model_of
from rightbatch.data.dataset import Dataset
from rightbatch.errors import SettingError
from rightbatch.records import Outcome
from rightbatch.study.machine import fixed_threads
from rightbatch.train.fit import fit
from rightbatch.train.given import data_for
from rightbatch.train.monitor import Monitor
from rightbatch.train.processes import Processes
from rightbatch.train.result import FitProgress, FitResult

_REDRAW_SECONDS = 0.1
_LINE_SECONDS = 2.0

_BATCH_SIZE = 64
"""Where none is given; on smaller data all rows."""


def run(
    *,
    data: str,
    label: str | None,
    task: str | None,
    model: str,
    hidden: str | None,
    l2: float | None,
    batch_size: int | str | None,
    seed: int,
    threads: int,
    save: str | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> int:
    """Train, and show what came out; the exit code."""
    built = model_of(model, hidden, l2)
    loaded = data_for(built, data, label=label, task=task, seed=seed)
    target = None if save is None else _save_path(save)
    count = whole_number("threads", threads, at_least=1, instead="write a number of threads such as 1")
    with fixed_threads(count), _Shown(quiet=quiet) as shown:
        rows = min(_BATCH_SIZE, len(loaded.train[0])) if batch_size is None else batch_size
        settings |= {"monitor": False, "watchers": [Monitor(command_line=True)]}  # in words of the command
        result = fit(built, loaded, batch_size=rows, seed=seed, progress=shown, **settings)
        shown.warn(result.warnings)
    code = _code(result, settings["target"])
    if not Processes.started().first:  # the first of several processes alone writes and prints
        return code
    if target is not None:
        _save(result, target)
    if code != DONE:
        click.echo(f"rightbatch: {result.stopped}", err=True)
    click.echo(_json(result, loaded) if as_json else _words(result, loaded))
    return code


def _code(result: FitResult, target: str | None) -> int:
    """Whether the training came to what it was asked for."""
    failed = result.outcome in {Outcome.DIVERGED, Outcome.OUT_OF_MEMORY}
    missed = target is not None and result.outcome is not Outcome.REACHED
    return NOT_REACHED if failed or missed else DONE


class _Shown:
    """The training's progress on standard error: one live line on a terminal, else a line now and then."""

    def __init__(self, *, quiet: bool) -> None:
        console = Console(stderr=True)
        self._quiet = quiet
        # FORCE_COLOR makes rich call a log file a terminal.
        live = console.is_terminal and console.file.isatty()
        self._live = Live(console=console, auto_refresh=False, transient=True) if live else None
        self._next = 0.0
        self._told = 0

    def __enter__(self) -> "_Shown":
        if self._live is not None and not self._quiet:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def warn(self, warnings: Sequence[str]) -> None:
        """Say what was found since the last time, quiet or not."""
        for sentence in warnings[self._told :]:
            click.echo(f"rightbatch: {sentence}", err=True)
        self._told = len(warnings)

    def __call__(self, progress: FitProgress) -> None:
        self.warn(progress.warnings)
        now = time.perf_counter()
        if self._quiet or now < self._next:
            return
        if self._live is not None:
            self._next = now + _REDRAW_SECONDS
            self._live.update(Text(str(progress), no_wrap=True), refresh=True)
        else:
            self._next = now + _LINE_SECONDS
            click.echo(str(progress), err=True)


def _json(result: FitResult, data: Dataset) -> str:
    return json.dumps(_known(_document(result, data)), allow_nan=False)


def _known(tree: Any) -> Any:
    """The same tree, `None` where a number is not finite: JSON has no NaN."""
    if isinstance(tree, dict):
        return {name: _known(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_known(value) for value in tree]
    return None if isinstance(tree, float) and not math.isfinite(tree) else tree


def _document(result: FitResult, data: Dataset) -> dict[str, Any]:
    own = _own_units(result, data)
    return {
        "outcome": result.outcome.value,
        "stopped": result.stopped,
        "warnings": [*result.warnings],
        **{part: _scores(result, data, part) for part in _PARTS},
        "coefficients": None
        if own is None
        else {name: own[0][i].tolist() for i, name in enumerate(data.feature_names)},
        "intercept": None if own is None else own[1].tolist(),
        "history": result.history,
    }


def _words(result: FitResult, data: Dataset) -> str:
    last = result.history[-1] if result.history else {}
    lines = [result.stopped]
    if last:
        counted = ", ".join(units.plural(last[name], name) for name in ("epoch", "step"))
        counted = f"{counted}, {last['seconds']:.3g} s."
        lines.append(counted)
    if result.outcome not in {Outcome.DIVERGED, Outcome.OUT_OF_MEMORY}:
        lines += [_line(part, _scores(result, data, part)) for part in _PARTS]
        lines += _equation(result, data)
    return "\n".join(lines)


_PARTS = ("train", "validation", "test")


def _scores(result: FitResult, data: Dataset, part: str) -> dict[str, float]:
    """Every metric on one part; errors in the target's own units, the loss as it was trained on."""
    scale = {"rmse": float(data.y_scale[0]), "mae": float(data.y_scale[0])}
    scores = result.score(getattr(data, part))
    return {name: value * scale.get(name, 1.0) for name, value in scores.items()}


def _line(part: str, scores: dict[str, float]) -> str:
    return f"{part:<10}  " + "  ".join(f"{name} {value:.4g}" for name, value in scores.items())


def _equation(result: FitResult, data: Dataset) -> list[str]:
    """A linear regression with few features, in the data's own units."""
    own = _own_units(result, data)
    if own is None or data.task != "regression":
        return []
    weights, bias = own
    terms = [f"{weight:.4g} × {name}" for name, weight in zip(data.feature_names, weights[:, 0], strict=True)]
    if len(terms) > _MOST_TERMS:
        return []
    return [f"{data.label} = {' + '.join([*terms, f'{_zero(bias[0], data):.4g}'])}".replace("+ -", "- ")]


_MOST_TERMS = 8


def _zero(bias: float, data: Dataset) -> float:
    """The intercept, 0 where it is no more than float32's rounding of the target's scale."""
    return 0.0 if abs(bias) < 1e-4 * float(data.y_scale[0]) else bias


def _own_units(result: FitResult, data: Dataset) -> tuple[Any, Any] | None:
    parameters = result.parameters()
    if set(parameters) != {"weight1", "bias1"}:
        return None
    return data.in_own_units(parameters["weight1"], parameters["bias1"])


def _save_path(text: str) -> Path:
    path = Path(text)
    instead = "write a new file such as model.npz in a folder that exists"
    if path.suffix != ".npz":
        raise SettingError("save", "must end in .npz", text, instead)
    if path.exists() or not path.parent.is_dir():
        raise SettingError("save", "exists already" if path.exists() else "is in no folder", text, instead)
    return path


def _save(result: FitResult, path: Path) -> None:
    arrays: dict[str, Any] = {**result.parameters()}
    try:
        np.savez(path, **arrays)
    except OSError as error:
        raise SettingError(
            "save", f"cannot be written ({error.strerror})", str(path), "write another file"
        ) from None
