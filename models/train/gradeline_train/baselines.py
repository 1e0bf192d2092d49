"""What an embedding has to beat: raw pixels, a histogram of hue, an untrained network, the trunk as published."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .crop import FILL
from .measures import Vectors
from .model import PUBLISHED, Embedder, join
from .trunk import Trunk

Crops = NDArray[np.uint8]


def _unit(rows: NDArray[np.floating]) -> Vectors:
    return (rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9)).astype(np.float32)


def raw_pixels(crops: Crops) -> Vectors:
    """(N, S, S, 3) -> (N, 1728): 24x24 means of the crop, grey at zero, unit rows."""
    n, s = crops.shape[:2]
    small = crops.reshape(n, 24, s // 24, 24, s // 24, 3).astype(np.float32).mean(axis=(2, 4)) - FILL
    return _unit(small.reshape(n, -1))


def hsv_histogram(crops: Crops) -> Vectors:
    """(N, S, S, 3) -> (N, 512): 8x8x8 histogram over hue, saturation and value of the body, unit rows."""
    out = np.zeros((len(crops), 512), np.float32)
    for i, crop in enumerate(crops):
        body = np.abs(crop.astype(np.int16) - FILL).max(axis=2) > 2
        rgb = crop[body].astype(np.float32) / 255
        high, low = rgb.max(axis=1), rgb.min(axis=1)
        span = np.maximum(high - low, 1e-6)
        r, g, b = rgb.T
        hue = np.where(high == r, (g - b) / span % 6, np.where(high == g, (b - r) / span + 2, (r - g) / span + 4)) / 6
        bins = [np.minimum((v * 8).astype(int), 7) for v in (hue, (high - low) / np.maximum(high, 1e-6), high)]
        out[i] = np.bincount(bins[0] * 64 + bins[1] * 8 + bins[2], minlength=512)
    return _unit(np.sqrt(out))


def untrained(crops: Crops, seed: int = 0) -> Vectors:
    """(N, S, S, 3) -> (N, 192): a network of the same shape with random weights (He et al. 2015), nothing published either."""
    torch.manual_seed(seed)
    model = Embedder().eval()
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            # Without batch norms, smaller ones would leave nothing of a view by the last block.
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return embed(model, crops)


def published(crops: Crops, batch: int = 64) -> Vectors:
    """(N, S, S, 3) -> (N, 192): the means of the trunk's last block as it was published, each less its own mean over
    the crops and divided by its spread, unit rows: what no training here has added to."""
    trunk = Trunk(PUBLISHED)
    trunk.load_published()
    with torch.no_grad():
        seen = [trunk((torch.from_numpy(np.ascontiguousarray(crops[i : i + batch])).permute(0, 3, 1, 2).float() - 127) / 128)[-1].mean(dim=(2, 3)) for i in range(0, len(crops), batch)]
    rows = torch.cat(seen).numpy()
    return _unit((rows - rows.mean(axis=0)) / (rows.std(axis=0) + 1e-3))


def embed(model: Embedder, crops: Crops, share: float = 0.5, batch: int = 64) -> Vectors:
    """(N, S, S, 3) -> (N, 192) unit rows."""
    with torch.no_grad():
        parts = [join(model(torch.from_numpy(np.ascontiguousarray(crops[i : i + batch]))), share).numpy() for i in range(0, len(crops), batch)]
    return np.concatenate(parts)
