"""From what users give as a model to a model: one of ours, its name, a PyTorch module, or what makes one."""

import inspect
import re
import runpy
import sys
from pathlib import Path
from typing import Any

from rightbatch.checks import one_of
from rightbatch.errors import MissingExtraError, SettingError
from rightbatch.learners.estimator import EstimatorModel
from rightbatch.learners.linear import LinearRegression, LogisticRegression
from rightbatch.learners.mlp import MLP
from rightbatch.learners.protocol import Model
from rightbatch.learners.torch_model import TorchModel
from rightbatch.learners.updates import optimizer_named

_BY_NAME: dict[str, type[Any]] = {"linear": LinearRegression, "logistic": LogisticRegression, "mlp": MLP}

MODELS = tuple(_BY_NAME)


def model_named(model: Any) -> Model:
    """The model, given itself or its name.

    Args:
        model: one of ours or anything else that builds a learner; ``"linear"``, ``"logistic"`` or
            ``"mlp"``; a PyTorch module, its class, or a function that makes one; or where in a
            file such a thing is: ``"net.py:Net"``; or a scikit-learn estimator with `partial_fit`.

    Raises:
        SettingError: neither a model nor a name of one, or a file that cannot be used.
        MissingExtraError: the file needs PyTorch, which is not installed.

    Example:
        >>> model_named("linear")
        LinearRegression(l2=0.0)
    """
    if hasattr(model, "partial_fit") and not isinstance(model, type):
        return EstimatorModel(model)
    if _makes_a_module(model):
        return TorchModel(model)
    if hasattr(model, "build") and not isinstance(model, type):
        built: Model = model
        return built
    place = re.fullmatch(r"(.+\.py):(\w+)", model) if isinstance(model, str) else None
    if place is not None:
        return model_named(_named_in(place[1], place[2]))
    if not isinstance(model, str):
        raise _no_model(model)
    named: Model = _BY_NAME[one_of("model", model, MODELS)]()
    return named


def optimizer_for(model: Model, optimizer: Any) -> Any:
    """The optimizer that trains the model, given itself or its name.

    A PyTorch model takes those of `torch.optim`, too, and may have one of its own, which goes first.

    Example:
        >>> optimizer_for(MLP(), "momentum")
        Momentum(momentum=0.9)
    """
    own = getattr(model, "optimizer_named", None)
    return optimizer_named(optimizer) if own is None else own(optimizer)


def is_model(value: Any) -> bool:
    """Whether this can only be a model, or the name of one, where data are asked for.

    Example:
        >>> is_model("mlp"), is_model(MLP()), is_model("digits")
        (True, True, False)
    """
    if isinstance(value, str):
        return value in _BY_NAME
    return hasattr(value, "partial_fit") or hasattr(value, "build") or _makes_a_module(value)


def _no_model(value: Any) -> SettingError:
    if isinstance(value, type) and hasattr(value, "build"):
        name = value.__name__
        return SettingError("model", "must be made of its class", name, f"write {name}()")
    got = value if isinstance(value, int | float | None) else type(value).__name__
    instead = f"write {', '.join(MODELS)} or a model, and the data after it"
    return SettingError("model", "must be a model or the name of one", got, instead)


def _makes_a_module(model: Any) -> bool:
    """Whether this is a PyTorch module, a class of them, or a function; PyTorch is not imported for it."""
    torch = sys.modules.get("torch.nn")
    if torch is not None and isinstance(model, torch.Module):
        return True
    if isinstance(model, type):
        return torch is not None and issubclass(model, torch.Module)
    return inspect.isroutine(model) and not inspect.isgeneratorfunction(model)


def _named_in(file: str, name: str) -> Any:
    """What a file of the user's calls by this name; modules beside the file can be imported by it."""
    path = Path(file)
    if not path.is_file():
        raise SettingError("model", "names a file that is not there", file, "write FILE.py:name")
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        found = runpy.run_path(file, run_name=path.stem)
    except ModuleNotFoundError as error:
        if error.name == "torch":
            raise MissingExtraError("PyTorch", "torch") from error
        raise SettingError("model", f"cannot be read ({error})", file, "install what it imports") from error
    except Exception as error:
        problem = f"cannot be read ({type(error).__name__}: {error})"
        raise SettingError("model", problem, file, "mend the file") from error
    public = [known for known in found if not known.startswith("_")]
    return found[one_of("model", name, public)]
