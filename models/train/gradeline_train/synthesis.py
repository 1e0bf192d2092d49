"""Fills pools with rendered fruit and with faults blended onto photographs of sound fruit."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from .blend import blend
from .body import facing, random_pose
from .faults import EXTRA, Fault, draw_fault, families
from .fruit import Rng, Variety, named_variety, parameters, random_apple, random_stranger
from .linelike import line_fruit, render_line
from .pool import BLENDED, LINE, RENDERED, Pool, cells
from .render import Fruit, View, render

VIEWS = 4


def draw_variety(rng: Rng, name: str) -> Variety:
    """Two thirds apples, of which two in five are of a named variety; the rest strangers, named and not."""
    known = parameters()
    if rng.random() < 0.66:
        if rng.random() < 0.4:
            return named_variety(list(known["varieties"])[rng.integers(len(known["varieties"]))], rng)
        return random_apple(rng, name)
    if rng.random() < 0.3:
        return named_variety(list(known["strangers"])[rng.integers(len(known["strangers"]))], rng)
    return random_stranger(rng, name)


def draw_faults(rng: Rng, allowed: list[str]) -> tuple[Fault, ...]:
    """One fault, sometimes two; kinds as often as each other."""
    count = 2 if rng.random() < 0.15 else 1
    return tuple(draw_fault(allowed[rng.integers(len(allowed))], rng) for _ in range(count))


def _row(view: View, item: str, variety: Variety, source: int) -> dict[str, object]:
    named = variety.name in parameters()["varieties"] or variety.name in parameters()["strangers"]
    return {
        "image": view.image, "mask": cells(view.mask), "masked": True, "kind": view.kind, "area": view.area, "item": item,
        "kin": variety.name if named else item, "species": variety.species, "source": source,
    }  # fmt: skip


def _render_item(index: int, *, seed: int, allowed: list[str]) -> list[dict[str, object]]:
    rng = np.random.default_rng([seed, index])
    item = f"rendered-{seed}-{index}"
    variety = draw_variety(rng, item)
    faults = draw_faults(rng, allowed) if rng.random() < 0.6 else ()
    fruit = Fruit(variety, faults, int(rng.integers(2**31)))
    rows = []
    for place in range(VIEWS):
        spot = faults[0].spots[0].centre if faults and place < VIEWS - 1 else None
        pose = facing(spot, rng) if spot is not None else random_pose(rng)
        rows.append(_row(render(fruit, pose, rng), item, variety, RENDERED))
    return rows


def _line_item(index: int, *, seed: int) -> list[dict[str, object]]:
    rng = np.random.default_rng([seed, 2, index])
    item = f"line-{seed}-{index}"
    fruit = line_fruit(rng, item)
    rows = []
    for place in range(VIEWS):
        spot = fruit.faults[0].spots[0].centre if fruit.faults and place < 2 else None
        pose = facing(spot, rng) if spot is not None else random_pose(rng)
        rows.append(_row(render_line(fruit, pose, rng), item, fruit.variety, LINE))
    return rows


def _blend_view(index: int, *, seed: int, allowed: list[str], sources: Pool) -> list[dict[str, object]]:
    rng = np.random.default_rng([seed, 1, index])
    row = int(rng.integers(len(sources)))
    view = blend(sources.image[row], draw_faults(rng, allowed), rng)
    return [
        {
            "image": view.image, "mask": cells(view.mask), "masked": True, "kind": view.kind, "area": view.area,
            "item": str(sources.item[row]), "kin": str(sources.kin[row]), "species": str(sources.species[row]), "source": BLENDED,
        }
    ]  # fmt: skip


def _gather(rows: Iterable[dict[str, object]]) -> Pool:
    table = list(rows)

    def column(name: str, dtype: object) -> NDArray:
        return np.asarray([row[name] for row in table], dtype=dtype)  # type: ignore[arg-type]

    return Pool(
        image=np.stack([row["image"] for row in table]), mask=np.stack([row["mask"] for row in table]),  # type: ignore[arg-type]
        masked=column("masked", bool), kind=column("kind", np.int16), area=column("area", np.float32),
        item=column("item", np.str_), kin=column("kin", np.str_), species=column("species", np.str_), source=column("source", np.int8),
    )  # fmt: skip


Work = Callable[[int], list[dict[str, object]]]
_work: Work | None = None


def _arm(work: Work) -> None:
    # Once per worker: the photographs that blending draws from are too large to send along with every task.
    global _work
    _work = work


def _do(index: int) -> list[dict[str, object]]:
    assert _work is not None
    return _work(index)


def _map(work: Work, indices: range, workers: int, title: str) -> Iterator[dict[str, object]]:
    if workers <= 1:
        for index in tqdm(indices, desc=title, disable=None):
            yield from work(index)
        return
    # Forking a process whose BLAS already runs threads may hang; fresh ones start clean. One thread each: several
    # per process on small arrays spend their time waiting for each other.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with multiprocessing.get_context("spawn").Pool(workers, _arm, (work,)) as crew:
        for rows in tqdm(crew.imap(_do, indices, chunksize=16), total=len(indices), desc=title, disable=None):
            yield from rows


def allowed_kinds(without: Iterable[str] = ()) -> list[str]:
    """Fault families to draw from; those of ``fruit.json`` twice as often as the extra ones.

    :param without: families to leave out, to see later how unseen ones are met
    """
    left = set(without)
    return [k for k in families() if k not in left for _ in range(1 if k in EXTRA else 2)]


def rendered_pool(items: range, seed: int, workers: int = 1, without: Iterable[str] = ()) -> Pool:
    """Rendered fruit in :data:`VIEWS` views each; the same for the same seed and numbers, whatever the workers."""
    return _gather(_map(partial(_render_item, seed=seed, allowed=allowed_kinds(without)), items, workers, "rendering"))


def line_pool(items: range, seed: int, workers: int = 1) -> Pool:
    """Fruit as the simulated line shows them, :data:`VIEWS` views each."""
    return _gather(_map(partial(_line_item, seed=seed), items, workers, "rendering the line"))


def blended_pool(sources: Pool, count: int, seed: int, workers: int = 1, without: Iterable[str] = ()) -> Pool:
    """``count`` crops with faults blended onto views of sound fruit drawn from ``sources``."""
    return _gather(_map(partial(_blend_view, seed=seed, allowed=allowed_kinds(without), sources=sources), range(count), workers, "blending"))

