"""Which modules draw no random numbers, so that none need be kept for them."""

from typing import Any

from torch import nn

from rightbatch.learners.torch_losses import is_of_torch

STILL: tuple[type[nn.Module], ...] = (
    nn.Sequential, nn.Identity, nn.Flatten, nn.Unflatten, nn.Linear, nn.Bilinear, nn.Embedding,
    nn.Conv1d, nn.Conv2d, nn.Conv3d,
    nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm,
    nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d,
    nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d,
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish,
    nn.Sigmoid, nn.LogSigmoid, nn.Tanh, nn.Softplus, nn.Softsign, nn.Hardtanh, nn.Softmax, nn.LogSoftmax,
)  # fmt: skip
"""Layers of PyTorch that draw nothing; a class made from one of them may."""


def draws_nothing(module: nn.Module, loss: Any) -> bool:
    """Whether a training step of the module surely draws no random numbers, told from its layers.

    Args:
        module: as it is trained.
        loss: what the user gave.

    Example:
        >>> draws_nothing(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), None)
        True
        >>> draws_nothing(nn.Sequential(nn.Linear(4, 8), nn.Dropout()), None)
        False
    """
    layers = all(type(layer) in STILL and not _hooked(layer) for layer in module.modules())
    return layers and (loss is None or is_of_torch(loss))


def _hooked(layer: nn.Module) -> bool:
    """Whether functions of the user are called with the layer."""
    kinds = "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"
    return any(getattr(layer, kind) for kind in kinds) or any(
        parameter._backward_hooks for parameter in layer.parameters(recurse=False)
    )
