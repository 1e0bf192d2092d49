"""Fruit as the simulated line draws them: plain ellipsoids with painted ends, cut out by a segmenter.

Its stem is a dark smudge and its calyx a dark star, on skin without cavities: sound fruit that look faulty to a
network that has only seen bodies with real cavities. Varieties, strangers, faults and grades are those of
``fruit.json`` without much jitter.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .body import Body, skin
from .camera import Lamp, bend, cut, develop, shade
from .crop import SIZE
from .faults import Fault, draw_fault
from .fruit import Rng, Shape, Variety, named_variety, parameters, random_apple, random_stranger
from .noise import Field, Points, smoothstep, value_noise
from .render import Fruit, View, apply_faults, judge

_BELTS = ((96, 108, 122), (62, 76, 96), (40, 66, 52), (28, 48, 36), (70, 80, 84))


def line_fruit(rng: Rng, name: str) -> Fruit:
    """One fruit of the line: sound, second, reject or a stranger; a third of the varieties are none of the file's."""
    known = parameters()
    strange = rng.random() < 0.25
    names = list(known["strangers" if strange else "varieties"])
    if rng.random() < 0.67:
        variety = named_variety(names[rng.integers(len(names))], rng, jitter=7.0)
    else:
        variety = (random_stranger if strange else random_apple)(rng, name)
    ratio = variety.shape.height_ratio
    variety = replace(variety, shape=Shape(height_ratio=ratio, lumps=0.03 * float(rng.random() < 0.2)), gloss=rng.uniform(0.1, 0.6))
    return Fruit(variety, () if strange else _grade_faults(rng), int(rng.integers(2**31)))


def _grade_faults(rng: Rng) -> tuple[Fault, ...]:
    grades = parameters()["grades"]
    grade = ("sound", "second", "reject")[int(rng.choice(3, p=[0.34, 0.33, 0.33]))]
    mix = grades[grade]["faults"]
    if not mix:
        return ()
    kind = str(rng.choice(list(mix), p=np.asarray(list(mix.values())) / sum(mix.values())))
    return (draw_fault(kind, rng, size=float(rng.uniform(*grades[grade]["size"])), jitter=0.5),)


def painted_ends(variety: Variety, points: Points, colour: NDArray[np.float32], seed: int) -> Field:
    """Paints stem and calyx onto ``colour`` (N, 3) in place."""
    if variety.species not in ("apple", "tomato", "pear"):
        return np.zeros(len(points), np.float32)
    rng = np.random.default_rng([seed, 99])
    phi = np.arccos(np.clip(points[:, 1], -1, 1))
    ragged = value_noise(points, 9, seed) - 0.5
    dark = np.asarray(rng.uniform(0.08, 0.22, 3), np.float32) * np.asarray((1.1, 1.0, 0.7), np.float32)
    smudge = smoothstep(1.2, 0.3, phi / rng.uniform(0.14, 0.34) + 0.8 * ragged) * rng.uniform(0.6, 1.0)
    around = np.arctan2(points[:, 2], points[:, 0]) + rng.uniform(0, 6.28)
    reach = rng.uniform(0.1, 0.22) * (0.75 + 0.45 * np.cos(5 * around))
    star = smoothstep(1.15, 0.85, (np.pi - phi) / reach + 0.3 * ragged) * rng.uniform(0.6, 1.0)
    halo = 0.35 * smoothstep(2.6, 1.0, (np.pi - phi) / reach)
    ends = np.maximum(smudge, np.maximum(star, halo))
    colour += (dark - colour) * ends[:, None]
    return ends.astype(np.float32)


def draw_line_lamp(rng: Rng) -> Lamp:
    """The line's lamp: from above and before, even, with a gradient along the belt."""
    key = np.asarray([rng.normal(0, 0.25), rng.normal(0.25, 0.25), rng.uniform(0.6, 1.2)])
    return Lamp(
        key=(key / np.linalg.norm(key)).astype(np.float32),
        ambient=rng.uniform(0.25, 0.6),
        gradient=(rng.normal(0, 0.1), rng.normal(0, 0.05)),
        tint=np.asarray([1 + rng.normal(0, 0.03), 1 + rng.normal(0, 0.02), 1 + rng.normal(0, 0.03)], np.float32),
        shine=rng.uniform(0.0, 0.5),
        hardness=float(rng.uniform(8, 60)),
        exposure=float(np.exp(rng.normal(-0.1, 0.14))),
    )


def render_line(fruit: Fruit, pose: NDArray[np.float64], rng: Rng, size: int = SIZE) -> View:
    """One view as the line's camera has it; as :func:`render.render` otherwise."""
    radius = rng.uniform(44, 76)
    side = int(2 * radius * (max(1.0, fruit.variety.shape.height_ratio) * 1.08 + 0.08))
    surface = Body(fruit.variety.shape, fruit.seed).seen(pose, side, radius)
    plain_variety = replace(fruit.variety, stem_russet=0.0)
    colour, height = skin(plain_variety, surface.points, fruit.seed)
    painted_ends(fruit.variety, surface.points, colour, fruit.seed)
    coat, covers = apply_faults(fruit.faults, surface.points)
    lamp = draw_line_lamp(rng)
    sound = shade(colour, bend(surface.normals, height, surface), np.zeros_like(coat.dull), surface, lamp, fruit.variety.gloss)
    flat = float(rng.random() < 0.5)  # the line's own faults are paint without relief
    relief = bend(surface.normals, height + coat.height * (1 - flat), surface)
    painted = colour + (coat.colour - colour) * coat.cover[:, None]
    spoiled = shade(painted, relief, coat.dull, surface, lamp, fruit.variety.gloss) if fruit.faults else sound
    changed = np.clip(np.abs(np.clip(spoiled, 0, 1) - np.clip(sound, 0, 1)).max(axis=1) * 255 / 30 - 0.25, 0, 1)

    belt = np.asarray(_BELTS[rng.integers(len(_BELTS))], np.float32) * float(np.exp(rng.normal(0, 0.15)))
    picture = np.tile(belt, (side, side, 1)).astype(np.float32)
    picture.reshape(-1, 3)[surface.pixels] = np.clip(spoiled, 0, 1) * 255
    planes = np.zeros((side * side, 2 + len(covers)), np.float32)
    planes[surface.pixels, 0] = changed
    planes[surface.pixels, 1] = 1
    for index, cover in enumerate(covers):
        planes[surface.pixels, 2 + index] = cover
    mask = np.zeros(side * side, dtype=bool)
    mask[surface.pixels] = True
    image, averaged = cut(develop(picture, rng), mask.reshape(side, side), planes.reshape(side, side, -1), rng, size)
    shown = [float(averaged[:, :, 2 + i].sum()) for i in range(len(covers))]
    kind, area = judge(averaged[:, :, 0], shown, fruit.faults, max(1.0, float(averaged[:, :, 1].sum())))
    return View(image, averaged[:, :, 0], kind, area)
