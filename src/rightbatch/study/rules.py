"""What a study assumes of an update rule: where its learning rates lie, and their law."""

_WIDE = {"sgd": (-14, 2), "momentum": (-18, -2), "nesterov": (-18, -2), "adam": (-24, -4)}
"""Points of the first search for each update rule: a factor of 256, extended where it is not enough."""

_LAW = {"sgd": 1.0, "momentum": 1.0, "nesterov": 1.0}
"""Exponent of the learning rate's law; other rules adapt the step, for which a half is usual
(McCandlish et al. 2018, appendix A.2: between a half and 1 for Adam and RMSProp)."""


def first_points(update_rule: str = "") -> list[int]:
    """Learning rates of the first search with an update rule, by its name, as points of the grid.

    Example:
        >>> first_points("sgd")
        [-14, -12, -10, -8, -6, -4, -2, 0, 2]
    """
    low, high = _WIDE.get(update_rule, (-20, 2))
    return list(range(low, high + 1, 2))


def law_of(update_rule: str = "") -> float:
    """The exponent of the learning rate's law, lr(B) ~ (1 + B_crit/B)^-law, of an update rule by its name.

    Example:
        >>> law_of("momentum"), law_of("adam")
        (1.0, 0.5)
    """
    return _LAW.get(update_rule, 0.5)
