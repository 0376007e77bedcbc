"""The target of a study: as given, or set by a pilot; stored before the first run."""

from collections.abc import Sequence
from dataclasses import dataclass

from rightbatch.errors import SettingError
from rightbatch.study.ahead import Ahead
from rightbatch.study.costs import usual_step
from rightbatch.study.pilot import SEEDS, pilot_target
from rightbatch.study.session import Session
from rightbatch.study.settings import Settings
from rightbatch.study.store import Store
from rightbatch.study.subject import Run, Subject
from rightbatch.train.target import Target

_EPOCHS = 10

_WHOLE = 333
"""Steps of a pilot at least, where ten epochs are fewer."""

_FEWEST = 30
"""Steps of a pilot at least, whatever the budget: after fewer, a target says nothing of a trained model."""

_SHARE = 0.1
"""Share of the budget that the pilot may take, where all its steps would take more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """How the target of a study is found.

    Args:
        subject: what is trained.
        settings: the target in the user's words, and the first seed.
        store: where it goes.
        session: the clock and the budget.
        batch_size: rows of a step of the pilot.
        points: learning rates of the pilot, as points of the grid.
        ahead: makes the pilot's sweeps.
    """

    subject: Subject
    settings: Settings
    store: Store
    session: Session
    batch_size: int
    points: Sequence[int]
    ahead: Ahead

    def target(self, *, total: int) -> Target:
        """The stored target, or one that is stored now.

        Args:
            total: pieces of work of the whole study, to tell of its progress.

        Raises:
            SettingError: the target cannot be read, or is met before any step.
            DataError: the pilot found nothing to learn.
            DeadlineError: the budget was spent before.
        """
        if self.settings.target != "auto":
            if self.store.fact("target") is None:
                self._put(self.subject.read_target(self.settings.target), "as given")
        elif self._to_pilot():
            self._pilot(total)
        return self.subject.read_target(self.store.fact("target")["text"])

    def _to_pilot(self) -> bool:
        """Whether there is no target yet, or one of a pilot cut short that no run has been made to."""
        if self.store.fact("target") is None:
            return True
        made = self.store.fact("pilot_steps")
        return made is not None and made < self._steps() and not self.store.runs()

    def _pilot(self, total: int) -> None:
        steps, wanted = self._steps(), whole_steps(self.subject, self.batch_size)
        self.session.worked = True
        found = pilot_target(
            self.subject,
            batch_size=self.batch_size,
            seed=self.settings.seed,
            points=self.points,
            most_steps=steps,
            deadline=self.session.deadline,
            ahead=self.ahead,
        )
        cut = f"; the budget let the pilot make {steps:,} steps of {wanted:,}" if steps < wanted else ""
        self._put(found.target, found.how + cut)
        self.store.put(pilot_steps=steps)
        said = f"batch size {self.batch_size}: the target is {found.target}"
        self.session.tell("pilot", said, total=total)

    def _put(self, target: Target, how: str) -> None:
        value = self.subject.untrained(target, self.settings.seed)
        if value is not None and target.met(value):
            said = f"is met before any step ({target.name} is {value:.4g} then)"
            raise SettingError("target", said, str(target), "write a harder one, or none to have it set")
        found = {
            "metric": target.name,
            "value": target.value,
            "text": str(target),
            "how": how,
            "baseline": self.subject.baseline(target),
        }
        self.store.put(target=found, seconds=self.session.spent)

    def _steps(self) -> int:
        """Steps of the pilot: all of them, or as many as its share of the budget lasts for."""
        wanted = whole_steps(self.subject, self.batch_size)
        seconds = usual_step(self.store, self.batch_size)
        if seconds is None:
            return wanted  # a train function takes no pilot's steps
        lasts = self.session.budget * _SHARE / (seconds * (len(self.points) + 2 * SEEDS))
        return int(min(wanted, max(lasts, _FEWEST)))


def check_far(target: Target, runs: Sequence[Run]) -> None:
    """Refuse a target that every run meets at its first report, where none could be made before.

    Raises:
        SettingError: every run does.
    """
    if runs and all(run.curve and target.met(run.curve[0]) for run in runs):
        said = f"is met by the first report of every run ({target.name} is {runs[0].curve[0]:.4g} then)"
        raise SettingError("target", said, str(target), "write a harder one, or let train report earlier")


def whole_steps(subject: Subject, batch_size: int) -> int:
    """Steps of a pilot that no budget cuts short."""
    return max(_EPOCHS * (subject.samples // batch_size), _WHOLE)
