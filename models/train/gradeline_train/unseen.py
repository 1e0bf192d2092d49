"""Questions about what training never saw: fault families and species left out of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .blend import blend
from .data import Photo, crops
from .faults import draw_fault
from .items import emphasised
from .measures import Figure, Vectors, distances, few_shot, over_draws
from .testsets import TestSet, rendered_kind

Embed = Callable[[NDArray[np.uint8]], Vectors]
ROTTEN = ("rot", "brownRot", "blackRot", "bruise")


def unseen_kind(embed: Embed, kind: str, cache: Path | None, shots: int = 5, draws: int = 50) -> tuple[Figure, Figure]:
    """A fault family with ``shots`` of its fruit and as many sound ones enrolled, against all others.

    :returns: balanced accuracy by class means, and the share of faulty views found at 5 % of sound ones turned away
    """
    test = rendered_kind(kind, cache)
    vectors = emphasised(embed(test.crops))
    found = []
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        chosen = np.concatenate([rng.choice(np.unique(test.item[test.label == c]), shots, replace=False) for c in np.unique(test.label)])
        inside = np.isin(test.item, chosen)
        means = [vectors[inside & (test.label == c)].mean(axis=0, keepdims=True) for c in ("sound", kind)]
        score = (distances(vectors[~inside], means[0]) - distances(vectors[~inside], means[1]))[:, 0]
        sound = test.label[~inside] == "sound"
        found.append(float((score[~sound] > np.quantile(score[sound], 0.95)).mean()))
    return few_shot(vectors, test.label, test.item, shots, draws), over_draws(found)


def unseen_species(listed: list[Photo], limit: int = 12, seed: int = 0) -> TestSet:
    """Photographs of sound fruit, and the same fruit with rot or a bruise blended on: fresh and rotten.

    :param listed: photographs of sound fruit of a species that training left out
    :param limit: views per individual and class
    """
    rng = np.random.default_rng(seed)
    chosen: list[Photo] = []
    for item in sorted({p.item for p in listed}):
        own = [p for p in listed if p.item == item]
        chosen += [own[i] for i in rng.choice(len(own), min(limit, len(own)), replace=False)]
    fresh = crops(chosen, "reading the species left out")
    rotten, kept = [], []
    for i, crop in enumerate(fresh):
        for _ in range(8):
            view = blend(crop, (draw_fault(ROTTEN[rng.integers(len(ROTTEN))], rng),), rng)
            if view.kind > 0:
                rotten.append(view.image)
                kept.append(i)
                break
    item = np.asarray([p.item for p in chosen])
    # Fresh and rotten views of one fruit are one individual here: both are enrolled, or neither is.
    return TestSet(
        np.concatenate([fresh, np.stack(rotten)]),
        np.asarray(["fresh"] * len(fresh) + ["rotten"] * len(rotten)),
        np.concatenate([item, item[kept]]),
        np.asarray([0] * len(fresh) + [1] * len(rotten), np.int8),
    )
