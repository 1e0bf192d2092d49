"""Faults on a fruit's skin: where they lie, how far they cover it, what colour they give it and how they bend it.

A fault is painted on points of the unit sphere, so the same code serves rendered bodies and photographs of sound
fruit whose body is taken for a ball. Families and ranges come from ``models/fruit.json``; ``EXTRA`` adds families for
training only, so that the network meets more than the line simulation shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fruit import Rng, parameters
from .noise import Field, Points, fractal_noise, ridge_noise, smoothstep, value_noise

# The schema of fruit.json's faults. Colours and radii from photographs of the diseases named.
EXTRA: dict[str, dict[str, Any]] = {
    "bitterPit": {"count": [8, 30], "radius": [0.03, 0.08], "colour": [84, 58, 34], "opacity": [0.4, 0.8], "edge": [0.2, 0.5], "shape": "disc"},
    "scald": {"count": [1, 2], "radius": [0.6, 1.4], "colour": [128, 84, 48], "opacity": [0.35, 0.75], "edge": [0.15, 0.5], "shape": "blob"},
    "wholeRot": {"count": [1, 1], "radius": [2.0, 3.4], "colour": [108, 66, 36], "opacity": [0.65, 1.0], "edge": [0.1, 0.4], "shape": "blob", "rings": [0.0, 0.3], "mould": [0.0, 0.5], "wrinkle": [0.0, 0.9]},
    "brownRot": {"count": [1, 1], "radius": [0.4, 1.6], "colour": [122, 72, 36], "opacity": [0.7, 1.0], "edge": [0.04, 0.15], "shape": "blob", "rings": [0.3, 1.0], "mould": [0.0, 0.8]},
    "blackRot": {"count": [1, 2], "radius": [0.3, 1.2], "colour": [38, 28, 22], "opacity": [0.75, 1.0], "edge": [0.06, 0.25], "shape": "blob", "rings": [0.0, 0.6], "mould": [0.0, 0.3], "wrinkle": [0.0, 0.8]},
    "mould": {"count": [1, 3], "radius": [0.2, 0.7], "colour": [200, 206, 196], "opacity": [0.7, 1.0], "edge": [0.2, 0.5], "shape": "blob", "mould": [0.4, 1.0]},
    "withered": {"count": [1, 1], "radius": [2.6, 3.4], "colour": [150, 96, 50], "opacity": [0.05, 0.5], "edge": [0.4, 0.7], "shape": "folds"},
    "crevice": {"count": [1, 3], "radius": [0.2, 0.6], "colour": [96, 66, 40], "opacity": [0.7, 1.0], "edge": [0.05, 0.15], "shape": "crack"},
    "rub": {"count": [1, 2], "radius": [0.2, 0.5], "colour": [158, 122, 76], "opacity": [0.5, 0.9], "edge": [0.15, 0.4], "shape": "blob"},
    "sootyBlotch": {"count": [2, 6], "radius": [0.15, 0.5], "colour": [62, 60, 48], "opacity": [0.3, 0.6], "edge": [0.3, 0.7], "shape": "net"},
    "wound": {"count": [1, 1], "radius": [0.2, 0.6], "colour": [176, 124, 70], "opacity": [0.85, 1.0], "edge": [0.04, 0.12], "shape": "blob", "rings": [0.0, 0.2], "rim": [0.5, 1.0]},
    "dent": {"count": [1, 3], "radius": [0.2, 0.45], "colour": [130, 90, 52], "opacity": [0.1, 0.45], "edge": [0.3, 0.6], "shape": "blob", "sunk": [0.5, 1.0]},
    "cuts": {"count": [1, 4], "radius": [0.12, 0.4], "colour": [104, 70, 40], "opacity": [0.7, 1.0], "edge": [0.05, 0.15], "shape": "scratch"},
}  # fmt: skip

# Blemishes of the skin that cost the first class; everything else spoils the fruit.
COSMETIC = frozenset({"russet", "hail", "scab", "sunburn", "rub", "sootyBlotch", "scald", "cuts", "bitterPit"})


# Small open wounds dry and count as blemishes; below this share of the body.
HEALS = frozenset({"wound", "dent", "crevice"})
HEALS_BELOW = 0.03


def families() -> dict[str, dict[str, Any]]:
    """All fault families by name: those of ``fruit.json`` and :data:`EXTRA`."""
    return {**parameters()["faults"], **EXTRA}


def kinds() -> list[str]:
    """Names of all families in a fixed order; a view's label is its place here + 1, and 0 is sound."""
    return list(families())


def levels(kind: NDArray[np.int16], area: NDArray[np.float32]) -> NDArray[np.int64]:
    """How bad each view is: 0 sound, 1 a blemish, 2 spoilt, -1 not known. Kinds beyond the families spoil.

    :param kind: (N,) as views are labelled
    :param area: (N,) share of the body that faults change
    """
    names = kinds()
    beyond = max(len(names), int(kind.max(initial=0))) - len(names)
    of_kind = np.asarray([0, *(1 if k in COSMETIC else 2 for k in names), *[2] * beyond, -1], np.int64)
    found = of_kind[np.where(kind < 0, len(of_kind) - 1, kind)]
    heals = np.isin(kind, [1 + i for i, k in enumerate(names) if k in HEALS]) & (area < HEALS_BELOW)
    return np.where(heals, 1, found)


@dataclass(frozen=True)
class Spot:
    """One place of a fault: ``centre`` is a unit vector of the body, ``radius`` an angle in radians."""

    centre: NDArray[np.float32]
    radius: float
    seed: int


@dataclass(frozen=True)
class Fault:
    """One fault of one fruit; the numbers that its family gives as ranges, drawn."""

    kind: str
    shape: str
    colour: NDArray[np.float32]
    opacity: float
    edge: float
    spots: tuple[Spot, ...]
    rings: float = 0.0
    mould: float = 0.0
    halo: float = 0.0
    wrinkle: float = 0.0
    rim: float = 0.0
    sunk: float = 0.0


@dataclass
class Paint:
    """What faults do to N points: cover (N,) 0..1, colour (N, 3) sRGB 0..1, height (N,), dullness (N,) 0..1."""

    cover: Field
    colour: NDArray[np.float32]
    height: Field
    dull: Field


def random_direction(rng: Rng) -> NDArray[np.float32]:
    """(3,) unit vector, uniform on the sphere."""
    v = rng.normal(size=3)
    return (v / np.linalg.norm(v)).astype(np.float32)


def draw_fault(kind: str, rng: Rng, *, size: float | None = None, jitter: float = 1.0) -> Fault:
    """Draws one fault of a family.

    :param size: 0..1, where in the range of radii and counts it lies; drawn when None
    :param jitter: how far beyond the family's colours and ranges to go; 0 keeps to the file
    """
    family = families()[kind]

    def pick(key: str) -> float:
        return float(rng.uniform(*family[key])) if key in family else 0.0

    share = rng.random() if size is None else float(np.clip(size + rng.normal(0, 0.1), 0, 1))
    low, high = family["radius"]
    count = int(round(family["count"][0] + (family["count"][1] - family["count"][0]) * (rng.random() if size is None else share)))
    # Several small marks mostly lie together (hail from one side, scab at one cheek).
    anchor, spread = random_direction(rng), rng.uniform(0.5, 2.0)
    spots = []
    for _ in range(max(count, 1)):
        centre = anchor + spread * 0.6 * rng.normal(size=3) if count > 1 else anchor
        radius = (low + (high - low) * float(np.clip(share + rng.normal(0, 0.15), 0, 1))) * float(np.exp(rng.normal(0, 0.12 * jitter)))
        spots.append(Spot((centre / np.linalg.norm(centre)).astype(np.float32), radius, int(rng.integers(2**31))))
    colour = np.asarray(family["colour"], dtype=np.float32)
    colour = colour * (1 + rng.normal(0, 0.18 * jitter)) + rng.normal(0, 10 * jitter, 3)
    return Fault(
        kind=kind,
        shape=family["shape"],
        colour=(np.clip(colour, 6, 245) / 255).astype(np.float32),
        opacity=float(np.clip(pick("opacity") + rng.normal(0, 0.05 * jitter), 0.04, 1)),
        edge=pick("edge"),
        spots=tuple(spots),
        rings=pick("rings"),
        mould=pick("mould") if rng.random() < 0.7 else 0.0,
        halo=pick("halo"),
        wrinkle=pick("wrinkle"),
        rim=pick("rim"),
        sunk=pick("sunk"),
    )


def paint(fault: Fault, points: Points) -> Paint:
    """Paints a fault on points of the body.

    :param points: (N, 3) unit vectors in the body's frame
    :returns: cover, colour, height and dullness at each point
    """
    n = len(points)
    cover = np.zeros(n, dtype=np.float32)
    colour = np.tile(fault.colour, (n, 1))
    height = np.zeros(n, dtype=np.float32)
    dull = np.zeros(n, dtype=np.float32)
    result = Paint(cover, colour, height, dull)
    for spot in fault.spots:
        reach = spot.radius * (2.4 if fault.halo or fault.rim else 1.9)
        cosine = points @ spot.centre
        near = np.flatnonzero(cosine > np.cos(min(reach, np.pi)))
        if near.size:
            _SHAPES[fault.shape](fault, spot, points[near], np.arccos(np.clip(cosine[near], -1, 1)), near, result)
    return result


def _lay(result: Paint, near: NDArray[np.intp], alpha: Field, colour: NDArray[np.float32]) -> None:
    """Lays a coat over what is there (the over operator)."""
    before = result.cover[near]
    total = alpha + before * (1 - alpha)
    share = np.divide(alpha, total, out=np.zeros_like(alpha), where=total > 1e-6)[:, None]
    result.colour[near] = result.colour[near] * (1 - share) + colour * share
    result.cover[near] = total


def _blob(fault: Fault, spot: Spot, points: Points, angle: Field, near: NDArray[np.intp], result: Paint) -> None:
    ragged = fractal_noise(points, 2.2 / max(spot.radius, 0.15), spot.seed) - 0.5
    edge = spot.radius * (1 + 0.7 * ragged)
    inside = smoothstep(1.0, 1.0 - max(fault.edge, 0.03), angle / np.maximum(edge, 1e-3) * (1 - 0.5 * fault.edge) + 0.25 * fault.edge)
    texture = fractal_noise(points, 5, spot.seed + 1) - 0.5
    colour = fault.colour * (1 + 0.7 * texture)[:, None]
    if fault.rings:
        wave = np.sin(angle * (9 / max(spot.radius, 0.3)) * (1 + 0.1 * ragged) * 1.6)
        colour = colour * (1 + 0.28 * fault.rings * wave)[:, None]
    alpha = fault.opacity * inside
    if fault.rim:
        band = np.exp(-(((angle / np.maximum(edge, 1e-3)) - 1) ** 2) / 0.01)
        colour = colour * (1 - 0.7 * fault.rim * band)[:, None]
        alpha = np.maximum(alpha, fault.rim * band * 0.9)
    if fault.mould:
        fluff = smoothstep(0.5, 0.62, value_noise(points, 7, spot.seed + 2)) * smoothstep(1.0, 0.6, angle / np.maximum(edge, 1e-3))
        tint = np.asarray((0.82, 0.84, 0.78), np.float32) if spot.seed % 3 else np.asarray((0.36, 0.48, 0.44), np.float32)
        share = (fault.mould * fluff)[:, None]
        colour = colour * (1 - share) + tint * share
    _lay(result, near, alpha, np.clip(colour, 0, 1))
    result.dull[near] = np.maximum(result.dull[near], 0.7 * inside * fault.opacity)
    depth = 0.02 + 0.07 * fault.sunk + 0.03 * (spot.seed % 2)
    result.height[near] -= depth * inside * min(spot.radius, 0.6)
    if fault.wrinkle:
        result.height[near] += 0.03 * fault.wrinkle * inside * ridge_noise(points * np.asarray([1, 0.6, 1], np.float32), 4, spot.seed + 3)


def _disc(fault: Fault, spot: Spot, points: Points, angle: Field, near: NDArray[np.intp], result: Paint) -> None:
    ragged = value_noise(points, 1.2 / max(spot.radius, 0.03), spot.seed) - 0.5
    t = angle / (spot.radius * (1 + 0.35 * ragged))
    if fault.halo:
        ring = smoothstep(2.2, 1.0, t) * fault.halo * 0.8
        _lay(result, near, ring, np.asarray((0.45, 0.28, 0.14), np.float32) * 0.6 + fault.colour * 0.8)
    inside = smoothstep(1 + fault.edge, 1 - fault.edge, t)
    _lay(result, near, fault.opacity * inside, np.broadcast_to(fault.colour, (len(near), 3)))
    result.height[near] -= 0.03 * inside * min(1.0, spot.radius * 6)
    result.dull[near] = np.maximum(result.dull[near], inside)


def _net(fault: Fault, spot: Spot, points: Points, angle: Field, near: NDArray[np.intp], result: Paint) -> None:
    reach = smoothstep(1 + fault.edge, 1 - fault.edge, angle / spot.radius + 0.6 * (fractal_noise(points, 2, spot.seed) - 0.5))
    # A net where the fault thins out, a closed coat where it is dense.
    mesh = smoothstep(0.72, 0.92, ridge_noise(points, 6, spot.seed + 1))
    coat = smoothstep(0.5, 0.68, fractal_noise(points, 3, spot.seed + 2))
    alpha = fault.opacity * reach * np.clip(0.85 * mesh + coat + 0.12, 0, 1)
    colour = fault.colour * (0.8 + 0.4 * value_noise(points, 14, spot.seed + 3))[:, None]
    _lay(result, near, alpha, np.clip(colour, 0, 1))
    result.dull[near] = np.maximum(result.dull[near], reach)


def _folds(fault: Fault, spot: Spot, points: Points, angle: Field, near: NDArray[np.intp], result: Paint) -> None:
    reach = smoothstep(1 + fault.edge, 1 - fault.edge, angle / spot.radius)
    # Shrivelled skin folds along the meridians, so the noise is stretched along the stem axis and across a drawn one.
    squeeze = np.asarray([1, 0.25 + 0.5 * ((spot.seed >> 3) % 4) / 3, 1], np.float32)
    fine = 3.5 + (spot.seed % 5)
    lines = smoothstep(0.55, 0.95, ridge_noise(points * squeeze, fine, spot.seed))
    tone = 0.12 + 0.88 * lines
    _lay(result, near, fault.opacity * reach * tone, np.clip(fault.colour * (1.1 - 0.6 * lines)[:, None], 0, 1))
    result.height[near] -= 0.05 * reach * lines + 0.02 * reach * fractal_noise(points, 2.5, spot.seed + 1)
    result.dull[near] = np.maximum(result.dull[near], 0.5 * reach)


def _frame(spot: Spot, points: Points) -> tuple[Field, Field]:
    """Two tangent coordinates around the spot, in radians near enough."""
    rng = np.random.default_rng(spot.seed)
    across = np.cross(spot.centre, rng.normal(size=3))
    across = across / np.linalg.norm(across)
    along = np.cross(spot.centre, across)
    return points @ along.astype(np.float32), points @ across.astype(np.float32)


def _crack(fault: Fault, spot: Spot, points: Points, angle: Field, near: NDArray[np.intp], result: Paint) -> None:
    s, t = _frame(spot, points)
    front = angle < 1.5
    jagged = 0.25 * spot.radius * (fractal_noise(points, 5, spot.seed) - 0.5)
    width = 0.25 * spot.radius * np.sqrt(np.clip(1 - (s / spot.radius) ** 2, 0, 1)) * (0.6 + 0.8 * value_noise(points, 8, spot.seed + 1))
    d = np.abs(t + jagged)
    opening = smoothstep(1 + 2 * fault.edge, 1 - fault.edge, d / np.maximum(width, 1e-3)) * (np.abs(s) < spot.radius) * front
    rim = np.exp(-(((d - width) / 0.035) ** 2)) * (np.abs(s) < spot.radius * 1.05) * front * (width > 0.004)
    flesh = fault.colour * (0.8 + 0.5 * value_noise(points, 10, spot.seed + 2))[:, None]
    _lay(result, near, (fault.opacity * opening).astype(np.float32), np.clip(flesh, 0, 1))
    _lay(result, near, (0.85 * rim).astype(np.float32), fault.colour * 0.35)
    result.height[near] -= (0.05 * opening).astype(np.float32)


def _scratch(fault: Fault, spot: Spot, points: Points, angle: Field, near: NDArray[np.intp], result: Paint) -> None:
    s, t = _frame(spot, points)
    bend = 0.3 * spot.radius * (value_noise(points, 1.5, spot.seed) - 0.5)
    line = np.exp(-(((t + bend) / (0.02 + 0.05 * spot.radius)) ** 2)) * smoothstep(1.0, 0.8, np.abs(s) / spot.radius) * (angle < 1.5)
    _lay(result, near, (fault.opacity * line).astype(np.float32), np.broadcast_to(fault.colour, (len(near), 3)))
    result.height[near] -= (0.015 * line).astype(np.float32)


_SHAPES = {"blob": _blob, "disc": _disc, "net": _net, "folds": _folds, "crack": _crack, "scratch": _scratch}
