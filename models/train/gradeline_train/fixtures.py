"""Writes ``test/fixtures/crops``: rendered stills and the crops that both languages must cut from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from .body import Body, random_pose, skin
from .camera import bend, draw_lamp, shade
from .crop import crop_still
from .faults import draw_fault
from .fruit import named_variety
from .render import apply_faults

# name, variety, fault, ground, height and width of the still, pixels per radius of the fruit, stem
STILLS = (
    ("white", "gala", None, (250, 250, 250), 160, 160, 52, False),
    ("black", "golden", "scab", (8, 8, 10), 160, 160, 58, False),
    ("belt", "granny", "bruise", (72, 88, 112), 180, 180, 60, False),
    ("stem", "red", "rot", (255, 255, 255), 170, 170, 50, True),
    ("filling", "braeburn", "russet", (0, 0, 0), 110, 110, 110, False),
    ("landscape", "pink", "burst", (238, 240, 242), 144, 192, 55, True),
)

README = """# Crops of still photographs

Rendered fruit before plain grounds (`NAME.png`) and the 96x96 crops that the rules of `models/train` cut from them
(`NAME.crop.png`). The still photographs of `calibrate` are cut by the same rules in `device/vision/still.ts`, and a
test there compares with these; both PNG and area average are exact, so a difference above 1 per channel is a fault.

Origin: rendered by us, MIT as the rest of the project. Made again with, from the root of the project:

    PYTHONPATH=models/train python -m gradeline_train fixtures test/fixtures/crops
"""


def write_fixtures(folder: Path) -> None:
    """Writes the stills, their crops and the README that explains them; the same bytes every time."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, (name, variety, fault, ground, height, width, radius, stem) in enumerate(STILLS):
        rng = np.random.default_rng(600 + index)
        fruit = named_variety(variety, rng, jitter=0)
        side = 2 * int(radius * 1.3)
        surface = Body(fruit.shape, index).seen(random_pose(rng), side, radius)
        colour, relief = skin(fruit, surface.points, index)
        coat, _ = apply_faults((draw_fault(fault, rng, size=0.8, jitter=0),) if fault else (), surface.points)
        painted = colour + (coat.colour - colour) * coat.cover[:, None]
        lit = shade(painted, bend(surface.normals, relief + coat.height, surface), coat.dull, surface, draw_lamp(rng), 0.4)
        still = np.tile(np.asarray(ground, np.float32), (height, width, 1))
        y, x = np.divmod(surface.pixels, side)
        y, x = y + (height - side) // 2, x + (width - side) // 2
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        still[y[inside], x[inside]] = np.clip(lit[inside], 0, 1) * 255
        if stem:
            still[4 : height // 2 - radius + 14, width // 2 - 1 : width // 2 + 2] = (70, 52, 30)
        still += rng.normal(0, 1.5, still.shape)
        pixels = np.clip(still, 0, 255).astype(np.uint8)
        Pillow.fromarray(pixels).save(folder / f"{name}.png")
        Pillow.fromarray(crop_still(pixels)).save(folder / f"{name}.crop.png")
    (folder / "README.md").write_text(README, encoding="utf-8")
