"""How many bytes of tensors are alive at once: Python's own tracer does not see them."""

import weakref
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class TensorBytes:
    """Counts while it is entered; `peak` is the most at any one time, of what was made inside.

    On CUDA it is what PyTorch's allocator counts. On the CPU every operation is watched, which
    costs time, so steps are not to be timed inside; scratch memory within an operation is not seen.

    Args:
        device: whose tensors.

    Example:
        >>> with TensorBytes(torch.device("cpu")) as counted:
        ...     kept = torch.zeros(1000)
        ...     for _ in range(3):
        ...         gone = kept + 1
        >>> counted.peak
        12000
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._watch = _Watch() if device.type == "cpu" else None
        self._before = 0

    @property
    def peak(self) -> int:
        """Bytes."""
        if self._watch is not None:
            return self._watch.peak
        return int(torch.cuda.max_memory_allocated(self._device)) - self._before

    def __enter__(self) -> Self:
        if self._watch is not None:
            self._watch.__enter__()  # type: ignore[no-untyped-call]
        else:
            torch.cuda.reset_peak_memory_stats(self._device)
            self._before = int(torch.cuda.memory_allocated(self._device))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watch is not None:
            self._watch.__exit__(kind, error, trace)  # type: ignore[no-untyped-call]


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation of this thread, forwards and backwards."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = self._now = 0
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Not to be compiled: nobody does, and PyTorch loads its compiler, for seconds, to forbid it."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {
            id(leaf.untyped_storage()) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)
        }
        made = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(made):
            if isinstance(leaf, Tensor) and id(leaf.untyped_storage()) not in given:
                self._note(leaf.untyped_storage())
        return made

    def _note(self, storage: Any) -> None:
        if storage in self._known:
            return
        self._known.add(storage)
        size = storage.nbytes()
        self._now += size
        self.peak = max(self.peak, self._now)
        weakref.finalize(storage, self._free, size)

    def _free(self, size: int) -> None:
        self._now -= size
