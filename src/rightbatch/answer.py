"""The main job, whole: run a study of the user's model and data, and hold its answer."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rightbatch import units
from rightbatch.checks import function_or_none, one_of, positive
from rightbatch.data.dataset import Dataset
from rightbatch.errors import SettingError, StoreError
from rightbatch.records import Progress
from rightbatch.report.write import write_report
from rightbatch.study.ahead import ahead_of
from rightbatch.study.ahead import check as check_jobs
from rightbatch.study.document import document_of
from rightbatch.study.machine import describe, fixed_threads
from rightbatch.study.question import Question, file_name, question_of
from rightbatch.study.recommend import PREFERENCES
from rightbatch.study.run import StudyRun
from rightbatch.study.settings import Settings, bytes_of, seconds_of, time_word
from rightbatch.study.store import Store
from rightbatch.train.processes import Processes
from rightbatch.train.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """Which batch size and learning rate to train with, and how sure that is."""

    batch_size: int
    learning_rate: float
    interval: list[int] | None
    """Smallest and largest of the batch sizes that hold the fastest with 95 % probability."""
    within_5_percent: list[int]
    """Batch sizes more likely than not within 5 % of the fastest."""
    regret: float | None
    """Share more seconds than the fastest takes that is not exceeded with 95 % probability."""
    estimate: bool
    """Whether this is a quick answer, from one tuned run."""
    learning_rate_range: list[float] | None
    """Learning rates that take at most 25 % more steps; `None`: not known."""
    accumulation: dict[str, Any] | None
    """Where the fastest size needs more memory than the limit: `batch_size`, `micro_batch`, `steps`."""
    break_even: dict[str, Any] | None
    """`against` batch size 32: `saves_seconds` a training, so that after `trainings` the study has paid."""
    seconds_to_target: float
    sentence: str
    reasons: list[str]
    would_change_if: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingSummary:
    """The fit S(B) = S_min (1 + B_crit / B) of steps to target against batch size."""

    s_min: float
    b_crit: float
    e_min: float
    interval: dict[str, list[float | None] | None]
    """95 % intervals of `s_min` and `b_crit`; `None`: open on that side, or on both."""
    rms_log_residual: float
    lack_of_fit: str | None


class Study:
    """The answer of a study; `to_dict` is the whole of it.

    Args:
        document: as `rightbatch.study.document.document_of` makes it.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    @property
    def recommendation(self) -> Recommendation | None:
        """What to train with; `None`: no batch size reached the target."""
        found = self._document["recommendation"]
        return None if found is None else Recommendation(**found)

    @property
    def fit(self) -> ScalingSummary | None:
        """Steps to target against batch size; `None`: too few batch sizes reached the target."""
        found = self._document["fit"]
        return None if found is None else ScalingSummary(**found)

    def table(self) -> list[dict[str, Any]]:
        """One row a batch size, as in ``batch_sizes`` of the document."""
        return [dict(row) for row in self._document["batch_sizes"]]

    def to_dict(self) -> dict[str, Any]:
        """The document, as JSON can hold it; the same as ``rightbatch study --json``."""
        return self._document

    def to_html(self, path: str | Path) -> Path:
        """Write the report, one HTML file that opens offline.

        Raises:
            SettingError: the file is not a report of rightbatch, or cannot be written.
        """
        return write_report(self._document, Path(path))

    def __repr__(self) -> str:
        found = self.recommendation
        return f"Study({'no batch size reached the target' if found is None else found.sentence!r})"


def study(
    model: Any,
    data: Any = "digits",
    *,
    samples: int | None = None,
    label: str | int | None = None,
    task: str | None = None,
    optimizer: Any = "sgd",
    target: str | Target | None = None,
    batch_sizes: Any = "auto",
    learning_rates: tuple[float, float] | None = None,
    seeds: int = 5,
    seed: int = 0,
    budget: str | float = "60s",
    tolerance: float = 0.05,
    complete: bool = True,
    quick: bool = False,
    memory_limit: str | int | None = None,
    prefer: str = "fastest",
    store: str | Path | None = None,
    threads: int = 1,
    jobs: int | None = None,
    executor: str = "processes",
    progress: Callable[[Progress], None] | None = None,
) -> Study:
    """Find the batch size and learning rate to train a model with, by measuring.

    Seconds per step are timed at every batch size; the learning rate is tuned for each; the
    tuned runs are repeated over seeds; the batch size of least seconds to the target is
    recommended, T(B) = S(B) t(B), with the doubt that seeds and timings leave.

    Args:
        model: `MLP`, `LinearRegression`, `LogisticRegression`, or ``"mlp"``, ``"linear"``, ``"logistic"``; or
            a PyTorch module, or a function or class that makes one, as they are or in a `TorchModel`; or
            a scikit-learn estimator with `partial_fit`. With `samples`, training in any framework: a
            function `train(batch_size, lr, seed)` that yields `(examples, seconds, metric)`, examples
            seen and seconds spent since its start, as often as it likes (the loss of every batch is averaged,
            docs/decisions/0044); the study closes it as soon as it has seen enough.
        data: whatever `load_data` reads, or a `Dataset`; not used with `samples`.
        samples: rows that a train function trains on.
        label: the column to predict.
        task: ``"regression"`` or ``"classification"``; recognised from the label.
        optimizer: ``"sgd"``, ``"momentum"``, ``"nesterov"``, ``"adam"``, or one with its settings; for a
            PyTorch module also a name of `torch.optim`, or a function from parameters to an optimizer.
        target: such as ``"val_loss=0.2"``; none: set by a pilot, which the document explains. For a
            train function such as ``"loss<=0.2"``, its metric by any name.
        batch_sizes: whole numbers, or ``"auto"``: powers of two, and all rows.
        learning_rates: lowest and highest of the first search, which goes on beyond where that is not
            enough; none: by the optimizer.
        seeds: runs of each batch size with its best learning rate, at least 2; sizes that contend for the
            fastest get up to five times as many, with every learning rate that may be the best, where fewer
            do not settle the answer.
        seed: the first of them; it splits the data, too.
        budget: seconds, or a time such as ``"5m"``, after which no run is started.
        tolerance: the study is done when the recommended batch size takes at most this share more
            seconds than the fastest, with 95 % probability.
        complete: whether to measure also batch sizes that cannot be the fastest, for the table, while
            that costs no more than the answer did, or 15 % of the budget.
        quick: whether to answer at once, with an estimate from the cost of a step and the noise scale
            of one tuned run; the same call without it goes on from there.
        memory_limit: bytes, or a size such as ``"4GB"``, that training may take.
        prefer: ``"fastest"``; or among the batch sizes within 5 % of it the ``"cheapest"`` (fewest
            examples) or ``"smallest"``.
        store: file to keep the study in; an interrupted study goes on from there. None: in memory.
        threads: threads of the linear algebra library: with models of a laptop's size a second one
            costs more than it gives, and it makes timings restless (docs/decisions/0007).
        jobs: how many sweeps of learning rates are made at once, each by a process of its own; none: one, or
            as many as the Ray cluster has CPUs. The runs are those of one, and steps are timed while
            no other computes. Worth it where a study takes minutes: a process takes a second to begin.
        executor: where they are made: ``"processes"`` of this machine; or ``"ray"``, the Ray cluster that
            runs (``RAY_ADDRESS``, or the one that this machine belongs to), with rightbatch on every node.
        progress: called with a `Progress` after every piece of work.

    Returns:
        The answer.

    Raises:
        SettingError: a setting cannot be used, or the budget is too small for a single run.
        DataError: the data cannot be used.
        StoreError: the store cannot be used, or holds another study.
    """
    Processes.started().check_alone("A study")
    how: dict[str, Any] = {"budget": budget, "tolerance": tolerance, "complete": complete, "quick": quick}
    how |= {"memory_limit": memory_limit, "prefer": prefer, "jobs": jobs, "executor": executor}
    seconds, enough, limit = _check(**how, progress=progress)
    asked = question_of(
        model,
        data,
        optimizer=optimizer,
        samples=samples,
        learning_rates=learning_rates,
        label=label,
        task=task,
        seed=seed,
    )
    settings = asked.settings(target=target, batch_sizes=batch_sizes, seeds=seeds, seed=seed, threads=threads)
    with Store(None if store is None else Path(store)) as open_store, fixed_threads(settings.threads):
        _claim(open_store, settings, asked)
        open_store.put(budget=seconds)
        running = StudyRun(
            subject=asked.subject,
            settings=settings,
            store=open_store,
            wide=asked.wide,
            law=asked.law,
            ahead=ahead_of(asked.subject, executor=executor, jobs=jobs, threads=settings.threads),
            quick=quick,
            budget=seconds,
            tolerance=enough,
            memory_limit=limit,
            complete=complete,
            progress=progress or _silent,
        )
        _run(running, budget)
        return Study(_document(open_store, prefer, limit))


def _run(running: StudyRun, budget: str | float) -> None:
    """Run the study, and complain if there was no time for anything."""
    running.run()
    if not running.store.runs():
        instead = f"write a larger one such as {time_word(running.least_seconds())}"
        if not running.subject.timed_apart:
            instead += ", or let train yield more often"
        raise SettingError("budget", "was spent before the first run", budget, instead)


def open_study(path: str | Path, *, prefer: str = "fastest", memory_limit: str | int | None = None) -> Study:
    """The answer of a stored study, finished or not, without running anything.

    Raises:
        StoreError: there is no such store, or nothing in it yet.
    """
    limit = _limit(prefer, memory_limit)
    if not Path(path).is_file():
        raise StoreError(f'There is no file "{path}"; write the file that a study was stored in.')
    with Store(Path(path)) as store:
        if not store.runs():
            raise StoreError(f"{path} holds no run yet; let its study go on, with the command that began it.")
        return Study(_document(store, prefer, limit))


def store_name(
    model: Any,
    data: Dataset,
    *,
    optimizer: Any = "sgd",
    target: str | Target | None = None,
    batch_sizes: Any = "auto",
    seeds: int = 5,
    seed: int = 0,
    threads: int = 1,
    **rest: Any,
) -> str:
    """The file that a study is kept in by default: its own for every data set and settings.

    Takes what `study` takes, and checks it; what does not decide the runs does not change the file.

    Raises:
        SettingError: a setting cannot be used.

    Example:
        >>> from rightbatch.data.dataset import load_data
        >>> store_name("mlp", load_data("digits"), threads=1).startswith("study-digits-")
        True
    """
    _check(**rest)
    asked = question_of(model, data, optimizer=optimizer)
    settings = asked.settings(target=target, batch_sizes=batch_sizes, seeds=seeds, seed=seed, threads=threads)
    return file_name(asked, settings)


def _check(
    *,
    budget: str | float = "60s",
    tolerance: float = 0.05,
    complete: bool = True,
    quick: bool = False,
    memory_limit: str | int | None = None,
    prefer: str = "fastest",
    jobs: int | None = None,
    executor: str = "processes",
    progress: Any = None,
) -> tuple[float, float, int | None]:
    """Budget in seconds, tolerance, memory limit in bytes; what does not decide the runs is checked."""
    for name, value in (("complete", complete), ("quick", quick)):
        if not isinstance(value, bool):
            raise SettingError(name, "must be true or false", value, "write True or False")
    seconds, limit = seconds_of(budget), _limit(prefer, memory_limit)
    share = "write a share such as 0.05, which is 5 %"
    enough = positive("tolerance", tolerance, instead=share)
    if enough >= 1:
        raise SettingError("tolerance", "must be below 1", tolerance, share)
    check_jobs(executor, jobs)
    function_or_none("progress", progress, of="a Progress")
    return seconds, enough, limit


def _limit(prefer: str, memory_limit: str | int | None) -> int | None:
    """The memory limit in bytes; the preference is checked as well."""
    one_of("prefer", prefer, PREFERENCES)
    return None if memory_limit is None else bytes_of(memory_limit)


def _claim(store: Store, settings: Settings, asked: Question) -> None:
    """Make an empty store this study's; refuse one that holds another."""
    known, wanted = store.fact("settings"), settings.to_dict()
    if known is None:
        about = {"data": asked.data, "machine": describe(settings.threads)}
        store.put(settings=wanted, about=about)
        return
    differences = [
        f"{name} {known.get(name)!r} there and {value!r} now"
        for name, value in wanted.items()
        if known.get(name) != value
    ]
    if differences:
        made_from = store.fact("about")["data"]["name"]
        raise StoreError(
            f"{store.path} belongs to another study, of {made_from!r}: {units.listed(differences)}; "
            "write another store."
        )


def _document(store: Store, prefer: str, memory_limit: int | None) -> dict[str, Any]:
    return document_of(store, version=version("rightbatch"), prefer=prefer, memory_limit=memory_limit)


def _silent(progress: Progress) -> None:
    del progress
