"""A replica in training as a tree of arrays and plain values, and back into it."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rightbatch.learners.torch_replica import Replica
from rightbatch.records import Array

_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""By bytes of a number: what carries those that NumPy has no type for, such as bfloat16."""


Copy = Callable[[Array], Array]


def stored(replica: Replica, copy: Copy = np.array) -> dict[str, Any]:
    """All that the replica needs to go on, copied: weights, buffers, what its optimizer remembers."""
    found: dict[str, Any] = {
        "module": _stored(_tensors(replica.module), copy),
        "slots": _stored(replica.slots, copy),
    }
    if extra := _extra(replica.module):
        found["extra"] = _stored(extra, copy)
    if replica.optimizer is not None:
        found["optimizer"] = _stored(replica.optimizer.state_dict(), copy)
    if replica.scaling is not None:
        scaling = replica.scaling
        found["scaling"] = [scaling.scale, scaling.good, scaling.skipped]
    return found


def restore(replica: Replica, tree: Mapping[str, Any]) -> None:
    """Let the replica, of the same module and optimizer, go on from there; its tensors stay its own."""
    with torch.no_grad():
        for name, tensor in _tensors(replica.module).items():
            tensor.copy_(_restored(tree["module"][name]))
        for part, kept in zip(replica.slots, tree["slots"], strict=True):
            for slot, array in zip(part, kept, strict=True):
                slot.copy_(_restored(array))
    for name, value in tree.get("extra", {}).items():
        replica.module.get_submodule(name).set_extra_state(_restored(value))
    if replica.optimizer is not None:
        replica.optimizer.load_state_dict(_restored(tree["optimizer"]))
    if replica.scaling is not None:
        replica.scaling.scale, replica.scaling.good, replica.scaling.skipped = tree["scaling"]


def trained(replica: Replica) -> dict[str, Array]:
    """Parameters that steps change, by name; of those on the CPU no copies."""
    named = replica.module.named_parameters()
    return {name: _view(tensor) for name, tensor in named if tensor.requires_grad}


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and all buffers: `state_dict` leaves out those that are not persistent."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _extra(module: nn.Module) -> dict[str, Any]:
    """What layers of the user's want kept beside their tensors."""
    plain = nn.Module.get_extra_state
    return {
        name: layer.get_extra_state()
        for name, layer in module.named_modules()
        if type(layer).get_extra_state is not plain
    }


def _stored(value: Any, copy: Copy) -> Any:
    """The same tree with arrays for tensors; numbers that NumPy has no type for travel as their bits."""
    if isinstance(value, Tensor):
        array = copy(_view(value))
        return array if value.dtype == _dtype(array) else {"bits": array, "dtype": str(value.dtype)}
    if isinstance(value, Mapping):
        return {key: _stored(entry, copy) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_stored(entry, copy) for entry in value)
    return value


def _restored(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _tensor(value)
    if isinstance(value, Mapping):
        if set(value) == {"bits", "dtype"}:
            return _tensor(value["bits"]).view(getattr(torch, value["dtype"].partition(".")[2]))
        return {key: _restored(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_restored(entry) for entry in value)
    return value


def _view(tensor: Tensor) -> Array:
    tensor = tensor.detach().cpu()
    try:
        return tensor.numpy()
    except TypeError:  # NumPy has no such type
        return tensor.contiguous().view(_BITS[tensor.element_size()]).numpy()


def _tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.array(array))


def _dtype(array: Array) -> torch.dtype:
    return torch.from_numpy(np.empty(0, array.dtype)).dtype
