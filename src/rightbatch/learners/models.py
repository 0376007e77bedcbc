"""The built-in models by the names that the command line and the study know them by."""

from typing import Any

from rightbatch.checks import one_of
from rightbatch.learners.linear import LinearRegression, LogisticRegression
from rightbatch.learners.mlp import MLP
from rightbatch.learners.protocol import Model

_BY_NAME: dict[str, type[Any]] = {"linear": LinearRegression, "logistic": LogisticRegression, "mlp": MLP}

MODELS = tuple(_BY_NAME)


def model_named(model: Any) -> Model:
    """The model, given itself or its name.

    Example:
        >>> model_named("linear")
        LinearRegression(l2=0.0)
    """
    if hasattr(model, "build"):
        built: Model = model
    else:
        built = _BY_NAME[one_of("model", model, MODELS)]()
    return built
