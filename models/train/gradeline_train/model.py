"""The embedder: one branch of the Siamese network.

Three parts share a small residual trunk: a fault heat map (24x24 for a 96-pixel crop), a *condition* vector pooled
where the heat map looks, and an *identity* vector of the whole fruit. The embedding is both vectors side by side,
weighted, as one unit vector, so a plain Euclidean distance sees faults and strangers alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CONDITION = 64
IDENTITY = 64
DIMENSION = CONDITION + IDENTITY


class Output(NamedTuple):
    """condition (N, 64) and identity (N, 64) unit rows, heat (N, S/4, S/4) logits of "a fault is here"."""

    condition: Tensor
    identity: Tensor
    heat: Tensor


@dataclass(frozen=True)
class Widths:
    """Channels of the trunk at strides 2, 4, 8 and 16, and of the pyramid that reads it."""

    stem: int = 24
    fine: int = 40
    middle: int = 80
    coarse: int = 128
    pyramid: int = 48


def _conv(inputs: int, outputs: int, *, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """Two 3x3 convolutions beside a short cut (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _conv(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class Embedder(nn.Module):
    """One branch. Input: (N, S, S, 3) uint8, S a multiple of 16; output: :class:`Output`."""

    def __init__(self, widths: Widths = Widths()) -> None:
        super().__init__()
        w = widths
        self.stem = nn.Sequential(_conv(3, w.stem, stride=2), _conv(w.stem, w.fine, stride=2))
        self.fine = Residual(w.fine)
        self.middle = nn.Sequential(_conv(w.fine, w.middle, stride=2), Residual(w.middle))
        self.coarse = nn.Sequential(_conv(w.middle, w.coarse, stride=2), Residual(w.coarse))
        self.from_fine = nn.Conv2d(w.fine, w.pyramid, 1)
        self.from_middle = nn.Conv2d(w.middle, w.pyramid, 1)
        self.from_coarse = nn.Conv2d(w.coarse, w.pyramid, 1)
        self.pyramid = _conv(w.pyramid, w.pyramid)
        self.heat = nn.Conv2d(w.pyramid, 1, 1)
        # Few pixels show faults: starting from "no fault" spares the first steps from unlearning noise.
        nn.init.constant_(self.heat.bias, -3.0)  # type: ignore[arg-type]
        pooled = w.pyramid * 2 + w.middle + 4
        self.to_condition = nn.Sequential(nn.Linear(pooled, 128), nn.ReLU(inplace=True), nn.Linear(128, CONDITION))
        self.to_identity = nn.Sequential(nn.Linear(w.coarse * 2, 128), nn.ReLU(inplace=True), nn.Linear(128, IDENTITY))

    def forward(self, views: Tensor) -> Output:
        return self.from_pixels((views.permute(0, 3, 1, 2).float() - 118.0) * (1 / 64))

    def from_pixels(self, x: Tensor) -> Output:
        """The same from (N, 3, S, S) float, grey 118 at 0."""
        fine = self.fine(self.stem(x))
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        top = self.from_middle(middle) + F.interpolate(self.from_coarse(coarse), scale_factor=2.0, mode="nearest")
        pyramid = self.pyramid(F.relu(self.from_fine(fine) + F.interpolate(top, scale_factor=2.0, mode="nearest")))
        heat = self.heat(pyramid).float()  # sums over the map need single precision, also where convolutions have half
        where = torch.sigmoid(heat)
        # One more than the sum: with no fault in sight the pooled vector is near nothing, whatever the skin.
        total = where.sum(dim=(2, 3)) + 1.0
        half = F.avg_pool2d(where, 2)
        seen = torch.cat(
            [
                (pyramid * where).sum(dim=(2, 3)) / total,
                (middle * half).sum(dim=(2, 3)) / (half.sum(dim=(2, 3)) + 0.25),
                pyramid.mean(dim=(2, 3)),
                heat.amax(dim=(2, 3)) * 0.3,
                F.avg_pool2d(heat, 3, 1).amax(dim=(2, 3)) * 0.3,
                F.avg_pool2d(heat, 7, 1).amax(dim=(2, 3)) * 0.3,
                torch.log(total),
            ],
            dim=1,
        )
        whole = torch.cat([coarse.mean(dim=(2, 3)), coarse.amax(dim=(2, 3))], dim=1)
        condition = F.normalize(self.to_condition(seen).float(), dim=1, eps=1e-6)
        identity = F.normalize(self.to_identity(whole).float(), dim=1, eps=1e-6)
        return Output(condition, identity, heat[:, 0].float())


def join(output: Output, share: float) -> Tensor:
    """Both parts as one unit vector; squared distances add up as ``share`` : ``1 - share``.

    :param share: of the condition part, 0..1
    :returns: (N, 128) unit rows
    """
    return torch.cat([output.condition * math.sqrt(share), output.identity * math.sqrt(1 - share)], dim=1)


def multiply_adds(model: nn.Module, size: int = 96) -> int:
    """Multiply-adds of one view, convolutions and linear layers counted."""
    total = 0

    def count(module: nn.Module, _: tuple[Tensor, ...], out: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += out[0].numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            total += module.weight.numel()

    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    with torch.no_grad():
        model.eval()(torch.zeros(1, size, size, 3, dtype=torch.uint8))
    for hook in hooks:
        hook.remove()
    return total
