"""Faults painted onto a photograph of a sound fruit, its body taken for a ball and its shading for its light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .body import Surface, facing, random_pose
from .camera import bend
from .crop import FILL
from .faults import Fault
from .fruit import Rng
from .render import View, apply_faults, judge


def body_of(crop: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a crop shows the body: not the grey that fills the rest. (S, S, 3) -> (S, S)."""
    grey = np.abs(crop.astype(np.int16) - FILL).max(axis=2) <= 3
    labels, _ = ndimage.label(grey)
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    return ndimage.binary_fill_holes(~np.isin(labels, edge[edge > 0]))


def blend(crop: NDArray[np.uint8], faults: tuple[Fault, ...], rng: Rng) -> View:
    """Paints faults on the crop of a sound fruit.

    :param crop: (S, S, 3) sRGB, grey 118 around the body
    :param faults: in coordinates of a body that is turned at random
    """
    size = crop.shape[0]
    body = body_of(crop)
    rows, columns = np.flatnonzero(body.any(axis=1)), np.flatnonzero(body.any(axis=0))
    if rows.size < 8 or columns.size < 8:
        return View(crop, np.zeros((size, size), np.float32), 0, 0.0)
    cy, cx = (rows[0] + rows[-1]) / 2, (columns[0] + columns[-1]) / 2
    ry, rx = (rows[-1] - rows[0] + 1) / 2, (columns[-1] - columns[0] + 1) / 2
    pixels = np.flatnonzero(body)
    y, x = np.divmod(pixels, size)
    nx, ny = ((x - cx) / rx).astype(np.float32), (-(y - cy) / ry).astype(np.float32)
    far = np.sqrt(nx * nx + ny * ny)
    shrink = np.where(far > 0.985, 0.985 / np.maximum(far, 1e-6), 1)
    nx, ny = nx * shrink, ny * shrink
    normals = np.stack([nx, ny, np.sqrt(np.maximum(1 - nx * nx - ny * ny, 0))], axis=1).astype(np.float32)
    # Turn a fault towards the camera three times in four: behind the body it teaches nothing new.
    pose = random_pose(rng)
    if faults and rng.random() < 0.75:
        pose = facing(faults[0].spots[0].centre, rng)
    points = (normals @ pose).astype(np.float32)
    surface = Surface(pixels, points, normals, np.zeros(len(pixels), np.float32), size, (rx + ry) / 2)
    coat, covers = apply_faults(faults, points)

    colour = crop.reshape(-1, 3)[pixels].astype(np.float32) / 255
    light = colour**2.2
    luminance = light.mean(axis=1)
    plane = np.zeros(size * size, np.float32)
    plane[pixels] = luminance
    weight = np.zeros(size * size, np.float32)
    weight[pixels] = 1
    soft = ndimage.gaussian_filter(plane.reshape(size, size), 6) / np.maximum(ndimage.gaussian_filter(weight.reshape(size, size), 6), 0.05)
    shading = soft.ravel()[pixels]
    shading = np.clip(shading / max(1e-4, float(np.percentile(shading, 80))), 0.08, 1.4)
    painted = coat.colour**2.2 * shading[:, None] * rng.uniform(0.6, 1.1)
    # Where a photograph is lit from, near enough: the mean normal, weighted by brightness.
    key = (normals * luminance[:, None]).sum(axis=0) + np.asarray([0, 0, 0.2 * luminance.sum()], np.float32)
    key /= np.linalg.norm(key) + 1e-9
    relief = (np.clip(bend(normals, coat.height, surface) @ key, 0, None) + 0.35) / (np.clip(normals @ key, 0, None) + 0.35)
    keep = coat.cover[:, None]
    mixed = (light * (1 - keep) + painted * keep) * np.clip(relief, 0.25, 1.8)[:, None]
    result = np.clip(mixed, 0, 1) ** (1 / 2.2)
    changed = np.clip(np.abs(result - colour).max(axis=1) * 255 / 30 - 0.25, 0, 1)

    out = crop.copy().reshape(-1, 3)
    out[pixels] = np.round(result * 255)
    mask = np.zeros(size * size, np.float32)
    mask[pixels] = changed
    kind, area = judge(mask.reshape(size, size), [float(c.sum()) for c in covers], faults, float(len(pixels)))
    return View(out.reshape(size, size, 3), mask.reshape(size, size), kind, area)
