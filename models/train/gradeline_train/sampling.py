"""Draws batches as pairs of views: half sound, faults as often as each other, by source and individual."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .pool import BLENDED, LINE, REAL, RENDERED, Pool

SHARES = {RENDERED: 0.28, BLENDED: 0.36, REAL: 0.24, LINE: 0.12}
TURN = 0.3  # radians of hue, one standard deviation; three times as far turns an apple into no fruit at all


class Sampler:
    """Rows of a pool for any step; the same step gives the same rows, so a run can go on where it was cut off."""

    def __init__(self, pool: Pool, batch: int, seed: int) -> None:
        self.pairs, self.seed = batch // 2, seed
        self.photographed = np.isin(pool.source, (REAL, BLENDED))
        _, self.kin = np.unique(pool.kin, return_inverse=True)
        _, self.item = np.unique(pool.item, return_inverse=True)
        self.family = _groups(self.kin)
        self.sound = pool.kind <= 0  # not known counts as sound only for choosing partners
        # Per source: rows by kind; real photographs by kind and individual, else the longest sequence rules.
        self.by_kind: dict[int, dict[int, list[NDArray[np.intp]]]] = {}
        for source in SHARES:
            rows = np.flatnonzero(pool.source == source)
            if not rows.size:
                continue
            kinds: dict[int, list[NDArray[np.intp]]] = {}
            for kind in np.unique(pool.kind[rows]):
                of_kind = rows[pool.kind[rows] == kind]
                if source in (RENDERED, LINE):
                    kinds[int(kind)] = [of_kind]
                else:
                    groups = [g for g in (of_kind[self.kin[of_kind] == k] for k in np.unique(self.kin[of_kind])) if g.size]
                    apples = [g for g in groups if pool.species[g[0]] == "apple"]
                    kinds[int(kind)] = groups + apples * 2
            self.by_kind[source] = kinds
        weights = np.asarray([SHARES[s] for s in self.by_kind])
        self.sources, self.weights = list(self.by_kind), weights / weights.sum()

    def rows(self, step: int) -> NDArray[np.intp]:
        """(2 * pairs,) rows of the pool; row i and row i + pairs are of one kin."""
        rng = np.random.default_rng([self.seed, step])
        first, second = [], []
        for _ in range(self.pairs):
            kinds = self.by_kind[self.sources[rng.choice(len(self.sources), p=self.weights)]]
            faulty = [k for k in kinds if k > 0]
            calm = [k for k in kinds if k <= 0]
            choice = faulty if faulty and (not calm or rng.random() < 0.55) else calm
            if choice is calm and 0 in calm and rng.random() < 0.8:
                choice = [0]
            groups = kinds[choice[rng.integers(len(choice))]]
            group = groups[rng.integers(len(groups))]
            row = int(group[rng.integers(len(group))])
            family = self.family[self.kin[row]]
            other = int(family[rng.integers(len(family))])
            if not self.sound[other] and rng.random() < 0.3:  # partners lean to sound, so that half of a batch is
                other = int(family[rng.integers(len(family))])
            first.append(row)
            second.append(other)
        return np.asarray(first + second)

    def turns(self, step: int) -> NDArray[np.float32]:
        """(2 * pairs,) radians by which to turn the hue of each row of a step: both rows of a pair alike.

        Few individuals were photographed; with their colours turned they stand for varieties that nobody photographed.
        Rendered fruit come in all colours already.
        """
        rng = np.random.default_rng([self.seed, step, 1])
        turn = np.clip(rng.normal(0, TURN, self.pairs), -2.5 * TURN, 2.5 * TURN) * (rng.random(self.pairs) < 0.5)
        turn *= self.photographed[self.rows(step)[: self.pairs]]
        return np.tile(turn.astype(np.float32), 2)


def _groups(labels: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.cumsum(np.bincount(labels))[:-1])
