"""Figures over embeddings: all by individual, none by frame; distances are Euclidean between unit rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Labels = NDArray[np.str_]


@dataclass(frozen=True)
class Figure:
    """A mean with the interval that holds 95 % of the draws (or of the bootstrap over individuals)."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def over_draws(values: list[float]) -> Figure:
    """Mean and 2.5 % to 97.5 % of a list."""
    low, high = np.percentile(values, [2.5, 97.5])
    return Figure(float(np.mean(values)), float(low), float(high))


def distances(a: Vectors, b: Vectors) -> NDArray[np.float32]:
    """(N, D), (M, D) -> (N, M) Euclidean."""
    squared = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * a @ b.T
    return np.sqrt(np.maximum(squared, 0))


def balanced_accuracy(truth: Labels, guess: Labels) -> float:
    """Mean of the recalls of all classes in ``truth``."""
    return float(np.mean([(guess[truth == c] == c).mean() for c in np.unique(truth)]))


def auroc(inside: NDArray[np.floating], outside: NDArray[np.floating]) -> float:
    """Chance that something outside scores higher than something inside (Mann, Whitney 1947); ties count half."""
    scores = np.concatenate([inside, outside])
    _, rank, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mid = np.cumsum(counts) - (counts - 1) / 2
    ranks = mid[rank][len(inside) :]
    n, m = len(inside), len(outside)
    return float((ranks.sum() - m * (m + 1) / 2) / (n * m))


def prototypes(vectors: Vectors, labels: Labels) -> tuple[Vectors, Labels]:
    """The mean vector of each class."""
    names = np.unique(labels)
    return np.stack([vectors[labels == c].mean(axis=0) for c in names]), names


def nearest_prototype(references: Vectors, labels: Labels, queries: Vectors) -> Labels:
    """Class of the nearest class mean (Snell, Swersky, Zemel 2017)."""
    means, names = prototypes(references, labels)
    return names[distances(queries, means).argmin(axis=1)]


def nearest_reference(references: Vectors, labels: Labels, queries: Vectors) -> Labels:
    """Class of the nearest reference."""
    return labels[distances(queries, references).argmin(axis=1)]


def few_shot(
    vectors: Vectors, labels: Labels, groups: Labels, shots: int, draws: int = 50, seed: int = 0,
    rule: Callable[[Vectors, Labels, Vectors], Labels] = nearest_prototype, queries: Vectors | None = None,
) -> Figure:  # fmt: skip
    """``shots`` groups per class enrolled, all other groups' views classified; balanced accuracy over seeded draws.

    :param queries: (N, D) other vectors of the same views, where references go through another branch
    """
    asked = vectors if queries is None else queries
    by_class = {c: np.unique(groups[labels == c]) for c in np.unique(labels)}
    found = []
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        chosen = np.concatenate([rng.choice(g, min(shots, len(g) - 1), replace=False) for g in by_class.values()])
        enrolled = np.isin(groups, chosen)
        found.append(balanced_accuracy(labels[~enrolled], rule(vectors[enrolled], labels[enrolled], asked[~enrolled])))
    return over_draws(found)


def leave_one_out(vectors: Vectors, labels: Labels, groups: Labels, rule: Callable[[Vectors, Labels, Vectors], Labels] = nearest_prototype) -> Labels:
    """Each group's views classified from all other groups. (N,)"""
    guess = np.empty_like(labels)
    for group in np.unique(groups):
        own = groups == group
        guess[own] = rule(vectors[~own], labels[~own], vectors[own])
    return guess


def bootstrap(groups: Labels, measure: Callable[[NDArray[np.intp]], float], draws: int = 1000, seed: int = 0) -> Figure:
    """A measure of rows with its interval over individuals drawn with replacement.

    A draw for which the measure is not defined (a class is missing) is left out.
    """
    names = np.unique(groups)
    rows = {g: np.flatnonzero(groups == g) for g in names}
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(draws):
        value = measure(np.concatenate([rows[g] for g in rng.choice(names, len(names))]))
        if np.isfinite(value):
            values.append(value)
    low, high = np.percentile(values, [2.5, 97.5])
    return Figure(measure(np.arange(len(groups))), float(low), float(high))
