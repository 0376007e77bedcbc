"""Several processes that train one model together, as `torchrun` starts them.

    torchrun --nproc-per-node=2 script.py

Every process runs the whole script. `fit` in each of them takes its rows of every batch, and they exchange
gradients; which process it is, the environment says. Without one, the script trains alone.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

from rightbatch.data.loader import Loader
from rightbatch.errors import ProcessError, SettingError
from rightbatch.learners.protocol import Model
from rightbatch.learners.torch_model import TorchModel
from rightbatch.records import Outcome
from rightbatch.train.result import FitResult

_NAMES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What `torchrun` tells each process; where one is missing, there is a single process."""


class Team(Protocol):
    """The processes of one training, as `fit` needs them; all of them call the same in the same order."""

    @property
    def steps(self) -> Any:
        """The learner that makes steps: of the rows of all processes together."""
        ...

    @property
    def judge(self) -> Any:
        """The learner that evaluates: each process a part of the rows."""
        ...

    @property
    def clock(self) -> Callable[[], float] | None:
        """Tells seconds, the same in every process; `None`: any clock does."""
        ...

    def agreed(self, value: Any) -> Any:
        """The value that the first process gives."""
        ...

    def settle(self, state: Any) -> None:
        """Let every process end with the same state."""
        ...


@dataclass(frozen=True, slots=True)
class Alone:
    """The only process there is.

    Args:
        learner: makes steps and evaluates.
    """

    learner: Any

    @property
    def steps(self) -> Any:
        """The learner."""
        return self.learner

    @property
    def judge(self) -> Any:
        """The learner."""
        return self.learner

    @property
    def clock(self) -> None:
        """There is nobody to agree with."""
        return

    def agreed(self, value: Any) -> Any:
        """The value."""
        return value

    def settle(self, state: Any) -> None:
        """There is nobody to agree with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """This process among those that train together.

    Args:
        rank: its number, from 0; the first alone prints and writes.
        world: how many there are.
        local_rank: its number on its machine, and that of its GPU.

    Example:
        >>> Processes(rank=1, world=2, local_rank=1).first
        False
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0

    @classmethod
    def started(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """As the environment says.

        Raises:
            ProcessError: it holds no numbers, or a rank that there is not.

        Example:
            >>> Processes.started({})
            Processes(rank=0, world=1, local_rank=0)
        """
        if any(name not in environment for name in _NAMES):
            return cls()
        rank, world = (_number(environment, name) for name in _NAMES[:2])
        if rank >= world:
            raise ProcessError(
                f"RANK must be below WORLD_SIZE, got {rank} of {world}; start it with torchrun."
            )
        local = _number(environment, "LOCAL_RANK") if "LOCAL_RANK" in environment else 0
        return cls(rank=rank, world=world, local_rank=local)

    @property
    def first(self) -> bool:
        """Whether this is the one that prints and writes."""
        return self.rank == 0

    def check_alone(self, what: str) -> None:
        """Refuse what several processes cannot share.

        Args:
            what: a sentence's beginning, such as ``"A study"``.

        Raises:
            ProcessError: there are several.
        """
        if self.world > 1:
            way_out = "start it with python instead of torchrun"
            raise ProcessError(f"{what} runs in one process, got {self.world} of torchrun; {way_out}.")

    def model(self, model: Model) -> Model:
        """The model as this process trains it: on a device of its own.

        Raises:
            ProcessError: it is no PyTorch module, or all processes would share one GPU.
        """
        if not isinstance(model, TorchModel):
            self.check_alone(f"The training of the built-in model {type(model).__name__}")
            return model
        if self.world == 1 and model.device != "auto":
            return model
        return replace(model, device=model.device_of(self.local_rank))

    def share(self, loader: Loader) -> None:
        """Let the loader give out this process's part of every batch.

        Raises:
            SettingError: it gives out a part of others.
        """
        own = (self.rank, self.world)
        if self.world == 1 or loader.shard == own:
            return
        if loader.shard != (0, 1):
            instead = f"write shard={own}, or leave it out: fit sets it"
            raise SettingError(
                "train", "must have the shard of its process", f"shard={loader.shard}", instead
            )
        loader.shard = own

    def ended(self, team: Team, result: FitResult) -> FitResult:
        """The result, the same in all processes.

        Raises:
            ProcessError: this one has ended alone, for want of memory, while the others wait for it.
        """
        if self.world > 1 and result.outcome is Outcome.OUT_OF_MEMORY:
            raise ProcessError(f"In process {self.rank} of {self.world}: {result.stopped}")
        team.settle(result.state)
        return result

    def team(self, model: Model, learner: Any) -> Team:
        """The processes, joined; each waits here for the others."""
        if self.world == 1 or not isinstance(model, TorchModel):
            return Alone(learner)
        found: Team = model.team(learner, self.rank, self.world)
        return found


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment[name]
    if not text.isdecimal():
        raise ProcessError(f"{name} must be a whole number, got {text!r}; start it with torchrun.")
    return int(text)
