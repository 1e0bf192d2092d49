"""The unsupervised base line: a network that learns to redraw a crop, and the code it passes through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import trange

from .augment import augment
from .errors import TrainingError
from .measures import Vectors
from .pool import Pool

CODE = 128
NAME = "autoencoder.pt"


class Autoencoder(nn.Module):
    """(N, 3, 96, 96) -> the same, through a code of 128 numbers (Hinton, Salakhutdinov 2006)."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 40, 80, 128)
        down, up = [], []
        for a, b in zip(widths, widths[1:], strict=False):
            down += [nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.ReLU(inplace=True)]
        for a, b in zip(widths[:0:-1], widths[-2::-1], strict=True):
            up += [nn.Upsample(scale_factor=2), nn.Conv2d(a, b, 3, 1, 1)]
            up += [nn.BatchNorm2d(b), nn.ReLU(inplace=True)] if b != 3 else []
        self.down, self.up = nn.Sequential(*down), nn.Sequential(*up)
        self.to_code, self.from_code = nn.Linear(128 * 36, CODE), nn.Linear(CODE, 128 * 36)

    def code(self, x: Tensor) -> Tensor:
        """(N, 128)."""
        return self.to_code(self.down(x).flatten(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.up(self.from_code(self.code(x)).view(-1, 128, 6, 6))


def train_autoencoder(pool: Pool, out: Path, steps: int, batch: int = 64, seed: int = 1) -> Autoencoder:
    """Trains on the pool's crops, labels unused, and keeps the result in ``out``."""
    torch.manual_seed(seed)
    model = Autoencoder()
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    rng = np.random.default_rng(seed)
    for step in trange(steps, desc="autoencoder", disable=None):
        rows = rng.choice(len(pool), batch)
        pixels, _ = augment(torch.from_numpy(pool.image[rows]), torch.from_numpy(pool.mask[rows]), torch.Generator().manual_seed(step))
        loss = F.mse_loss(model(pixels), pixels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    out.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), out / NAME)
    return model.eval()


def load_autoencoder(folder: Path) -> Autoencoder:
    """
    :raises TrainingError: when the folder holds none
    """
    path = folder / NAME
    if not path.exists():
        raise TrainingError(f"{folder} holds no {NAME}", "train one: python -m gradeline_train autoencoder")
    model = Autoencoder()
    model.load_state_dict(torch.load(path, weights_only=True))
    return model.eval()


def encode(model: Autoencoder, crops: NDArray[np.uint8], batch: int = 64) -> Vectors:
    """(N, S, S, 3) -> (N, 128) unit rows."""
    parts = []
    with torch.no_grad():
        for i in range(0, len(crops), batch):
            x = (torch.from_numpy(crops[i : i + batch]).permute(0, 3, 1, 2).float() - 118) / 64
            parts.append(F.normalize(model.code(x), dim=1).numpy())
    return np.concatenate(parts)
