"""Disturbances that a line brings: how far a figure falls says how blind the embedding is to them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .blend import body_of
from .crop import FILL

Crops = NDArray[np.uint8]


def _on_body(change: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Callable[[Crops], Crops]:
    def apply(crops: Crops) -> Crops:
        out = crops.copy()
        for i, crop in enumerate(crops):
            body = body_of(crop)
            changed = change(crop.astype(np.float32) / 255)
            out[i][body] = np.round(np.clip(changed, 0, 1) * 255).astype(np.uint8)[body]
        return out

    return apply


def light(gain: float) -> Callable[[Crops], Crops]:
    """Exposure times ``gain``, in linear light."""
    return _on_body(lambda x: x * gain ** (1 / 2.2))


def white_balance(red: float, blue: float) -> Callable[[Crops], Crops]:
    """Red and blue channels scaled."""
    return _on_body(lambda x: x * np.asarray([red, 1, blue], np.float32))


def blur(sigma: float) -> Callable[[Crops], Crops]:
    """Gaussian blur, ``sigma`` in pixels of the crop."""
    return _on_body(lambda x: ndimage.gaussian_filter(x, (sigma, sigma, 0)))


def belt_rim(degrees: float) -> Callable[[Crops], Crops]:
    """A two-pixel rim of a blue belt whose hue is turned by ``degrees``, blended in by half."""
    angle = np.deg2rad(215 + degrees)
    colour = 255 * np.clip([0.35 + 0.2 * np.cos(angle), 0.4 + 0.2 * np.cos(angle - 2.094), 0.45 + 0.2 * np.cos(angle + 2.094)], 0, 1)

    def apply(crops: Crops) -> Crops:
        out = crops.copy()
        for i, crop in enumerate(crops):
            body = body_of(crop)
            rim = body & ~ndimage.binary_erosion(body, iterations=2)
            out[i][rim] = np.round(0.5 * crop[rim] + 0.5 * colour).astype(np.uint8)
        return out

    return apply


def offset(share: float) -> Callable[[Crops], Crops]:
    """The fruit moved to the right within its crop by ``share`` of the side, what leaves it is lost."""

    def apply(crops: Crops) -> Crops:
        by = round(share * crops.shape[2])
        out = np.full_like(crops, FILL)
        out[:, :, by:] = crops[:, :, :-by]
        return out

    return apply


DISTURBANCES: dict[str, Callable[[Crops], Crops]] = {
    "light +30 %": light(1.3),
    "light -30 %": light(0.7),
    "white balance warm": white_balance(1.1, 0.9),
    "white balance cold": white_balance(0.9, 1.1),
    "blur 1.5 px": blur(1.5),
    "rim of belt": belt_rim(0),
    "rim of belt, hue +10": belt_rim(10),
    "offset 10 %": offset(0.1),
}
