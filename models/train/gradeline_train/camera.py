"""Light, lens and belt: from a surface with its colours to the pixels of a crop."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy import ndimage

from .body import Surface
from .crop import FILL, SIZE, average_box, square_box
from .fruit import Rng
from .noise import Field

Picture = NDArray[np.float32]

_BACKGROUNDS = ((96, 108, 122), (62, 76, 96), (40, 66, 52), (28, 48, 36), (245, 246, 248), (255, 255, 255), (10, 10, 12), (90, 90, 90))


@dataclass(frozen=True)
class Lamp:
    """Light of one view."""

    key: NDArray[np.float32]
    ambient: float
    gradient: tuple[float, float]
    tint: NDArray[np.float32]
    shine: float
    hardness: float
    exposure: float


def draw_lamp(rng: Rng) -> Lamp:
    """A lamp from hard side light to an even tent."""
    key = np.asarray([rng.normal(0, 0.6), rng.normal(0.5, 0.5), rng.uniform(0.35, 1.2)])
    warmth = rng.normal(0, 0.05)
    return Lamp(
        key=(key / np.linalg.norm(key)).astype(np.float32),
        ambient=rng.uniform(0.12, 0.65),
        gradient=(rng.normal(0, 0.12), rng.normal(0, 0.12)),
        tint=np.asarray([1 + warmth, 1 + rng.normal(0, 0.015), 1 - warmth], np.float32),
        shine=rng.uniform(0.0, 1.1),
        hardness=float(np.exp(rng.uniform(np.log(6), np.log(140)))),
        exposure=float(np.exp(rng.normal(0, 0.16))),
    )


def bend(normals: NDArray[np.float32], height: Field, surface: Surface) -> NDArray[np.float32]:
    """Tilts normals by a relief on the surface (bump mapping, Blinn 1978). (N, 3), (N,) -> (N, 3)."""
    if not np.any(height):
        return normals
    plane = np.zeros(surface.side * surface.side, np.float32)
    plane[surface.pixels] = height
    dy, dx = np.gradient(plane.reshape(surface.side, surface.side))
    slope = np.stack([dx.ravel()[surface.pixels], -dy.ravel()[surface.pixels]], axis=1) * surface.pixels_per_radius
    bent = normals.copy()
    bent[:, :2] -= np.clip(slope, -0.9, 0.9)
    return bent / (np.linalg.norm(bent, axis=1, keepdims=True) + 1e-9)


def shade(colour: NDArray[np.float32], normals: NDArray[np.float32], dull: Field, surface: Surface, lamp: Lamp, gloss: float) -> NDArray[np.float32]:
    """Lambert with a Blinn-Phong highlight, in light and back to sRGB.

    :param colour: (N, 3) sRGB 0..1
    :returns: (N, 3) sRGB, may exceed 1 where the picture clips
    """
    light = colour**2.2
    diffuse = np.clip(normals @ lamp.key, 0, None)
    # Skin darkens towards the outline and in the cavities, where less of the room is seen.
    room = lamp.ambient * (0.55 + 0.45 * np.clip(normals[:, 2], 0, 1))
    y, x = np.divmod(surface.pixels, surface.side)
    centre = surface.side / 2
    gradient = 1 + lamp.gradient[0] * (x - centre) / centre + lamp.gradient[1] * (y - centre) / centre
    strength = (room + (1.05 - lamp.ambient) * diffuse) * gradient * (1 - surface.sunken * 0.75)
    half = lamp.key + np.asarray([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    highlight = gloss * lamp.shine * np.clip(normals @ half, 0, 1) ** lamp.hardness * (1 - 0.9 * dull)
    out = (light * strength[:, None] * 1.25 + highlight[:, None] * 0.7) * lamp.tint * lamp.exposure
    return np.clip(out, 0, None) ** (1 / 2.2)


def background(side: int, rng: Rng) -> Picture:
    """(side, side, 3) sRGB 0..255: a belt or a studio's ground with a gradient."""
    colour = np.asarray(_BACKGROUNDS[rng.integers(len(_BACKGROUNDS))] if rng.random() < 0.85 else rng.uniform(0, 255, 3), np.float32)
    colour = np.clip(colour * (1 + rng.normal(0, 0.08)), 0, 255)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
    return colour * (1 + rng.normal(0, 0.08) * x + rng.normal(0, 0.08) * y)[:, :, None]


def develop(picture: Picture, rng: Rng) -> Picture:
    """Lens and sensor: blur, motion, noise, JPEG. (H, W, 3) 0..255 -> the same."""
    out = picture
    if rng.random() < 0.5:
        sigma = rng.uniform(0.2, 1.3)
        out = ndimage.gaussian_filter(out, (sigma, sigma, 0))
    if rng.random() < 0.25:
        out = ndimage.uniform_filter1d(out, int(rng.integers(2, 5)), axis=int(rng.integers(2)))
    if rng.random() < 0.7:
        out = out + rng.normal(0, rng.uniform(0.5, 5), out.shape).astype(np.float32)
    out = np.clip(out, 0, 255)
    if rng.random() < 0.4:
        file = io.BytesIO()
        Pillow.fromarray(out.astype(np.uint8)).save(file, "JPEG", quality=int(rng.integers(55, 96)))
        out = np.asarray(Pillow.open(file).convert("RGB"), dtype=np.float32)
    return out


def cut(picture: Picture, mask: NDArray[np.bool_], planes: Picture, rng: Rng, size: int = SIZE) -> tuple[NDArray[np.uint8], Picture]:
    """The crop of a rendered picture, with a mask as imperfect as a real one.

    :param picture: (H, W, 3) sRGB 0..255
    :param mask: (H, W) where the body is
    :param planes: (H, W, C) further planes to average over the same square, 0 outside
    :returns: (size, size, 3) sRGB and (size, size, C)
    """
    off = int(rng.choice([-2, -1, 0, 1, 2], p=[0.05, 0.15, 0.55, 0.18, 0.07]))
    if off:
        grown = (ndimage.binary_dilation if off > 0 else ndimage.binary_erosion)(mask, iterations=abs(off))
        mask = grown if grown.any() else mask
    box = square_box(mask)
    crop = average_box(np.where(mask[:, :, None], picture, FILL), box, size, FILL)
    return np.floor(np.clip(crop, 0, 255) + 0.5).astype(np.uint8), average_box(planes * mask[:, :, None], box, size, 0).astype(np.float32)
