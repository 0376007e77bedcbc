"""The study's document (`Study.to_dict()`, `--json`), as the report reads it: plain dicts and lists."""

import math
from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]


MISSED_SIGN = "\u00d7"
"""Marks a batch size that never reached the target: a multiplication sign."""


class Standing(StrEnum):
    """Where a batch size stands in the recommendation."""

    RECOMMENDED = "recommended"
    WITHIN = "within 5 %"
    OTHER = "slower"
    SELDOM = "missed too often"
    MISSED = "not reached"
    NOT_RUN = "not run"


def standing(document: Document, row: Mapping[str, Any]) -> Standing:
    """Where the batch size of a row stands."""
    advice = document["recommendation"]
    if advice is not None and row["batch_size"] == advice["batch_size"]:
        return Standing.RECOMMENDED
    if not row["runs"]:
        return Standing.NOT_RUN
    if not row["reached"]:
        return Standing.MISSED
    if row["misses_too_often"]:
        return Standing.SELDOM
    if advice is not None and row["batch_size"] in advice["within_5_percent"]:
        return Standing.WITHIN
    return Standing.OTHER


def measured(document: Document, quantity: str) -> list[Mapping[str, Any]]:
    """The rows that reached the target and know the quantity, by batch size.

    A target that holds before the first step takes 0 steps and has no place on a logarithmic axis.
    """
    return [row for row in document["batch_sizes"] if row["reached"] and row[quantity]]


def missed(document: Document) -> list[Mapping[str, Any]]:
    """The rows that were run and never reached the target, by batch size."""
    return [row for row in document["batch_sizes"] if row["runs"] and not row["reached"]]


def spans(sizes: list[int], chosen: list[int]) -> list[tuple[float, float]]:
    """The stretches of a logarithmic axis that belong to the chosen sizes.

    Each size owns the axis half-way to its neighbours; stretches that touch are joined.

    Example:
        >>> spans([1, 4, 16, 64], [4, 16])
        [(2.0, 32.0)]
    """
    edges = _edges(sizes) if chosen else []
    joined: list[tuple[float, float]] = []
    for position, number in enumerate(sizes):
        if number not in chosen:
            continue
        low, high = edges[position], edges[position + 1]
        if joined and joined[-1][1] == low:
            low = joined.pop()[0]
        joined.append((low, high))
    return joined


def _edges(sizes: list[int]) -> list[float]:
    middles = [math.sqrt(one * other) for one, other in pairwise(sizes)]
    return [sizes[0] / math.sqrt(2), *middles, sizes[-1] * math.sqrt(2)]
