"""Smooth noise over points in space, so that a pattern stays on the body when the body turns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
Field = NDArray[np.float32]

_SIDE = 32
_TABLE = np.random.default_rng(20260101).random(_SIDE**3, dtype=np.float32)


def value_noise(points: Points, frequency: float, seed: int) -> Field:
    """Value noise (Perlin 1985's lattice, values in place of gradients), smoothly interpolated.

    :param points: (N, 3)
    :param frequency: lattice cells per unit of length
    :param seed: chooses the part of the lattice
    :returns: (N,) in 0..1
    """
    offset = np.random.default_rng(seed).random(3, dtype=np.float32) * _SIDE
    scaled = points * np.float32(frequency) + offset
    floor = np.floor(scaled)
    cell = floor.astype(np.int32)
    part = scaled - floor
    part = part * part * (3 - 2 * part)
    low = cell & (_SIDE - 1)
    high = (cell + 1) & (_SIDE - 1)
    x0, x1 = low[:, 0] * (_SIDE * _SIDE), high[:, 0] * (_SIDE * _SIDE)
    y0, y1 = low[:, 1] * _SIDE, high[:, 1] * _SIDE
    z0, z1 = low[:, 2], high[:, 2]
    fx, fy, fz = part[:, 0], part[:, 1], part[:, 2]

    def along_x(y: NDArray[np.int32], z: NDArray[np.int32]) -> Field:
        near = _TABLE[x0 + y + z]
        return near + (_TABLE[x1 + y + z] - near) * fx

    a = along_x(y0, z0)
    a += (along_x(y1, z0) - a) * fy
    b = along_x(y0, z1)
    b += (along_x(y1, z1) - b) * fy
    return a + (b - a) * fz


def fractal_noise(points: Points, frequency: float, seed: int, octaves: int = 3) -> Field:
    """Octaves of :func:`value_noise`, each twice as fine and half as strong. (N, 3) -> (N,) in 0..1, mean about 0.5."""
    total = np.zeros(len(points), dtype=np.float32)
    weight, sum_of_weights = 1.0, 0.0
    for octave in range(octaves):
        total += np.float32(weight) * value_noise(points, frequency * 2**octave, seed + 7919 * octave)
        sum_of_weights += weight
        weight *= 0.5
    return total / np.float32(sum_of_weights)


def ridge_noise(points: Points, frequency: float, seed: int, octaves: int = 2) -> Field:
    """Thin connected lines where the noise crosses its middle: nets, wrinkles, cracks. (N, 3) -> (N,) 1 on a line."""
    return 1 - np.abs(fractal_noise(points, frequency, seed, octaves) * 2 - 1)


def smoothstep(low: float, high: float, value: Field) -> Field:
    """0 below ``low``, 1 above ``high`` (or the reverse), smooth between."""
    t = np.clip((value - low) / (high - low if high != low else 1e-6), 0, 1)
    return t * t * (3 - 2 * t)
