"""What does not fit, a module, its outputs, its loss or the labels, in a sentence."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from rightbatch.errors import DataError, ProcessError, RightbatchError, SettingError
from rightbatch.learners.torch_check import first_sentence
from rightbatch.learners.torch_losses import table
from rightbatch.learners.torch_modules import name_of
from rightbatch.learners.torch_noise import Seeded
from rightbatch.learners.torch_padded import Inputs, PaddedRows, taking
from rightbatch.records import Shape
from rightbatch.units import plural

_ONE_ROW = "more than 1 value per channel"
"""What PyTorch says of normalisation over a batch of one row."""

_GONE = ("Connection closed by peer", "Connection reset by peer", "Socket closed", "Broken pipe")
"""What gloo says where a process that it waits for is no longer there."""

_MISFITS = (RuntimeError, ValueError, TypeError, IndexError)
"""What PyTorch raises where shapes or types do not fit; other errors are the user's own."""


def outputs_of(module: nn.Module, x: Inputs, y: Tensor, shape: Shape, *, own_loss: bool) -> int:
    """How many outputs the module gives for these rows, checked against the targets.

    More outputs than classes are let pass: the last classes may be missing from the data.

    Args:
        module: evaluated once, without a gradient.
        x: rows.
        y: their targets.
        shape: of the data.
        own_loss: whether the user's loss decides what fits.

    Raises:
        SettingError: the module cannot take the rows, or its outputs do not fit the targets.
    """
    module.eval()
    try:
        with torch.no_grad():
            raw = taking(module, x)(x)
    except RightbatchError:
        raise
    except _MISFITS as error:
        raise _refused(module, x, error) from error
    finally:
        module.train()
    outputs = table(raw, len(x)).shape[1]
    if shape.task == "regression":
        if outputs != shape.outputs and not own_loss:
            raise _unfit(raw, y, f"one for each of {plural(shape.outputs, 'value')}", _outputs_for(y, shape))
    elif raw.ndim > 2:
        raise _unfit(raw, y, "a row of numbers for each row", "one axis beside the rows, as nn.Flatten does")
    elif outputs < shape.outputs and not own_loss:
        raise _unfit(raw, y, f"one for each of {shape.outputs} classes", f"{shape.outputs} outputs")
    return outputs


def takes_whole(module: nn.Module, whole: Inputs, real: Inputs) -> bool:
    """Whether the module is to be given whole numbers as they are, as embeddings want them, or as float32.

    As they are, if it can be evaluated so: float32 rounds from 16,777,216 on. Where it takes neither, they
    stay what they were given as, and the error that follows speaks of that.

    Args:
        module: fresh, and not used afterwards.
        whole: a few rows, int64.
        real: the same, float32.
    """
    module.eval()
    with Seeded(torch.device("cpu"), "predict"), torch.no_grad():
        for rows in (whole, real):
            try:
                taking(module, rows)(rows)
            except _MISFITS:
                continue
            return rows is whole
    return True


def least_rows(module: nn.Module, row: tuple[int, ...]) -> int:
    """The smallest batch that the module can be trained on: 2 where it normalises over the batch.

    Args:
        module: fresh, and not used afterwards.
        row: axes of one row of its input.
    """
    if not any(isinstance(part, _BatchNorm) for part in module.modules()):
        return 1
    for dtype in (torch.float32, torch.int64):
        try:
            with torch.no_grad():
                module.train()(torch.zeros(1, *row, dtype=dtype))
        except _MISFITS as error:
            if _ONE_ROW in str(error):
                return 2
    return 1


def explained(
    error: Exception, module: nn.Module, batch: tuple[Inputs, Tensor], *, first: bool
) -> RightbatchError | None:
    """The sentence for an error that a step raised; `None`: nothing is known of it.

    Args:
        error: of the module or the loss.
        module: one replica's.
        batch: rows and targets.
        first: whether no step has gone well before.
    """
    x, y = batch
    if isinstance(error, torch.OutOfMemoryError):
        return None
    if known := _known(error, len(x)):
        return known
    try:
        with torch.no_grad():
            outputs = table(taking(module.eval(), x)(x), len(x))
    except Exception:
        return None
    finally:
        module.train()
    if not y.is_floating_point():
        last = max(outputs.shape[1], 2) - 1
        wrong = [int(label) for label in (y.min(), y.max()) if not 0 <= label <= last]
        if wrong:
            return DataError(
                f"The labels must be class numbers from 0 to {last}, as the model has {outputs.shape[1]} "
                f"outputs, got {wrong[0]}; number the classes from 0 without gaps, or give it more outputs."
            )
    if not first or not isinstance(error, _MISFITS):
        return None
    shapes = f"outputs of shape {tuple(outputs.shape)} and targets of shape {tuple(y.shape)}"
    return SettingError("loss", f"cannot be taken of {shapes}", first_sentence(error), "write another loss")


def _known(error: Exception, rows: int) -> RightbatchError | None:
    """The sentence for an error that its text alone explains."""
    if gone := lost(error):
        return ProcessError(gone)
    if _ONE_ROW not in str(error):
        return None
    problem = "leaves a batch of one row, and a model that normalises over the batch needs at least 2"
    return SettingError("batch_size", problem, rows, "write another one, or last='drop' for the rest")


def lost(error: Exception) -> str | None:
    """The sentence for an error that says that another process of the training has ended.

    Example:
        >>> print(lost(RuntimeError("pair.cc:553: Connection closed by peer")).partition(", ")[0])
        Another process of this training has ended (Connection closed by peer)
    """
    reason = next((sign for sign in _GONE if sign in str(error)), None)
    if reason is None and not isinstance(error, torch.distributed.DistError):
        return None
    return (
        f"Another process of this training has ended ({reason or first_sentence(error)}), and its own output "
        "says why; "
        "start them again, and with checkpoint=FOLDER and resume=True it goes on from the last checkpoint."
    )


def _refused(module: nn.Module, x: Inputs, error: Exception) -> SettingError:
    problem = f"cannot take a batch of shape {tuple(x.shape)}"
    name = name_of(module)
    instead = f"let {name} take such rows, or write TorchModel(..., input_shape=(1, 8, 8))"
    if isinstance(x, PaddedRows):
        instead = f"let {name} take such rows, and mask or lengths by these names"
    return SettingError("model", problem, first_sentence(error), instead)


def _outputs_for(y: Tensor, shape: Shape) -> str:
    """What a model of these values should give; class numbers may have been given as values."""
    wanted = plural(shape.outputs, "output")
    classes = shape.outputs == 1 and bool((y == y.round()).all()) and bool((y >= 0).all())
    return f"{wanted}, or write y.astype(int) if these are classes" if classes else wanted


def _unfit(raw: Any, y: Tensor, what: str, instead: str) -> SettingError:
    problem = f"must give outputs that fit targets of shape {tuple(y.shape)}, {what}"
    return SettingError("model", problem, tuple(raw.shape), f"give its last layer {instead}")
