"""Any PyTorch module as a model: its settings, which need no PyTorch until a learner is built."""

import hashlib
import importlib
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from rightbatch.checks import one_of
from rightbatch.errors import MissingExtraError, SettingError
from rightbatch.learners.protocol import Learner
from rightbatch.records import Shape

PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, slots=True, repr=False)
class TorchModel:
    """A PyTorch module to train; `rb.fit` and `rb.study` make one of any module they are given.

    Args:
        module: a function or class that makes an `nn.Module`: it is called once a seed, and given
            what it names of ``input_shape`` (one row's), ``features`` (or ``in_features``) and
            ``outputs`` (or ``out_features``, ``num_classes``; 1 for two classes). Or a module,
            which is copied and left as it is.
        loss: none: cross-entropy for classes, mean squared error for numbers. Otherwise a loss of
            `torch.nn`, or a function of the outputs `(rows, outputs)` and the targets (class
            numbers int64 `(rows,)`, or float32 in the shape of the outputs) that gives one number
            a row, or their mean (rows can then not be weighted). ``"own"``: `module(x, y)` gives
            the loss, and `module(x)` the outputs, which are evaluated by the loss of the task.
        optimizer: none: the one that `rb.fit` or `rb.study` is given. Otherwise one of ours, a
            name of ours or of `torch.optim` such as ``"AdamW"``, or a function from parameters to
            an optimizer; it goes before theirs.
        input_shape: of one row for the module, such as ``(1, 8, 8)``; none: as the data come.
            Rows of whole numbers stay whole where the module takes them so, as embeddings do (bytes
            and booleans do not: pixels are numbers); all others come as float32.
        weights: of a module given ready-made: ``"fresh"`` draws them anew for each seed, by every
            layer's own `reset_parameters`; ``"given"`` starts all seeds from those it has.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, or ``"auto"``: CUDA where there is one.
        precision: of the forward pass in training: ``"float32"``, or mixed with ``"bfloat16"`` or
            ``"float16"``; weights, updates and evaluation are in float32 always.
        stack: whether replicas may be trained as one stacked module where that gives the same.

    Raises:
        SettingError: a setting cannot be used; the sentence says which and what to write.

    Example:
        >>> def net(features, outputs):
        ...     return torch.nn.Linear(features, outputs)
        >>> TorchModel(net, device="auto")
        TorchModel(net, device='auto')
    """

    module: Any
    loss: Any = None
    optimizer: Any = None
    input_shape: tuple[int, ...] | None = None
    weights: str = "fresh"
    device: str = "cpu"
    precision: str = "float32"
    stack: bool = True

    keeps_whole: ClassVar[bool] = True
    """Whole numbers may reach it as they are."""

    def __post_init__(self) -> None:
        if not callable(self.module):
            instead = "write a module, or a function or class that makes one"
            raise SettingError("module", "must be an nn.Module or make one", self.module, instead)
        if self.loss is not None and not callable(self.loss) and self.loss != "own":
            instead = (
                'write one of torch.nn such as nn.HuberLoss(), a function of outputs and targets, or "own"'
            )
            raise SettingError("loss", "must be a loss", self.loss, instead)
        one_of("weights", self.weights, ("fresh", "given"))
        one_of("precision", self.precision, PRECISIONS)
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", str(self.device)):
            raise SettingError("device", "is not known", self.device, "write cpu, cuda, cuda:1 or auto")

    def build(self, shape: Shape, optimizer: Any) -> Learner[Any]:
        """The learner for data of this shape, updated by this optimizer.

        Raises:
            MissingExtraError: PyTorch is not installed.
            SettingError: the module has nothing to train, or a setting cannot be used.
        """
        learner: Learner[Any] = _adapter("torch").learner_of(self, shape, optimizer)
        return learner

    def optimizer_named(self, optimizer: Any) -> Any:
        """The optimizer to train with: the model's own, or this one, given itself or by name."""
        return _adapter("torch_updates").rule_named(optimizer if self.optimizer is None else self.optimizer)

    def takes_whole(self, rows: Any, shape: Shape) -> bool:
        """Whether whole numbers, a few rows of them, are to reach the module as they are."""
        return bool(_adapter("torch_feed").takes_whole_rows(self, rows, shape))

    def decayed(self, rule: Any, rate: float) -> Any:
        """The optimizer with weight decay of its own; `None` where the update rule is one of ours."""
        return _adapter("torch_updates").decayed(rule, rate)

    def schedulable(self, rule: Any) -> Any:
        """An optimizer of `torch.optim` that makes the same updates, which a scheduler can work on."""
        return _adapter("torch_updates").theirs(rule)

    def scheduled(self, schedule: Any, state: Any, lr: float, **settings: Any) -> Any:
        """A scheduler of `torch.optim.lr_scheduler` at work on the optimizer in the state."""
        return _adapter("torch_schedules").begun(schedule, state, lr, **settings)

    def delivery(self) -> dict[str, Any]:
        """How a loader is to give out rows: on a GPU, gathered there where they fit, or copied ahead."""
        return {} if self.device == "cpu" else {"output": "torch", "device": self.device, "prefetch": 1}

    def device_of(self, local_rank: int) -> str:
        """The device of one of several processes on a machine."""
        return str(_adapter("torch_processes").device_of(self.device, local_rank))

    def team(self, learner: Any, rank: int, world: int) -> Any:
        """The processes that train together, as `rightbatch.train.processes.Team`, joined by this one."""
        return _adapter("torch_processes").TorchTeam(learner, rank, world)

    def __repr__(self) -> str:
        defaults: dict[str, Any] = {"loss": None, "optimizer": None, "input_shape": None}
        defaults |= {"weights": "fresh", "device": "cpu", "precision": "float32", "stack": True}
        values = {name: getattr(self, name) for name in defaults}
        changed = [f"{name}={said(values[name])}" for name in defaults if values[name] != defaults[name]]
        digest = [f"sha256={_digest(self.module)}"] if self.weights == "given" else []
        return f"TorchModel({', '.join([said(self.module), *changed, *digest])})"


def _adapter(name: str) -> Any:
    """A module that imports PyTorch, imported when it is wanted."""
    try:
        return importlib.import_module(f"rightbatch.learners.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "torch":
            raise
        raise MissingExtraError("PyTorch", "torch") from error


def said(value: Any) -> str:
    """A value of the user's in one line that is the same in every process: without addresses in memory.

    Example:
        >>> said(said), said(object())
        ('said', '<object object>')
    """
    named = getattr(value, "__qualname__", None)
    return named if isinstance(named, str) else re.sub(r" at 0x[0-9a-f]+", "", " ".join(repr(value).split()))


def _digest(module: Any) -> str:
    """Eight digits of the weights that a module given with its weights has."""
    found = hashlib.sha256()
    if hasattr(module, "state_dict"):
        for name, value in module.state_dict().items():
            found.update(name.encode() + value.detach().cpu().numpy().tobytes())
    return found.hexdigest()[:8]
