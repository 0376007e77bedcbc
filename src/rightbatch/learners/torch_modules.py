"""Fresh modules, one a seed, from what the user gave: a function, a class, or a module."""

import copy
import inspect
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from rightbatch.errors import SettingError
from rightbatch.learners.shortage import ModelTooLargeError, short_of_memory
from rightbatch.learners.torch_model import TorchModel
from rightbatch.learners.torch_noise import Seeded
from rightbatch.records import Shape


def fresh(model: TorchModel, shape: Shape, seed: int, device: torch.device) -> nn.Module:
    """The module as it starts with this seed: float32, on the device, ready to train.

    Equal seeds give equal weights, and PyTorch's own generators are left as they are.

    Raises:
        SettingError: no module comes out, or one that has nothing to train.
        ModelTooLargeError: it does not fit in memory.
    """
    try:
        return _fresh(model, shape, seed, device)
    except Exception as error:  # a module may do anything as it is made
        if not short_of_memory(error):
            raise
        raise ModelTooLargeError(name_of(model.module)) from error


def _fresh(model: TorchModel, shape: Shape, seed: int, device: torch.device) -> nn.Module:
    row = model.input_shape or shape.row or (shape.features,)
    with Seeded(device, "start", seed):
        module = _made(model, shape, row)
        if any(isinstance(p, nn.parameter.UninitializedParameter) for p in module.parameters()):
            with torch.no_grad():
                module(torch.zeros(2, *row))  # a lazy layer draws its weights when it sees its first rows
    _check_trainable(module)
    return module.to(device=device, dtype=torch.float32).train()


def name_of(module: Any) -> str:
    """What to call the user's module in a message."""
    return getattr(module, "__qualname__", type(module).__qualname__)


def _made(model: TorchModel, shape: Shape, row: tuple[int, ...]) -> nn.Module:
    if isinstance(model.module, nn.Module):
        module = copy.deepcopy(model.module)
        # Inner layers first, as `apply` does: a module that sets up its own layers has the last word.
        return module.apply(_reset) if model.weights == "fresh" else module
    module = model.module(**_asked(model.module, shape, row))
    if not isinstance(module, nn.Module):
        instead = "write a function or class that gives one"
        raise SettingError("model", "must give an nn.Module", type(module).__name__, instead)
    return module


def _reset(module: nn.Module) -> None:
    """Draw a layer's weights anew, where it knows how; attention layers name the method with a dash."""
    method = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
    if callable(method):
        method()


def _asked(make: Callable[..., Any], shape: Shape, row: tuple[int, ...]) -> dict[str, Any]:
    """What the function asks for by the names of its parameters."""
    features = math.prod(row)
    known = {"input_shape": row, "features": features, "in_features": features}
    known |= dict.fromkeys(("outputs", "out_features", "num_classes"), shape.outputs)
    asked = {}
    for name, parameter in inspect.signature(make).parameters.items():
        if name in known:
            asked[name] = known[name]
        elif parameter.default is parameter.empty and parameter.kind not in _OPTIONAL:
            instead = "write a function of input_shape, features and outputs, or of some or none of them"
            if name in _OF_TRAINING:
                instead = "write samples=, the rows of your training data, if it is a function that trains"
            raise SettingError("model", "asks for what only you know", name, instead)
    return asked


_OF_TRAINING = {"batch_size", "lr", "seed"}
"""What a function asks for that is a whole training, as `rb.study` takes it too."""

_OPTIONAL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _check_trainable(module: nn.Module) -> None:
    parameters = list(module.parameters())
    if not parameters:
        instead = "write one with layers that learn, such as nn.Linear"
        raise SettingError("model", "must have parameters to train", name_of(module), instead)
    if not any(parameter.requires_grad for parameter in parameters):
        problem = f"must not have all of its {len(parameters)} parameters frozen"
        raise SettingError("model", problem, name_of(module), "write module.requires_grad_(True)")
