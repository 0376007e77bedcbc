"""Every figure of these pages, drawn from runs that are made when the documentation is built."""

from collections.abc import Callable
from pathlib import Path

from plotly.offline import get_plotlyjs

from learn import counting, descents, generalising, machine, optimizers, sizes, uneven
from learn.fragment import fragment
from rightbatch.report.page import Section
from rightbatch.study.machine import fixed_threads

Figure = Callable[[], Section]

FIGURES: dict[str, tuple[Figure, ...]] = {
    "busy": (machine.step_time, machine.throughput, machine.waiting, machine.parts, machine.threads),
    "descents": (descents.gradients, descents.paths, descents.settling),
    "counting": (
        counting.one_epoch,
        counting.steps_per_epoch,
        counting.by_examples,
        counting.by_steps,
    ),
    "choosing": (
        sizes.steps,
        sizes.seconds,
        sizes.memory,
        sizes.noise,
        generalising.gap,
        generalising.unseen,
    ),
    "optimizers": (optimizers.ways, optimizers.rules, optimizers.factors, optimizers.schedules),
    "uneven": (uneven.classes, uneven.recall, uneven.padding),
}
"""By the page that shows them."""


def write(folder: Path, said: Callable[[str], None] = print) -> None:
    """Make every run, and write a fragment a figure and a copy of Plotly's script.

    Args:
        folder: where they go: ``NAME.html``, and ``static/plotly.min.js``.
        said: told of every figure before it is made.
    """
    (folder / "static").mkdir(parents=True, exist_ok=True)
    (folder / "static" / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    with fixed_threads(1):
        for page, drawn in FIGURES.items():
            for figure in drawn:
                said(f"figure of {page}: {figure.__name__}")
                section = figure()
                (folder / f"{section.name}.html").write_text(fragment(section), encoding="utf-8")
