"""The pools of one training run: made once, kept in a cache folder, found again by what they were made from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from .data import Photo, crops
from .faults import kinds
from .labels import kind_of
from .pool import REAL, UNKNOWN_KIND, Pool
from .synthesis import blended_pool, line_pool, rendered_pool

SOUND_GRADES = frozenset({"sound", "fresh", "healthy", "good", "time_bin_0"})
CHUNK = 1000


def _key(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _kind(photo: Photo, own: list[str]) -> int:
    if photo.grade in SOUND_GRADES or photo.grade == "":
        return 0
    labelled = kind_of(photo)
    if labelled == UNKNOWN_KIND and not photo.tabled:
        # A user's own grade is a condition of its own beside the families that are rendered.
        return len(kinds()) + 1 + own.index(photo.grade)
    return labelled


def real_pool(listed: list[Photo], cache: Path | None = None) -> Pool:
    """Crops of photographs with what is known of each.

    A fruit of a sound grade shows no fault. Of other grades, views are as ``labels`` says; a folder ``GRADE/ITEM`` of
    the user's own has no such labels, so all its views count as showing their grade.
    """
    own = sorted({p.grade for p in listed if not p.tabled and p.grade not in SOUND_GRADES})
    kind = [_kind(photo, own) for photo in listed]
    path = cache / f"real-{_key([(str(p.path), p.item, k) for p, k in zip(listed, kind, strict=True)])}.npz" if cache else None
    if path and path.exists():
        return Pool.load(path)
    image = crops(listed)
    n, cell = len(listed), image.shape[1] // 4
    pool = Pool(
        image=image,
        mask=np.zeros((n, cell, cell), np.uint8),
        masked=np.asarray([k == 0 for k in kind]),
        kind=np.asarray(kind, np.int16),
        area=np.asarray([0.0 if k == 0 else 0.05 for k in kind], np.float32),
        item=np.asarray([p.item for p in listed], np.str_),
        kin=np.asarray([p.item for p in listed], np.str_),
        species=np.asarray([p.species for p in listed], np.str_),
        source=np.full(n, REAL, np.int8),
    )
    if path:
        pool.save(path)
    return pool


def _by_chunks(name: str, items: int, cache: Path | None, key: tuple[object, ...], make: Callable[[range], Pool]) -> Pool:
    parts = []
    for first in range(0, items, CHUNK):
        numbers = range(first, min(first + CHUNK, items))
        path = cache / f"{name}-{_key(numbers, *key)}.npz" if cache else None
        if path and path.exists():
            parts.append(Pool.load(path))
            continue
        parts.append(make(numbers))
        if path:
            parts[-1].save(path)
    return Pool.join(parts)


def rendered(items: int, seed: int, cache: Path | None, workers: int, without: Iterable[str] = ()) -> Pool:
    """Rendered fruit; the cache keeps them by the thousand, so a larger pool goes on from a smaller one."""
    return _by_chunks("rendered", items, cache, (seed, sorted(without), kinds()), lambda n: rendered_pool(n, seed, workers, without))


def line(items: int, seed: int, cache: Path | None, workers: int) -> Pool:
    """Fruit as the simulated line shows them, cached alike."""
    return _by_chunks("line", items, cache, (seed, kinds()), lambda n: line_pool(n, seed, workers))


def blended(sources: Pool, count: int, seed: int, cache: Path | None, workers: int, without: Iterable[str] = ()) -> Pool:
    """Faults on sound photographs, from the cache where they are there already."""
    digest = hashlib.sha256(sources.image.tobytes()).hexdigest()[:12]
    path = cache / f"blended-{_key(digest, count, seed, sorted(without), kinds())}.npz" if cache else None
    if path and path.exists():
        return Pool.load(path)
    pool = blended_pool(sources, count, seed, workers, without)
    if path:
        pool.save(path)
    return pool


def known_sound(pool: Pool) -> Pool:
    """The real views that show no fault: what faults are blended onto."""
    return pool.take(np.flatnonzero((pool.kind == 0) & (pool.source == REAL)))

