"""Layers that stand still: no gradient reaches them."""

import re
import zlib
from collections.abc import Mapping

import numpy as np

from rightbatch import units
from rightbatch.records import Array

_LISTED = 6


class LayerCheck:
    """Compares the parameters of layers at two moments by their checksums.

    Where all of them stand still after they have moved, the training has come to its end, and nothing is
    wrong. Where weights decay, all of them move, and a layer without a gradient is not found.

    Args:
        parameters: those that steps change, by name.
        step: updates made.
    """

    def __init__(self, parameters: Mapping[str, Array], step: int) -> None:
        self.step = step
        self._sums = _sums(parameters)
        self._begun = False
        """Whether any of them has moved."""

    def again(self, parameters: Mapping[str, Array], step: int, *, command_line: bool = False) -> str:
        """What has not moved since the last look, in a sentence; empty where nothing is wrong.

        Args:
            parameters: now, by name.
            step: updates made.
            command_line: whether options of the command are named, or arguments of Python.
        """
        before, self._sums = self._sums, _sums(parameters)
        steps, self.step = step - self.step, step
        moved = {_layer(name) for name in before if before[name] != self._sums[name]}
        still = [name for name in before if _layer(name) not in moved]
        ended, self._begun = self._begun and not moved, self._begun or bool(moved)
        if not still or ended:
            return ""
        names = still[:_LISTED] + ([f"{len(still) - _LISTED} more"] if len(still) > _LISTED else [])
        has, it = ("has", "it") if len(still) == 1 else ("have", "them")
        rate = "--lr" if command_line else "lr"
        return (
            f"{units.listed(names)} {has} not moved for {steps:,} steps, up to step {step:,}: no gradient "
            f"reaches {it}; let the loss depend on {it}, or write another activation or a smaller {rate}."
        )


def _layer(name: str) -> str:
    """What the weights and the biases of a layer have in common: ``0.weight`` and ``0.bias``."""
    return re.sub("weight|bias", "", name)


def _sums(parameters: Mapping[str, Array]) -> dict[str, int]:
    return {name: zlib.crc32(np.ascontiguousarray(values).data) for name, values in parameters.items()}
