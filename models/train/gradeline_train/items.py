"""Rules that turn the views of one item into its grade."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .measures import Labels, Vectors, distances, nearest_prototype, nearest_reference
from .model import CONDITION, DIMENSION

RULES = ("device", "cover", "weighted", "telling", "mean", "majority", "worst")
CALIBRATED = frozenset({"device", "cover"})
UNKNOWN = "unknown"
ALPHA = 0.05
FEW_ITEMS_MARGIN = 1.1
FLOOR = 0.2  # of the mean variance, added to each component's own
LEAST_TELLING = 0.2
GRADING_SHARE = 0.8  # of the condition part in squared distances where grades are told apart
MOST_FULL = 512  # longer embeddings are weighted component by component


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


def cover_thresholds(references: Vectors, labels: Labels, groups: Labels, order: Sequence[str], alpha: float = ALPHA) -> list[float]:
    """Per grade, the distance that turns away at most ``alpha`` of its items: the split-conformal quantile of its
    enrolled items, each covered by the others; the largest and a tenth more where there are too few for a quantile.

    A grade with one item has nothing to calibrate on and takes the median of the other grades' distances.

    :see: Vovk, Gammerman, Shafer 2005; ``device/grade/thresholds.ts`` does the same
    """
    costs: list[list[float]] = [[] for _ in order]
    for group in np.unique(groups):
        own = groups == group
        place = list(order).index(str(labels[own][0]))
        cost = cover_costs(references[~own], labels[~own], references[own], order)[place]
        if np.isfinite(cost) and (labels[~own] == labels[own][0]).any():
            costs[place].append(cost)
    own_limits = [_conformal(sorted(c), alpha) if len(c) > 1 else None for c in costs]
    known = [limit for limit in own_limits if limit is not None]
    return [limit if limit is not None else float(np.median(known)) if known else 0.0 for limit in own_limits]


def _conformal(scores: list[float], alpha: float) -> float:
    rank = math.ceil((len(scores) + 1) * (1 - alpha))
    return scores[rank - 1] if rank <= len(scores) else scores[-1] * FEW_ITEMS_MARGIN


def weighted_rule(references: Vectors, labels: Labels, groups: Labels, order: Sequence[str], telling: bool = False) -> Callable[[Vectors], str]:
    """Grade of the nearest class mean of items, where items vary alike in every direction within their grades, so the
    variety counts for little (Friedman 1989, regularised discriminant analysis); ``device/grade/prototypes.ts`` does
    the same. An item is the unit mean of its views.

    :param telling: as the device describes items, ``device/grade/telling.ts``: the condition part made larger, and views
        weighed by how much nearer they lie to the odd views of another grade than to the mean of the best one, so that
        the side that shows a fault counts for more than the clean ones
    :returns: the grade of an item's views
    """
    names = np.unique(groups)
    grade = np.asarray([labels[groups == n][0] for n in names])
    present = [g for g in order if (grade == g).any()]
    describe = _telling(references, labels, present) if telling else _unit_mean
    items = np.stack([describe(references[groups == n]) for n in names])
    means = np.stack([items[grade == g].mean(axis=0) for g in present])
    whitening = _whitening(np.concatenate([items[grade == g] - mean for g, mean in zip(present, means, strict=True)]), len(present))
    return lambda views: present[int((((means - describe(views)) @ whitening.T) ** 2).sum(axis=1).argmin())]


def emphasised(vectors: Vectors) -> Vectors:
    """(N, D) as the device looks at embeddings where it tells grades apart: the condition part made larger, as
    ``embedder.json`` asks. Embeddings without parts, each of a norm of its own, stay as they are.
    """
    if vectors.shape[1] != DIMENSION:
        return vectors
    shares = (vectors[:, :CONDITION] ** 2).sum(axis=1)
    share = float(shares.mean())
    if not 0 < share < 1 or np.ptp(shares) > 0.01:
        return vectors
    factors = np.full(DIMENSION, math.sqrt((1 - GRADING_SHARE) / (1 - share)), np.float32)
    factors[:CONDITION] = math.sqrt(GRADING_SHARE / share)
    return vectors * factors


def _telling(references: Vectors, labels: Labels, present: Sequence[str]) -> Callable[[Vectors], Vectors]:
    """Describes items by their telling views."""
    seen = emphasised(references)
    best = seen[labels == present[0]].mean(axis=0)
    weights = LEAST_TELLING + ((seen - best) ** 2).sum(axis=1)
    odd = [np.average(seen[labels == grade], axis=0, weights=weights[labels == grade]) for grade in present[1:]]

    def describe(views: Vectors) -> Vectors:
        rows = emphasised(views)
        far = ((rows - best) ** 2).sum(axis=1)
        nearer = np.max([far - ((rows - other) ** 2).sum(axis=1) for other in odd], axis=0, initial=0.0)
        return _unit_mean(rows * (LEAST_TELLING + nearer)[:, None])

    return describe


def _whitening(spread: Vectors, grades: int) -> NDArray[np.float64]:
    """(items, D) descriptors less their grade's mean -> (D, D): the covariance within grades shrunk to its diagonal."""
    dimension, free = spread.shape[1], max(1, len(spread) - grades)
    variance = (spread.astype(np.float64) ** 2).sum(axis=0) / free
    mean = variance.mean()
    # One item per grade has no variance at all: every component then counts the same.
    if mean <= 1e-12:
        return np.eye(dimension)
    if dimension > MOST_FULL:
        return np.diag(1 / np.sqrt(variance / mean + FLOOR))
    shrinkage = dimension / (dimension + free)
    covariance = (1 - shrinkage) * (spread.T.astype(np.float64) @ spread) / (free * mean) + shrinkage * np.diag(variance / mean + FLOOR)
    return np.linalg.inv(np.linalg.cholesky(covariance))


def _unit_mean(views: Vectors) -> Vectors:
    mean = views.mean(axis=0)
    return mean / (np.linalg.norm(mean) + 1e-9)


def grade_item(rule: str, references: Vectors, labels: Labels, groups: Labels, views: Vectors, order: Sequence[str], thresholds: Sequence[float] = ()) -> str:
    """The grade of one item.

    ``device``: near enough as the device decides: the best grade, though none better than that of the nearest class mean
    of telling views, whose references with those of all better ones lie within its threshold of every view; ``unknown`` where
    none does. ``cover``: the same without the class means. ``telling``: the class means alone. ``weighted``: the
    same over the plain means of the items' views. ``mean``: nearest class mean to
    the mean view, nothing weighted. ``majority``: most frequent grade of the views' nearest references. ``worst``: the
    worst of them.
    """
    if rule in ("cover", "device"):
        least = list(order).index(weighted_rule(references, labels, groups, order, telling=True)(views)) if rule == "device" else 0
        for place, cost in enumerate(cover_costs(references, labels, views, order)):
            if place >= least and cost <= thresholds[place]:
                return order[place]
        return UNKNOWN
    if rule in ("weighted", "telling"):
        return weighted_rule(references, labels, groups, order, rule == "telling")(views)
    if rule == "mean":
        return str(nearest_prototype(references, labels, views.mean(axis=0, keepdims=True))[0])
    votes = [str(v) for v in nearest_reference(references, labels, views)]
    if rule == "majority":
        return max(order, key=lambda g: (votes.count(g), -list(order).index(g)))
    if rule == "worst":
        return max(votes, key=list(order).index)
    raise ValueError(f"no item rule {rule!r}")


def grade_items_left_out(rule: str, vectors: Vectors, labels: Labels, groups: Labels, order: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Each item graded by all others: item -> (truth, guess). Distances are calibrated on the others too."""
    found = {}
    for group in np.unique(groups):
        own = groups == group
        limits = cover_thresholds(vectors[~own], labels[~own], groups[~own], order) if rule in CALIBRATED else []
        found[str(group)] = (str(labels[own][0]), grade_item(rule, vectors[~own], labels[~own], groups[~own], vectors[own], order, limits))
    return found
