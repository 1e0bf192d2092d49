"""The experiment this product grew from, kept small: a Siamese network on handwritten digits.

It learns eight digits, then two that it never saw are enrolled from a few samples each, without training again.
The digits are the 8x8 ones that ship with scikit-learn (UCI, CC BY 4.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import trange

from .losses import MetricLoss
from .measures import Figure, few_shot
from .projection import draw_map

UNSEEN = (4, 9)
SHOTS = 5


class DigitBranch(nn.Module):
    """(N, 1, 8, 8) -> (N, 16) unit rows."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 16),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.layers(x), dim=1)


@dataclass(frozen=True)
class DigitResult:
    """Accuracy on the two digits never trained on, learnt and with raw pixels, and the embeddings behind it."""

    learnt: Figure
    pixels: Figure
    vectors: NDArray[np.float32]
    labels: NDArray[np.str_]


def run_digits(loss: str = "contrastive", steps: int = 600, seed: int = 1, out: Path | None = None) -> DigitResult:
    """Trains on eight digits, enrolls the other two with :data:`SHOTS` samples each, and draws the map of all ten.

    :param out: where the map goes, a PNG
    """
    torch.manual_seed(seed)
    digits = load_digits()
    images = torch.from_numpy((digits.images / 16).astype(np.float32))[:, None]
    targets = torch.from_numpy(digits.target.astype(np.int64))
    known = ~np.isin(digits.target, UNSEEN)
    branch, criterion = DigitBranch(), MetricLoss(loss, 10, 16)
    optimiser = torch.optim.Adam([*branch.parameters(), *criterion.parameters()], lr=2e-3)
    rng = np.random.default_rng(seed)
    everyone = torch.arange(96)
    for _ in trange(steps, desc="digits", disable=None):
        rows = rng.choice(np.flatnonzero(known), 96, replace=False)
        value = criterion(branch(images[rows]), targets[rows], everyone)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    with torch.no_grad():
        vectors = branch.eval()(images).numpy()
    labels = digits.target.astype(np.str_)
    new = ~known
    each = np.arange(int(new.sum())).astype(np.str_)
    flat = digits.images.reshape(len(images), -1).astype(np.float32)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    learnt = few_shot(vectors[new], labels[new], each, SHOTS)
    pixels = few_shot(flat[new], labels[new], each, SHOTS)
    if out is not None:
        draw_map(vectors, labels, out, f"digits; {UNSEEN[0]} and {UNSEEN[1]} were never trained on")
    return DigitResult(learnt, pixels, vectors, labels)
