"""What the parts that stay as they are make of a pool: computed once for a few disturbed copies of each crop, then kept.

A head learns from these numbers at thousands of crops a second, where pixels through the whole network give a hundred.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from .augment import augment
from .model import Embedder, Pooled
from .pool import Pool
from .sampling import TURN

BATCH = 64
FIELDS = ("condition", "identity", "appearance")


class Copies:
    """:class:`Pooled` of every copy of every crop but for its heat map, in half precision.

    One copy shows all crops of an individual with their hues turned alike, so that they can make pairs.
    """

    def __init__(self, branch: Embedder, pool: Pool, kin: NDArray[np.intp], turned: NDArray[np.bool_], count: int, seed: int, cache: Path | None, bf16: bool = False) -> None:
        """
        :param kin: (N,) the individual of each row of the pool
        :param turned: (N,) whose hue may be turned
        :param count: copies of each crop
        :param cache: where they are kept between runs, and found again by what they were made from
        """
        rng = np.random.default_rng([seed, 2])
        turns = np.clip(rng.normal(0, TURN, (count, int(kin.max()) + 1)), -2.5 * TURN, 2.5 * TURN)
        turns *= rng.random(turns.shape) < 0.5
        self.turn: NDArray[np.float32] = (turns[:, kin] * turned).astype(np.float32)
        path = cache / f"copies-{_key(branch, pool, count, seed, bf16)}.npz" if cache else None
        if path and path.exists():
            with np.load(path) as stored:
                self.fields = {name: stored[name] for name in FIELDS}
            return
        self.fields = self._look(branch.eval(), pool, seed, bf16)
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part.npz")
            np.savez(part, **self.fields)
            part.replace(path)

    def _look(self, branch: Embedder, pool: Pool, seed: int, bf16: bool) -> dict[str, NDArray[np.float16]]:
        device = next(branch.parameters()).device
        rows: dict[str, list[NDArray[np.float16]]] = {name: [] for name in FIELDS}
        with tqdm(total=self.turn.size, desc="looking", disable=None, mininterval=5) as bar:
            for copy, turn in enumerate(self.turn):
                for first in range(0, len(pool), BATCH):
                    part = slice(first, first + BATCH)
                    generator = torch.Generator().manual_seed(seed * 1_000_003 + copy * len(pool) + first)
                    pixels, _ = augment(torch.from_numpy(pool.image[part]), torch.from_numpy(pool.mask[part]), generator, torch.from_numpy(turn[part]))
                    with torch.no_grad(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
                        seen = branch.pool(pixels.contiguous(memory_format=torch.channels_last).to(device))
                    for name in FIELDS:
                        rows[name].append(getattr(seen, name).half().cpu().numpy())
                    bar.update(len(pixels))
        return {name: np.concatenate(parts).reshape(*self.turn.shape, -1) for name, parts in rows.items()}

    def take(self, copy: NDArray[np.intp], rows: NDArray[np.intp]) -> Pooled:
        """Some crops, each in one of its copies, without a heat map."""
        found = {name: torch.from_numpy(self.fields[name][copy, rows].astype(np.float32)) for name in FIELDS}
        return Pooled(**found, heat=torch.zeros(len(rows), 0))


def _key(branch: Embedder, pool: Pool, count: int, seed: int, bf16: bool) -> str:
    digest = hashlib.sha256(repr((count, seed, bf16, len(pool), pool.kin.tolist())).encode())
    digest.update(pool.image.tobytes())
    for name, weights in branch.state_dict().items():
        if not name.startswith("to_"):
            digest.update(weights.detach().cpu().numpy().tobytes())
    return digest.hexdigest()[:12]
