"""`rightbatch probe`: seconds per step and memory against batch size."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.table import Table

from rightbatch import units
from rightbatch.checks import whole_number
from rightbatch.cli.main import DONE
from rightbatch.cli.models import model_of, whole_numbers
from rightbatch.data.dataset import load_data
from rightbatch.learners.updates import optimizer_named
from rightbatch.report.console import console
from rightbatch.stats.steptime import StepTime
from rightbatch.study.machine import describe, fixed_threads
from rightbatch.study.probe import Cost, probe
from rightbatch.study.problem import Problem
from rightbatch.study.settings import batch_sizes_for

_HEADERS = ("batch size", "time per step", "time per epoch", "samples per second", "memory")


def run(
    *,
    data: str,
    label: str | None,
    task: str | None,
    model: str,
    hidden: str,
    l2: float,
    optimizer: str,
    batch_sizes: str,
    threads: int,
    as_json: bool,
    quiet: bool,
) -> int:
    """Measure, and show what a step costs; the exit code."""
    del quiet
    loaded = load_data(data, label=label, task=task)
    learner = model_of(model, hidden, l2).build(loaded.shape, optimizer_named(optimizer))
    problem = Problem(learner=learner, train=loaded.train, validation=loaded.validation, task=loaded.task)
    wanted = "auto" if batch_sizes == "auto" else whole_numbers("batch_sizes", batch_sizes, _SIZES)
    sizes = batch_sizes_for(len(loaded.train[0]), wanted)
    count = whole_number("threads", threads, at_least=1, instead="write a number of threads such as 1")
    with fixed_threads(count):
        costs, law = probe(problem, sizes)
    if as_json:
        click.echo(json.dumps(_document(costs, law, count)))
    else:
        _show(costs, law)
    return DONE


_SIZES = "write sizes such as 1,8,64, or auto"


def _document(costs: Sequence[Cost], law: StepTime | None, threads: int) -> dict[str, object]:
    return {
        "batch_sizes": [asdict(cost) for cost in costs],
        "step_time": None if law is None else asdict(law),
        "machine": describe(threads),
    }


def _show(costs: Sequence[Cost], law: StepTime | None) -> None:
    shown = console()
    table = Table(box=None, header_style="")
    for header in _HEADERS:
        table.add_column(header, justify="right")
    for cost in costs:
        table.add_row(
            str(cost.batch_size),
            units.seconds(cost.seconds_per_step),
            units.seconds(cost.seconds_per_epoch),
            units.count(cost.samples_per_second),
            units.size(cost.memory_bytes),
        )
    shown.print(table)
    if law is not None:
        shown.print(_law(law), highlight=False, soft_wrap=True)


def _law(law: StepTime) -> str:
    fixed, more = units.seconds(law.a), units.seconds(law.b)
    said = f"A step costs {fixed} however small the batch, and {more} more per sample"
    half = (
        f"; above {units.count(law.a / law.b)} samples, the samples cost the larger part" if law.b > 0 else ""
    )
    return f"{said}{half}."
