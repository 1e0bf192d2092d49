"""The crop of a still photograph: fruit body without stem, background masked with grey, area-averaged to a square.

The device cuts its still photographs by the same rules (``device/vision/still.ts``); ``test/fixtures/crops`` holds
both to the same pixels. On the line itself the mask comes from the belt, and only :func:`square_crop` is shared.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .errors import TrainingError

SIZE = 96
MARGIN = 0.06
FILL = 118
TOLERANCE = 28

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_FOUR = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=bool)


def disc(radius: int) -> Mask:
    """Pixels within ``radius`` of the centre of a square of ``2 * radius + 1``."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return x * x + y * y <= radius * radius


def open_by_disc(mask: Mask, radius: int) -> Mask:
    """Morphological opening, outside the image counting as background.

    Done with two exact distance transforms, because a disc of 40 pixels as a structuring element takes seconds.

    :param mask: (H, W)
    :param radius: pixels, 1 or more
    :returns: (H, W)
    """
    padded = np.pad(mask, radius + 1)
    # Distances are between pixel centres, so "further than the radius from every background pixel" is the erosion.
    eroded = ndimage.distance_transform_edt(padded) > radius
    if not eroded.any():
        return np.zeros_like(mask)
    opened = ndimage.distance_transform_edt(~eroded) <= radius
    inner = radius + 1
    return opened[inner:-inner, inner:-inner]


def largest_component(mask: Mask) -> Mask:
    """The largest 4-connected component; the first in reading order where two are equal. (H, W) -> (H, W)."""
    labels, count = ndimage.label(mask, structure=_FOUR)
    if count < 2:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == int(sizes.argmax())


def fruit_mask(image: Image) -> Mask:
    """Where the fruit is in a still photograph before a plain background.

    :param image: (H, W, 3) sRGB
    :returns: (H, W); all true where no plain background was found
    """
    whole = np.ones(image.shape[:2], dtype=bool)
    border = np.concatenate([image[0], image[-1], image[1:-1, 0], image[1:-1, -1]])
    background = np.median(border, axis=0)
    near = np.abs(image.astype(np.float64) - background).max(axis=2) <= TOLERANCE
    near_border = np.concatenate([near[0], near[-1], near[1:-1, 0], near[1:-1, -1]])
    if near_border.mean() < 0.6:
        return whole
    labels, _ = ndimage.label(near, structure=_FOUR)
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    foreground = ~np.isin(labels, edge[edge > 0])
    if foreground.sum() < 0.05 * foreground.size:
        return whole
    radius = max(1, math.floor(0.04 * min(image.shape[:2]) + 0.5))
    opened = open_by_disc(foreground, radius)
    if opened.sum() >= 0.6 * foreground.sum():
        foreground = opened
    return ndimage.binary_fill_holes(largest_component(foreground))


def box_weights(length: int, size: int) -> NDArray[np.float64]:
    """Rows of a box filter with exact fractional coverage.

    :param length: pixels along the source
    :param size: pixels along the target
    :returns: (size, length), every row sums to 1
    """
    step = length / size
    left = np.arange(size)[:, None] * step
    pixel = np.arange(length)[None, :]
    overlap = np.minimum(left + step, pixel + 1) - np.maximum(left, pixel)
    return np.clip(overlap, 0, None) / step


def square_box(mask: Mask) -> tuple[int, int, int]:
    """Top, left and side of the square around the fruit; it may reach beyond the image.

    :param mask: (H, W), not empty
    :raises TrainingError: when the mask is empty
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        raise TrainingError("the mask holds no pixel", "the picture shows no fruit before a plain background")
    top, height = int(rows[0]), int(rows[-1] - rows[0] + 1)
    left, width = int(columns[0]), int(columns[-1] - columns[0] + 1)
    side = math.ceil(max(width, height) * (1 + 2 * MARGIN))
    return top + (height - side) // 2, left + (width - side) // 2, side


def average_box(plane: NDArray[np.float32], box: tuple[int, int, int], size: int, outside: float) -> NDArray[np.float64]:
    """Area average of a square of a picture.

    :param plane: (H, W, C)
    :param box: top, left and side as :func:`square_box` gives them
    :param outside: the value beyond the picture's edge
    :returns: (size, size, C)
    """
    top, left, side = box
    square = np.full((side, side, plane.shape[2]), outside, dtype=np.float64)
    y0, y1 = max(top, 0), min(top + side, plane.shape[0])
    x0, x1 = max(left, 0), min(left + side, plane.shape[1])
    square[y0 - top : y1 - top, x0 - left : x1 - left] = plane[y0:y1, x0:x1]
    weights = box_weights(side, size)
    rows = np.tensordot(weights, square, axes=(1, 0))
    return np.tensordot(weights, rows, axes=(1, 1)).swapaxes(0, 1)


def square_crop(image: Image, mask: Mask, size: int = SIZE) -> Image:
    """The masked square around the fruit, area-averaged.

    :param image: (H, W, 3) sRGB
    :param mask: (H, W), not empty
    :param size: side of the crop in pixels
    :returns: (size, size, 3) sRGB, grey 118 outside the mask
    :raises TrainingError: when the mask is empty
    """
    box = square_box(mask)
    averaged = average_box(np.where(mask[:, :, None], image, np.uint8(FILL)), box, size, FILL)
    return np.floor(averaged + 0.5).astype(np.uint8)


def crop_still(image: Image, size: int = SIZE) -> Image:
    """:func:`fruit_mask` and :func:`square_crop` in one. (H, W, 3) -> (size, size, 3)."""
    return square_crop(image, fruit_mask(image), size)
