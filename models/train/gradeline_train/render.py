"""Rendered fruit with faults: a fruit is drawn once, then seen in many poses and lights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .body import Body, Matrix, random_pose, rotation, skin
from .camera import background, bend, cut, develop, draw_lamp, shade
from .crop import SIZE
from .faults import Fault, Paint, kinds, paint
from .fruit import Rng, Variety
from .noise import Points

VISIBLE_PIXELS = 5.0  # of a 96-pixel crop: less of a fault than this nobody could see
HIDDEN_PIXELS = 0.7  # up to this a view counts as sound; between the two it is left out of training


@dataclass(frozen=True)
class Fruit:
    """One individual: what it is and what is wrong with it."""

    variety: Variety
    faults: tuple[Fault, ...]
    seed: int


@dataclass(frozen=True)
class View:
    """One crop with what it shows.

    ``kind`` is 0 for sound, 1 + the place in :func:`faults.kinds` for the fault that shows most, -1 where it is
    between visible and not. ``area`` is the share of the body's visible pixels that faults change.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.float32]
    kind: int
    area: float


def apply_faults(faults: tuple[Fault, ...], points: Points) -> tuple[Paint, list[NDArray[np.float32]]]:
    """All faults in turn; also each one's cover by itself, to know which of them shows most."""
    n = len(points)
    total = Paint(np.zeros(n, np.float32), np.zeros((n, 3), np.float32), np.zeros(n, np.float32), np.zeros(n, np.float32))
    covers = []
    for fault in faults:
        coat = paint(fault, points)
        merged = coat.cover + total.cover * (1 - coat.cover)
        share = np.divide(coat.cover, merged, out=np.zeros_like(merged), where=merged > 1e-6)[:, None]
        total.colour = total.colour * (1 - share) + coat.colour * share
        total.cover = merged
        total.height = total.height + coat.height
        total.dull = np.maximum(total.dull, coat.dull)
        covers.append(coat.cover)
    return total, covers


def judge(changed: NDArray[np.float32], covers: list[float], faults: tuple[Fault, ...], body: float) -> tuple[int, float]:
    """The view's label from the pixels that faults changed.

    :param changed: (S, S) 0..1
    :param covers: per fault, pixels of the crop that it covers
    :param body: pixels of the crop that show the body
    """
    area = float(changed.sum())
    if area < HIDDEN_PIXELS:
        return 0, area / body
    if area < VISIBLE_PIXELS:
        return -1, area / body
    most = int(np.argmax(covers))
    return 1 + kinds().index(faults[most].kind), area / body


def render(fruit: Fruit, pose: Matrix, rng: Rng, size: int = SIZE) -> View:
    """One view of a fruit.

    :param pose: (3, 3) rotation, body to camera
    :param rng: light, camera and clutter of this view; the fruit itself does not depend on it
    """
    radius = rng.uniform(40, 74)
    shape = fruit.variety.shape
    side = int(2 * radius * (max(1.0, shape.height_ratio) * (1.1 + shape.nipple + shape.lumps) + 0.1 + max(0.0, -0.7 * shape.shoulder)))
    surface = Body(shape, fruit.seed).seen(pose, side, radius)
    colour, height = skin(fruit.variety, surface.points, fruit.seed)
    coat, covers = apply_faults(fruit.faults, surface.points)
    lamp = draw_lamp(rng)
    gloss = fruit.variety.gloss
    plain = np.zeros_like(coat.dull)
    sound = shade(colour, bend(surface.normals, height, surface), plain, surface, lamp, gloss)
    if fruit.faults:
        painted = colour + (coat.colour - colour) * coat.cover[:, None]
        spoiled = shade(painted, bend(surface.normals, height + coat.height, surface), coat.dull, surface, lamp, gloss)
    else:
        spoiled = sound
    changed = np.clip(np.abs(np.clip(spoiled, 0, 1) - np.clip(sound, 0, 1)).max(axis=1) * 255 / 30 - 0.25, 0, 1)

    picture = background(side, rng)
    flat = picture.reshape(-1, 3)
    flat[surface.pixels] = np.clip(spoiled, 0, 1) * 255
    mask = np.zeros(side * side, dtype=bool)
    mask[surface.pixels] = True
    mask = mask.reshape(side, side)
    planes = np.zeros((side * side, 2 + len(covers)), np.float32)
    planes[surface.pixels, 0] = changed
    planes[surface.pixels, 1] = 1
    for index, cover in enumerate(covers):
        planes[surface.pixels, 2 + index] = cover
    planes = planes.reshape(side, side, -1)
    mask = clutter(picture, mask, planes, rng)
    image, averaged = cut(develop(picture, rng), mask, planes, rng, size)
    kind, area = judge(averaged[:, :, 0], [float(averaged[:, :, 2 + i].sum()) for i in range(len(covers))], fruit.faults, max(1.0, float(averaged[:, :, 1].sum())))
    return View(image, averaged[:, :, 0], kind, area)


def clutter(picture: NDArray[np.float32], mask: NDArray[np.bool_], planes: NDArray[np.float32], rng: Rng) -> NDArray[np.bool_]:
    """Things that are no fault: stems, leaves, stickers, drops, a shadow that the mask took along.

    Draws into ``picture``, hides from ``planes`` what it covers, and returns the mask with what sticks to the fruit.
    """
    side = mask.shape[0]
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    cy, cx = (rows[0] + rows[-1]) / 2, (columns[0] + columns[-1]) / 2
    r = (columns[-1] - columns[0]) / 2

    def cover(alpha: NDArray[np.float32], colour: NDArray[np.floating]) -> None:
        picture[...] = picture * (1 - alpha[:, :, None]) + colour * alpha[:, :, None]
        planes[:, :, :1] *= 1 - alpha[:, :, None]
        planes[:, :, 2:] *= 1 - alpha[:, :, None]

    draw = rng.random(5)
    if draw[0] < 0.2:  # a stem that lies over the body
        angle, length, width = rng.uniform(0, 6.28), rng.uniform(0.3, 0.8) * r, rng.uniform(0.02, 0.05) * r
        sx, sy = cx + rng.normal(0, 0.15) * r, cy - rng.uniform(0.3, 0.9) * r
        along = (x - sx) * np.cos(angle) + (y - sy) * np.sin(angle)
        across = -(x - sx) * np.sin(angle) + (y - sy) * np.cos(angle) + along * along * rng.normal(0, 0.004)
        alpha = ((along > 0) & (along < length) & (np.abs(across) < width) & mask).astype(np.float32)
        cover(alpha, np.asarray((74, 56, 34)) * rng.uniform(0.5, 1.4))
    if draw[1] < 0.12:  # a leaf
        angle = rng.uniform(0, 6.28)
        lx, ly = cx + rng.normal(0, 0.4) * r, cy - rng.uniform(0.6, 1.0) * r
        along = ((x - lx) * np.cos(angle) + (y - ly) * np.sin(angle)) / (rng.uniform(0.3, 0.6) * r)
        across = (-(x - lx) * np.sin(angle) + (y - ly) * np.cos(angle)) / (rng.uniform(0.14, 0.26) * r)
        inside = (np.abs(across) < 1 - along * along) & (np.abs(along) < 1)
        green = np.asarray((70, 120, 36)) * rng.uniform(0.6, 1.5) * (1 + 0.2 * rng.normal(size=3))
        tone = (1 - 0.25 * np.exp(-((across / 0.12) ** 2)) + 0.15 * across)[:, :, None]
        cover(inside.astype(np.float32), np.clip(green * tone, 0, 255))
        mask = mask | inside
    if draw[2] < 0.06:  # a sticker
        sx, sy, size = cx + rng.normal(0, 0.4) * r, cy + rng.normal(0, 0.4) * r, rng.uniform(0.1, 0.22) * r
        t = ((x - sx) / size) ** 2 + ((y - sy) / (size * rng.uniform(0.6, 1))) ** 2
        alpha = ((t < 1) & mask).astype(np.float32)
        paper = rng.uniform(60, 255, 3)
        print_ = np.where(((np.abs(np.sin(x * 0.9)) > 0.5) & (np.abs(y - sy) < 0.35 * size))[:, :, None], rng.uniform(0, 255, 3), paper)
        cover(alpha, print_)
    if draw[3] < 0.1:  # drops of water
        for _ in range(int(rng.integers(5, 40))):
            dx, dy, size = cx + rng.uniform(-0.8, 0.8) * r, cy + rng.uniform(-0.8, 0.8) * r, rng.uniform(0.015, 0.06) * r
            x0, x1 = int(max(dx - 3 * size, 0)), int(min(dx + 3 * size + 1, side))
            y0, y1 = int(max(dy - 3 * size, 0)), int(min(dy + 3 * size + 1, side))
            px, py = (x[y0:y1, x0:x1] - dx) / size, (y[y0:y1, x0:x1] - dy) / size
            t = px * px + py * py
            lens = np.where(t < 1, 1 + 0.35 * py, 1)
            spark = np.exp(-((px + 0.35) ** 2 + (py + 0.4) ** 2) / 0.08)
            patch = picture[y0:y1, x0:x1] * lens[:, :, None] + 150 * spark[:, :, None]
            picture[y0:y1, x0:x1] = np.where(mask[y0:y1, x0:x1, None], np.clip(patch, 0, 255), picture[y0:y1, x0:x1])
    if draw[4] < 0.12:  # the shadow or the reflection below, taken along by the mask
        inside = ((x - cx) / (0.75 * r)) ** 2 + ((y - rows[-1]) / (rng.uniform(0.05, 0.16) * r)) ** 2 < 1
        only = inside & ~mask
        picture[only] *= rng.uniform(0.35, 0.85)
        mask = mask | inside
    return mask


def turning(rng: Rng, count: int) -> list[Matrix]:
    """Poses of a fruit that rolls about one axis, tilted at random: ``count`` rotations, body to camera."""
    start = random_pose(rng)
    axis, phase = rng.normal(size=3), rng.uniform(0, 2 * np.pi)
    return [rotation(axis, phase + 2 * np.pi * i / count) @ start for i in range(count)]
