"""A pool of crops with their labels, in memory and on disk."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import TrainingError

RENDERED, BLENDED, REAL, LINE = 0, 1, 2, 3
UNKNOWN_KIND = -1


@dataclass
class Pool:
    """N crops, one row each.

    ``image`` (N, S, S, 3) uint8. ``mask`` (N, S/4, S/4) uint8, share of each cell that a fault changes, 255 = all.
    ``masked`` (N,) whether the mask is known. ``kind`` (N,) 0 sound, -1 not known, else 1 + place in ``faults.kinds``.
    ``item`` the individual, ``kin`` what counts as the same identity (a named variety or one individual), ``species``:
    (N,) names. ``source`` (N,) one of the four above. ``area`` (N,) share of the body that faults change.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    masked: NDArray[np.bool_]
    kind: NDArray[np.int16]
    area: NDArray[np.float32]
    item: NDArray[np.str_]
    kin: NDArray[np.str_]
    species: NDArray[np.str_]
    source: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.image)

    def save(self, path: Path) -> None:
        """Writes all columns to one file, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez(part, **{f.name: getattr(self, f.name) for f in fields(self)})
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Pool:
        """
        :raises TrainingError: when the file is no pool
        """
        try:
            with np.load(path) as stored:
                return cls(**{f.name: stored[f.name] for f in fields(cls)})
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as cause:
            raise TrainingError(f"{path} is no pool of crops: {cause}", "delete it; it is made again") from cause

    @classmethod
    def join(cls, pools: list[Pool]) -> Pool:
        """All rows of several pools."""
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in pools]) for f in fields(cls)})

    def take(self, rows: NDArray[np.intp]) -> Pool:
        """Some rows."""
        return Pool(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def cells(mask: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(S, S) 0..1 -> (S/4, S/4) 0..255, the mean of each 4x4 cell."""
    s = mask.shape[0] // 4
    return np.round(mask.reshape(s, 4, s, 4).mean(axis=(1, 3)) * 255).clip(0, 255).astype(np.uint8)
