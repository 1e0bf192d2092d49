"""The body of a rendered fruit: its surface as the camera sees it, and its skin when nothing is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .fruit import Rng, Shape, Variety
from .noise import Field, Points, fractal_noise, smoothstep, value_noise

Matrix = NDArray[np.float64]

_STEPS = 16384  # of the profile; coarser ones show as rings around the poles


@dataclass(frozen=True)
class Surface:
    """What the camera sees of a body, one row per pixel that shows it."""

    pixels: NDArray[np.intp]  # (N,) index into the flattened picture
    points: Points  # (N, 3) unit vectors in the body's frame
    normals: NDArray[np.float32]  # (N, 3) unit vectors in the camera's frame, z towards the camera
    sunken: Field  # (N,) 0..1, how deep in a cavity
    side: int  # the picture's side in pixels
    pixels_per_radius: float


def rotation(axis: NDArray[np.floating], angle: float) -> Matrix:
    """(3, 3) rotation about an axis (Rodrigues)."""
    x, y, z = np.asarray(axis, dtype=np.float64) / np.linalg.norm(axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


def random_pose(rng: Rng) -> Matrix:
    """(3, 3) rotation, body to camera, uniform enough."""
    return rotation(rng.normal(size=3), rng.uniform(0, 2 * np.pi))


def facing(centre: NDArray[np.float32], rng: Rng) -> Matrix:
    """A pose that turns a place of the body towards the camera, up to 65 degrees off."""
    pose = random_pose(rng)
    here = pose @ centre
    axis = np.cross(here, [0, 0, 1])
    if np.linalg.norm(axis) < 1e-6:
        return pose
    turned = rotation(axis, float(np.arccos(np.clip(here[2], -1, 1)))) @ pose
    return rotation(np.append(rng.normal(size=2), 0.0), rng.uniform(0, 1.13)) @ turned


class Body:
    """One fruit's shape with its own lumps; :meth:`seen` gives the surface in one pose."""

    def __init__(self, shape: Shape, seed: int) -> None:
        self.shape = shape
        rng = np.random.default_rng(seed)
        self._waves = rng.normal(size=(4, 3)).astype(np.float32) * 1.8
        self._phases = rng.uniform(0, 6.28, 4).astype(np.float32)
        self._tilt = rng.normal(0, 0.06, 2).astype(np.float32)
        phi = np.arccos(np.linspace(-1, 1, _STEPS))
        s = shape
        profile = 1 - s.stem_cavity * np.exp(-((phi / s.stem_width) ** 2)) - s.calyx_cavity * np.exp(-(((np.pi - phi) / s.calyx_width) ** 2))
        profile += s.nipple * (np.exp(-((phi / 0.35) ** 2)) + np.exp(-(((np.pi - phi) / 0.35) ** 2)))
        profile += s.shoulder * np.cos(phi) * (np.sin(phi) ** 2 if s.shoulder > 0 else 1.0)
        self._profile = profile.astype(np.float32)

    def _excess(self, p: NDArray[np.float32]) -> tuple[Field, NDArray[np.float32]]:
        """Distance to the surface near enough (> 0 outside), and the unit direction. (3, N) -> (N,), (3, N)."""
        s = self.shape
        y = p[1] * np.float32(1 / s.height_ratio)
        x = p[0] + self._tilt[0] * y
        z = p[2] + self._tilt[1] * y
        length = np.sqrt(x * x + y * y + z * z) + np.float32(1e-6)
        inverse = 1 / length
        u = np.stack([x * inverse, y * inverse, z * inverse])
        radius = self._profile[((u[1] + 1) * np.float32((_STEPS - 1) / 2)).astype(np.int32)]
        if s.ribs and s.rib_depth:
            longitude = np.arctan2(u[2], u[0])
            away = 1 - u[1] * u[1]
            radius = radius * (1 + np.float32(s.rib_depth) * np.cos(s.ribs * longitude) * away * (np.float32(0.65) - np.float32(0.35) * u[1]))
        if s.lumps:
            radius = radius * (1 + np.float32(s.lumps * 0.35) * np.sin(self._waves @ u + self._phases[:, None]).sum(axis=0))
        return length - radius, u

    def seen(self, pose: Matrix, side: int, pixels_per_radius: float) -> Surface:
        """The surface in one pose, by marching each pixel's ray from the camera (sphere tracing, Hart 1996)."""
        s = self.shape
        reach = max(1.0, s.height_ratio) * (1.05 + s.nipple + s.lumps + 0.1 * abs(s.shoulder) + s.rib_depth)
        to_body = pose.T.astype(np.float32)
        step = -to_body[:, 2:3]
        pace = np.float32(0.75 * min(1.0, s.height_ratio))

        def march(x: Field, y: Field, z: Field, rounds: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
            """Rays from (x, y, z) of the camera's frame towards -z: how far each went, and whether it arrived."""
            origin = to_body @ np.stack([x, y, z])
            travelled = np.zeros(len(x), np.float32)
            arrived = np.zeros(len(x), dtype=bool)
            alive = np.arange(len(x))
            for _ in range(rounds):
                excess, _ = self._excess(origin[:, alive] + travelled[alive] * step)
                travelled[alive] += np.maximum(excess, np.float32(-0.2)) * pace
                arrived[alive] = np.abs(excess) < 0.03
                # A ray that has crossed the whole body without touching it has missed; one that has arrived rests.
                keep = (np.abs(excess) > 0.003) & (travelled[alive] < 2 * reach)
                alive = alive[keep]
                if alive.size == 0:
                    break
            return travelled, arrived

        def pixel_grid(count: int, scale: float) -> tuple[Field, Field]:
            grid = (np.arange(count, dtype=np.float32) - np.float32((count - 1) / 2)) / np.float32(scale)
            return np.tile(grid, count), np.repeat(-grid, count)

        # A coarse picture first, so that the fine rays start just above the surface.
        few = -(-side // 4)
        x, y = pixel_grid(few, pixels_per_radius / 4)
        top = np.sqrt(np.maximum(np.float32(reach * reach) - x * x - y * y, 0))
        travelled, arrived = march(x, y, top, 24)
        depth = np.where(arrived, top - travelled, np.float32(-9)).reshape(few, few)
        depth = ndimage.maximum_filter(depth, 3) + np.float32(0.06)
        x, y = pixel_grid(side, pixels_per_radius)
        row = np.clip(((-y * pixels_per_radius) / 4 + (few - 1) / 2 + 0.5).astype(np.int32), 0, few - 1)
        column = np.clip(((x * pixels_per_radius) / 4 + (few - 1) / 2 + 0.5).astype(np.int32), 0, few - 1)
        start = depth[row, column]
        pixels = np.flatnonzero(start > -5)
        x, y, start = x[pixels], y[pixels], start[pixels]
        travelled, hit = march(x, y, start, 10)
        pixels = pixels[hit]
        p = to_body @ np.stack([x[hit], y[hit], start[hit]]) + travelled[hit] * step
        here, u = self._excess(p)
        offsets = np.float32(0.02) * np.eye(3, dtype=np.float32)
        gradient = np.stack([self._excess(p + offsets[:, i : i + 1])[0] - here for i in range(3)])
        normals = (pose.astype(np.float32) @ gradient).T
        normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
        u = np.ascontiguousarray(u.T)
        phi = np.arccos(np.clip(u[:, 1], -1, 1))
        sunken = s.stem_cavity * 2.2 * np.exp(-((phi / (0.8 * s.stem_width)) ** 2)) + s.calyx_cavity * 2.2 * np.exp(-(((np.pi - phi) / (0.8 * s.calyx_width)) ** 2))
        return Surface(pixels, u, normals.astype(np.float32), np.clip(sunken, 0, 0.85).astype(np.float32), side, pixels_per_radius)


def skin(variety: Variety, points: Points, seed: int) -> tuple[NDArray[np.float32], Field]:
    """Colour and fine relief of sound skin.

    :param points: (N, 3) unit vectors in the body's frame, stem at +y
    :returns: (N, 3) sRGB 0..1 and (N,) height
    """
    rng = np.random.default_rng(seed)
    v = variety
    base, blush = np.asarray(v.base, np.float32) / 255, np.asarray(v.blush, np.float32) / 255
    sun = rng.normal(size=3)
    sun[1] *= 0.5
    sun = (sun / np.linalg.norm(sun)).astype(np.float32)
    coarse = fractal_noise(points, 2.2, seed)
    # The blush covers the share of the skin that faces the sun; its edge is soft and uneven.
    facing = points @ sun + 1.1 * (coarse - 0.5)
    edge = 1 - 2 * v.blush_cover
    softness = rng.uniform(0.25, 0.8)
    share = smoothstep(edge - softness, edge + softness, facing) if v.blush_cover > 0.01 else np.zeros_like(facing)
    if v.streaks:
        longitude = np.stack([points[:, 0], points[:, 1] * 0.12, points[:, 2]], axis=1)
        longitude /= np.sqrt(points[:, 0] ** 2 + points[:, 2] ** 2 + 0.02)[:, None]
        stripes = smoothstep(0.35, 0.65, fractal_noise(longitude.astype(np.float32), rng.uniform(4, 9), seed + 11, 2))
        share = share * (1 - v.streaks * 0.85 * stripes)
    colour = base + (blush - base) * share[:, None]
    colour = colour * (1 + v.mottle * (fractal_noise(points, 4.5, seed + 23) - 0.5))[:, None]
    height = np.zeros(len(points), np.float32)
    if v.lenticels > 0.02:
        density = 0.93 - 0.13 * v.lenticels
        dots = smoothstep(density, density + 0.05, value_noise(points, rng.uniform(12, 18), seed + 37))
        tint = np.clip(base * 1.15 + 0.06, 0, 1) if rng.random() < 0.7 else base * 0.6
        colour = colour + (tint - colour) * (dots * 0.65)[:, None]
    if v.dimples:
        height -= 0.02 * v.dimples * value_noise(points, 16, seed + 41)
    if v.bloom:
        haze = v.bloom * 0.6 * fractal_noise(points, 2.5, seed + 43)
        colour = colour + (np.asarray((0.72, 0.75, 0.82), np.float32) - colour) * haze[:, None]
    phi = np.arccos(np.clip(points[:, 1], -1, 1))
    if v.species == "apple":
        if v.stem_russet > 0.02:
            reach = v.shape.stem_width * (0.6 + 1.3 * v.stem_russet)
            rays = fractal_noise(points, 6, seed + 47)
            russet = smoothstep(1.15, 0.5, phi / reach + 0.9 * (rays - 0.5)) * min(1.0, 0.4 + v.stem_russet)
            colour = colour + (np.asarray((0.55, 0.42, 0.22), np.float32) - colour) * (0.75 * russet)[:, None]
        elif rng.random() < 0.5:
            green = smoothstep(1.1, 0.3, phi / v.shape.stem_width)
            colour = colour + (np.asarray((0.55, 0.62, 0.25), np.float32) - colour) * (0.5 * green)[:, None]
        tuft = smoothstep(1.2, 0.6, (np.pi - phi) / 0.13 + 0.8 * (value_noise(points, 14, seed + 53) - 0.5))
        colour = colour + (np.asarray((0.22, 0.17, 0.1), np.float32) - colour) * (0.85 * tuft)[:, None]
    if v.shape.stem_cavity > 0.02:
        stem = smoothstep(1.1, 0.8, phi / rng.uniform(0.05, 0.11))
        colour = colour + (np.asarray((0.3, 0.22, 0.12), np.float32) - colour) * stem[:, None]
    return np.clip(colour, 0.01, 1).astype(np.float32), height
