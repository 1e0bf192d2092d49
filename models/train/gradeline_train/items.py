"""Rules that turn the views of one item into its grade."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .measures import Labels, Vectors, distances, nearest_prototype, nearest_reference

RULES = ("cover", "mean", "majority", "worst")
UNKNOWN = "unknown"


def cover_costs(references: Vectors, labels: Labels, views: Vectors, order: Sequence[str]) -> list[float]:
    """Per grade, how far the worst-covered view is from the references of that grade and all better ones.

    :param order: grades, best first
    """
    costs, nearest = [], np.full(len(views), np.inf)
    for grade in order:
        own = references[labels == grade]
        if len(own):
            nearest = np.minimum(nearest, distances(views, own).min(axis=1))
        costs.append(float(nearest.max()))
    return costs


def cover_thresholds(references: Vectors, labels: Labels, groups: Labels, order: Sequence[str], quantile: float) -> list[float]:
    """Per grade, the distance that covers ``quantile`` of its enrolled items by the references of the others.

    A grade with one item has nothing to calibrate on and takes the median of the other grades' distances.
    """
    costs: list[list[float]] = [[] for _ in order]
    for group in np.unique(groups):
        own = groups == group
        place = list(order).index(str(labels[own][0]))
        cost = cover_costs(references[~own], labels[~own], references[own], order)[place]
        if np.isfinite(cost) and (labels[~own] == labels[own][0]).any():
            costs[place].append(cost)
    own = [float(np.quantile(c, quantile, method="higher")) if len(c) > 1 else None for c in costs]
    known = [limit for limit in own if limit is not None]
    return [limit if limit is not None else float(np.median(known)) if known else 0.0 for limit in own]


def grade_item(rule: str, references: Vectors, labels: Labels, views: Vectors, order: Sequence[str], thresholds: Sequence[float] = ()) -> str:
    """The grade of one item.

    ``cover``: the best grade whose references, with those of all better ones, lie within its threshold of every view;
    ``unknown`` where none does. ``mean``: nearest class mean to the mean view. ``majority``: most frequent grade of
    the views' nearest references. ``worst``: the worst of them.
    """
    if rule == "cover":
        for grade, cost, limit in zip(order, cover_costs(references, labels, views, order), thresholds, strict=True):
            if cost <= limit:
                return grade
        return UNKNOWN
    if rule == "mean":
        return str(nearest_prototype(references, labels, views.mean(axis=0, keepdims=True))[0])
    votes = [str(v) for v in nearest_reference(references, labels, views)]
    if rule == "majority":
        return max(order, key=lambda g: (votes.count(g), -list(order).index(g)))
    if rule == "worst":
        return max(votes, key=list(order).index)
    raise ValueError(f"no item rule {rule!r}")


def grade_items_left_out(rule: str, vectors: Vectors, labels: Labels, groups: Labels, order: Sequence[str], quantile: float = 0.95) -> dict[str, tuple[str, str]]:
    """Each item graded by all others: item -> (truth, guess). ``cover`` calibrates its distance on the others too."""
    found = {}
    for group in np.unique(groups):
        own = groups == group
        limits = cover_thresholds(vectors[~own], labels[~own], groups[~own], order, quantile) if rule == "cover" else []
        found[str(group)] = (str(labels[own][0]), grade_item(rule, vectors[~own], labels[~own], vectors[own], order, limits))
    return found
