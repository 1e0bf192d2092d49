"""Kinds of fruit to render: those of ``models/fruit.json`` with jitter, and random ones around and far from them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .errors import TrainingError

FRUIT_FILE = Path(__file__).resolve().parents[2] / "fruit.json"

Colour = tuple[float, float, float]
Rng = np.random.Generator


@dataclass(frozen=True)
class Shape:
    """Radius of the body over the angle from the stem axis; lengths in units of the body's radius."""

    height_ratio: float = 0.92
    stem_cavity: float = 0.0
    stem_width: float = 0.4
    calyx_cavity: float = 0.0
    calyx_width: float = 0.4
    shoulder: float = 0.0  # > 0: the stem end is broader (apple), < 0: narrower (pear)
    nipple: float = 0.0  # pointed ends (lemon)
    ribs: int = 0
    rib_depth: float = 0.0
    lumps: float = 0.0


@dataclass(frozen=True)
class Variety:
    """How one fruit looks when nothing is wrong with it. Shares are 0..1, colours sRGB 0..255."""

    name: str
    species: str
    base: Colour
    blush: Colour
    blush_cover: float
    streaks: float
    lenticels: float
    stem_russet: float
    shape: Shape = field(default_factory=Shape)
    gloss: float = 0.4
    dimples: float = 0.0
    bloom: float = 0.0
    mottle: float = 0.15


@cache
def parameters(path: Path = FRUIT_FILE) -> dict[str, Any]:
    """The shared parameters.

    :raises TrainingError: when the file is missing or is not JSON
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as cause:
        raise TrainingError(f"cannot read {path}: {cause}", "it ships in models/fruit.json") from cause


def jittered(colour: Colour, rng: Rng, amount: float) -> Colour:
    """A colour near another: brightness moves together, each channel a little on its own."""
    gain = 1 + rng.normal(0, 0.5 * amount / 100)
    moved = np.asarray(colour) * gain + rng.normal(0, amount * 0.4, 3)
    return tuple(float(v) for v in np.clip(moved, 4, 251))  # type: ignore[return-value]


def apple_shape(rng: Rng, height_ratio: float) -> Shape:
    """An apple's body: a cavity at the stem, a shallower one at the calyx, five soft ribs."""
    return Shape(
        height_ratio=height_ratio,
        stem_cavity=rng.uniform(0.14, 0.38),
        stem_width=rng.uniform(0.28, 0.5),
        calyx_cavity=rng.uniform(0.06, 0.28),
        calyx_width=rng.uniform(0.22, 0.42),
        shoulder=rng.uniform(0.0, 0.1),
        ribs=5,
        rib_depth=rng.uniform(0.0, 0.05),
        lumps=rng.uniform(0.0, 0.05),
    )


# What an apple's skin can be, beyond the named varieties: ground and blush are drawn from these and mixed.
_GROUNDS: tuple[Colour, ...] = (
    (120, 168, 52), (150, 182, 70), (186, 196, 92), (214, 206, 98), (222, 190, 96), (232, 214, 138), (196, 158, 82),
    (108, 150, 40), (230, 196, 60), (206, 206, 150),
)  # fmt: skip
_BLUSHES: tuple[Colour, ...] = (
    (186, 44, 38), (214, 84, 96), (162, 46, 40), (104, 14, 26), (150, 20, 40), (84, 16, 40), (200, 36, 40),
    (220, 110, 60), (176, 90, 60), (226, 168, 92), (190, 30, 60), (60, 12, 30),
)  # fmt: skip

_STRANGERS: dict[str, tuple[tuple[Colour, ...], Shape, dict[str, float]]] = {
    "orange": (((232, 134, 28), (240, 160, 50), (222, 110, 20)), Shape(0.97), {"dimples": 0.8, "gloss": 0.35}),
    "lemon": (((238, 208, 44), (226, 214, 70), (200, 206, 60)), Shape(1.35, nipple=0.25), {"dimples": 0.6}),
    "lime": (((96, 140, 40), (130, 160, 50)), Shape(1.2, nipple=0.12), {"dimples": 0.5, "gloss": 0.5}),
    "plum": (((70, 34, 84), (96, 36, 66), (40, 26, 60)), Shape(1.15, stem_cavity=0.06), {"bloom": 0.5}),
    "cherry": (((120, 14, 26), (180, 30, 40), (70, 8, 20), (220, 150, 80)), Shape(0.94, stem_cavity=0.12), {"gloss": 0.9}),
    "tomato": (((206, 44, 26), (222, 90, 30), (150, 40, 34), (230, 180, 50)), Shape(0.85, stem_cavity=0.1, stem_width=0.25, ribs=6, rib_depth=0.06), {"gloss": 0.8}),
    "pear": (((186, 186, 80), (150, 150, 60), (190, 140, 70)), Shape(1.4, shoulder=-0.3), {"lenticels": 0.8}),
    "peach": (((232, 170, 90), (220, 120, 80), (190, 60, 60)), Shape(0.96, stem_cavity=0.12, ribs=1, rib_depth=0.05), {"gloss": 0.05}),
    "nectarine": (((200, 60, 40), (220, 140, 70)), Shape(0.96, stem_cavity=0.12, ribs=1, rib_depth=0.04), {"gloss": 0.6}),
    "kiwi": (((112, 88, 50), (130, 104, 62)), Shape(1.25), {"gloss": 0.05, "mottle": 0.5}),
    "potato": (((186, 150, 96), (160, 120, 76)), Shape(1.3, lumps=0.16), {"gloss": 0.05, "mottle": 0.4}),
    "stone": (((134, 130, 124), (104, 98, 92), (160, 150, 136)), Shape(0.75, lumps=0.2), {"gloss": 0.05, "mottle": 0.6}),
    "onion": (((190, 120, 60), (150, 60, 90)), Shape(0.9, nipple=0.3), {"gloss": 0.4, "mottle": 0.3}),
    "pepper": (((200, 30, 24), (60, 120, 40), (236, 180, 30)), Shape(1.1, stem_cavity=0.25, ribs=4, rib_depth=0.14), {"gloss": 0.9}),
    "guava": (((150, 176, 80), (190, 190, 90)), Shape(1.15, lumps=0.08), {"gloss": 0.2}),
}  # fmt: skip


def named_variety(name: str, rng: Rng, *, jitter: float = 10.0) -> Variety:
    """One fruit of a variety or stranger of ``fruit.json``, with its colours moved a little.

    :raises TrainingError: when the file knows no such name
    """
    known = parameters()
    entry = known["varieties"].get(name) or known["strangers"].get(name)
    if entry is None:
        raise TrainingError(f"no variety {name!r} in {FRUIT_FILE.name}", "its names are the keys of varieties and strangers")
    ratio = rng.uniform(*entry["heightRatio"])
    shape = apple_shape(rng, ratio) if entry["species"] == "apple" else _stranger_shape(entry["species"], ratio, rng)
    return Variety(
        name=name,
        species=entry["species"],
        base=jittered(tuple(entry["base"]), rng, jitter),
        blush=jittered(tuple(entry["blush"]), rng, jitter),
        blush_cover=rng.uniform(*entry["blushCover"]),
        streaks=rng.uniform(*entry["streaks"]),
        lenticels=rng.uniform(*entry["lenticels"]),
        stem_russet=rng.uniform(*entry["stemRusset"]),
        shape=shape,
        gloss=rng.uniform(0.1, 0.8),
        dimples=rng.uniform(0.3, 0.9) if entry["species"] in ("orange", "lemon") else 0.0,
        bloom=rng.uniform(0, 0.5) if entry["species"] == "plum" else 0.0,
        mottle=rng.uniform(0.3, 0.7) if entry["species"] == "stone" else rng.uniform(0.05, 0.3),
    )


def _stranger_shape(species: str, ratio: float, rng: Rng) -> Shape:
    shape = _STRANGERS.get(species, (None, Shape(), None))[1]
    return replace(
        shape,
        height_ratio=ratio,
        nipple=shape.nipple * rng.uniform(0.5, 1.3),
        rib_depth=shape.rib_depth * rng.uniform(0.3, 1.5),
        lumps=max(shape.lumps, 0.02) * rng.uniform(0.5, 1.5),
        stem_cavity=shape.stem_cavity * rng.uniform(0.5, 1.4),
    )


def random_apple(rng: Rng, name: str) -> Variety:
    """An apple of no named variety: any ground, any blush, any share of each marking."""
    ground = np.asarray(_GROUNDS[rng.integers(len(_GROUNDS))])
    other = np.asarray(_GROUNDS[rng.integers(len(_GROUNDS))])
    blend = rng.uniform(0, 0.5)
    base = tuple(ground * (1 - blend) + other * blend)
    plain = rng.random() < 0.25
    return Variety(
        name=name,
        species="apple",
        base=jittered(base, rng, 16),  # type: ignore[arg-type]
        blush=jittered(_BLUSHES[rng.integers(len(_BLUSHES))], rng, 18),
        blush_cover=rng.uniform(0, 0.1) if plain else rng.uniform(0.05, 1.0),
        streaks=rng.choice([0.0, rng.uniform(0, 0.9)]),
        lenticels=rng.uniform(0, 1) ** 1.5,
        stem_russet=rng.uniform(0, 0.9) ** 2,
        shape=apple_shape(rng, rng.uniform(0.76, 1.14)),
        gloss=rng.uniform(0, 1),
        bloom=rng.choice([0.0, rng.uniform(0, 0.5)], p=[0.7, 0.3]),
        mottle=rng.uniform(0.02, 0.4),
    )


def between_varieties(rng: Rng, name: str) -> Variety:
    """An apple between two named varieties: one that nobody has enrolled or trained on, but that might grow."""
    known = list(parameters()["varieties"])
    first, second = (named_variety(known[i], rng, jitter=6.0) for i in rng.choice(len(known), 2, replace=False))
    t = rng.uniform(0.25, 0.75)

    def mix(a: float, b: float) -> float:
        return a * (1 - t) + b * t

    return replace(
        first,
        name=name,
        base=tuple(mix(a, b) for a, b in zip(first.base, second.base, strict=True)),  # type: ignore[arg-type]
        blush=tuple(mix(a, b) for a, b in zip(first.blush, second.blush, strict=True)),  # type: ignore[arg-type]
        blush_cover=mix(first.blush_cover, second.blush_cover),
        streaks=mix(first.streaks, second.streaks),
        lenticels=mix(first.lenticels, second.lenticels),
        stem_russet=mix(first.stem_russet, second.stem_russet),
    )


def random_stranger(rng: Rng, name: str) -> Variety:
    """A fruit, or a stone, that is no apple; one in four is a shape and a colour that belong to no kind at all."""
    if rng.random() < 0.25:
        colour = tuple(float(v) for v in rng.uniform(20, 235, 3))
        second = tuple(float(v) for v in rng.uniform(20, 235, 3))
        shape = Shape(
            height_ratio=rng.uniform(0.55, 1.5), nipple=rng.choice([0.0, rng.uniform(0, 0.3)]),
            ribs=int(rng.integers(2, 9)), rib_depth=rng.choice([0.0, rng.uniform(0.02, 0.16)]),
            lumps=rng.uniform(0, 0.25), shoulder=rng.uniform(-0.3, 0.1),
        )  # fmt: skip
        return Variety(
            name, f"none:{name}", colour, second, rng.uniform(0, 1), 0.0, rng.uniform(0, 1), 0.0, shape,  # type: ignore[arg-type]
            gloss=rng.uniform(0, 1), dimples=rng.choice([0.0, 0.7]), mottle=rng.uniform(0.05, 0.7),
        )  # fmt: skip
    species = list(_STRANGERS)[rng.integers(len(_STRANGERS))]
    colours, shape, extra = _STRANGERS[species]
    ratio = float(np.clip(rng.normal(shape.height_ratio, 0.08), 0.55, 1.6))
    return Variety(
        name=name,
        species=species,
        base=jittered(colours[rng.integers(len(colours))], rng, 14),
        blush=jittered(colours[rng.integers(len(colours))], rng, 18),
        blush_cover=rng.uniform(0, 0.8),
        streaks=0.0,
        lenticels=extra.get("lenticels", rng.uniform(0, 0.3)),
        stem_russet=0.0,
        shape=_stranger_shape(species, ratio, rng),
        gloss=float(np.clip(extra.get("gloss", 0.4) + rng.normal(0, 0.15), 0, 1)),
        dimples=extra.get("dimples", 0.0) * rng.uniform(0.5, 1.2),
        bloom=extra.get("bloom", 0.0) * rng.uniform(0, 1.2),
        mottle=extra.get("mottle", 0.15) * rng.uniform(0.5, 1.5),
    )
