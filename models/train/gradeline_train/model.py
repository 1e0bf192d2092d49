"""The embedder: one branch of the Siamese network.

It begins with two copies of a published network (:mod:`.trunk`). One is trained on to see faults: its output is a fault
heat map (24x24 for a 96-pixel crop). The other stays as it was published. Of both are made a *condition* vector, pooled
where the heat map looks, and an *identity* vector of the whole fruit; a third, the *appearance*, is what the published
copy alone says, by its principal components. The embedding is all three side by side, weighted, as one unit vector, so
a plain Euclidean distance sees faults and strangers alike.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .trunk import Trunk

CONDITION = 64
IDENTITY = 64
APPEARANCE = 64
DIMENSION = CONDITION + IDENTITY + APPEARANCE
APPEARANCE_SHARE = 0.6  # of what the condition leaves
HIDDEN = 160
HIDDEN_CONDITION = 256
NARROW = 80  # numbers that the condition's many are first brought down to
DROPPED = 0.3
PYRAMID = 48  # channels of the map that faults are seen on
TUNED = (2, 4, 10)  # blocks read of the copy that is trained on: strides 4, 8 and 16
PUBLISHED = (4, 10, 11)  # of the one that is not: strides 8, 16 and 32


class Output(NamedTuple):
    """condition, identity, appearance (N, 64) unit rows, heat (N, S/4, S/4) logits of "a fault is here"."""

    condition: Tensor
    identity: Tensor
    appearance: Tensor
    heat: Tensor


class Pooled(NamedTuple):
    """(N, P), (N, Q) and (N, 192) what the vectors are made of, and the heat map as in :class:`Output`."""

    condition: Tensor
    identity: Tensor
    appearance: Tensor
    heat: Tensor


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


def _head(inputs: int, outputs: int, hidden: int, narrow: int | None = None) -> nn.Sequential:
    # What is pooled differs in scale by its origin; each number is brought to its own spread first. Few fruit were
    # photographed: without dropping some of the numbers a head learns those fruit by heart.
    first = [nn.Linear(inputs, hidden)] if narrow is None else [nn.Linear(inputs, narrow, bias=False), nn.Linear(narrow, hidden)]
    return nn.Sequential(
        nn.BatchNorm1d(inputs, affine=False),
        nn.Dropout(DROPPED),
        *first,
        nn.ReLU(inplace=True),
        nn.Linear(hidden, outputs),
    )


class Embedder(nn.Module):
    """One branch. Input: (N, S, S, 3) uint8, S a multiple of 32; output: :class:`Output`.

    Its weights are random until :meth:`load_published` or a checkpoint brings them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(PUBLISHED).requires_grad_(False)
        self.tuned = Trunk(TUNED)
        fine, middle, coarse = self.tuned.channels
        self.from_fine = nn.Conv2d(fine, PYRAMID, 1)
        self.from_middle = nn.Conv2d(middle, PYRAMID, 1)
        self.from_coarse = nn.Conv2d(coarse, PYRAMID, 1)
        self.pyramid = nn.Sequential(_conv(PYRAMID, PYRAMID), Residual(PYRAMID))
        self.heat = nn.Conv2d(PYRAMID, 1, 1)
        # Few pixels show faults: starting from "no fault" spares the first steps from unlearning noise.
        nn.init.constant_(self.heat.bias, -3.0)  # type: ignore[arg-type]
        eighth, sixteenth, last = self.trunk.channels
        self.to_condition = _head(4 * PYRAMID + 4 + middle + 2 * coarse + 2 * eighth + 3 * sixteenth + 2 * last, CONDITION, HIDDEN_CONDITION, NARROW)
        self.to_identity = _head(2 * coarse + 2 * eighth + sixteenth + last, IDENTITY, HIDDEN)
        self.to_appearance = nn.Linear(last, APPEARANCE).requires_grad_(False)

    def load_published(self) -> None:
        """Brings the published weights to both copies."""
        for copy in (self.trunk, self.tuned):
            copy.load_published()

    def forward(self, views: Tensor) -> Output:
        return self.from_pixels((views.permute(0, 3, 1, 2).float() - 118.0) * (1 / 64))

    def from_pixels(self, x: Tensor) -> Output:
        """The same from (N, 3, S, S) float, grey 118 at 0."""
        return self.from_pooled(self.pool(x))

    def from_pooled(self, pooled: Pooled) -> Output:
        """The same from what :meth:`pool` made of the pixels."""
        condition = F.normalize(self.to_condition(pooled.condition).float(), dim=1, eps=1e-6)
        identity = F.normalize(self.to_identity(pooled.identity).float(), dim=1, eps=1e-6)
        appearance = F.normalize(self.to_appearance(pooled.appearance).float(), dim=1, eps=1e-6)
        return Output(condition, identity, appearance, pooled.heat)

    @property
    def heads(self) -> list[nn.Module]:
        """What is trained where all before it stays as it is."""
        return [self.to_condition, self.to_identity]

    def fit_appearance(self, seen: Tensor) -> None:
        """Sets the appearance to the principal components of what the trunk says of the training's crops, each divided
        by its spread, so that light and colour, the largest, do not drown the rest.

        :param seen: (N, 192) as :meth:`pool` gives it, N well above 192
        """
        mean, spread = seen.mean(dim=0), seen.std(dim=0) + 1e-3
        _, strength, directions = torch.linalg.svd(((seen - mean) / spread).double(), full_matrices=False)
        # The sign of a component is free; the largest entry positive makes it the same on every machine.
        directions = directions[:APPEARANCE]
        largest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
        scaled = (directions * largest.sign() / strength[:APPEARANCE, None] * math.sqrt(len(seen))).float()
        with torch.no_grad():
            self.to_appearance.weight.copy_(scaled / spread)
            self.to_appearance.bias.copy_(-self.to_appearance.weight @ mean)

    def pool(self, x: Tensor) -> Pooled:
        """What both vectors are made of, (N, 3, S, S) as above."""
        x = x * 0.5 - 9 / 128  # as the published network wants it
        fine, middle, coarse = self.tuned(x)
        top = self.from_middle(middle) + F.interpolate(self.from_coarse(coarse), scale_factor=2.0, mode="nearest")
        pyramid = self.pyramid(F.relu(self.from_fine(fine) + F.interpolate(top, scale_factor=2.0, mode="nearest")))
        heat = self.heat(pyramid).float()  # sums over the map need single precision, also where convolutions have half
        where = torch.sigmoid(heat)
        # One more than the sum: with no fault in sight the pooled vector is near nothing, whatever the skin.
        total = where.sum(dim=(2, 3)) + 1.0
        half = F.avg_pool2d(where, 2)
        quarter = F.avg_pool2d(half, 2)
        # One look at the place that most looks like a fault, whatever shimmers elsewhere: small faults are named there.
        near = F.avg_pool2d(F.pad(heat, (1, 1, 1, 1), mode="replicate"), 3, 1)
        sharp = torch.softmax(near.flatten(2), dim=2).view_as(heat)
        sharp_half = F.avg_pool2d(sharp, 2) * 4
        sharp_quarter = F.avg_pool2d(sharp_half, 2) * 4
        eighth, sixteenth, last = self.trunk(x)
        condition = torch.cat(
            [
                (pyramid * where).sum(dim=(2, 3)) / total,
                _pooled(middle, half),
                pyramid.mean(dim=(2, 3)),
                heat.amax(dim=(2, 3)) * 0.3,
                F.avg_pool2d(heat, 3, 1).amax(dim=(2, 3)) * 0.3,
                F.avg_pool2d(heat, 7, 1).amax(dim=(2, 3)) * 0.3,
                torch.log(total),
                _pooled(eighth, half),
                _pooled(sixteenth, quarter),
                sixteenth.mean(dim=(2, 3)),
                last.mean(dim=(2, 3)),
                last.amax(dim=(2, 3)),
                (pyramid * sharp).sum(dim=(2, 3)),
                (eighth * sharp_half).sum(dim=(2, 3)),
                (sixteenth * sharp_quarter).sum(dim=(2, 3)),
                pyramid.amax(dim=(2, 3)),
                _pooled(coarse, quarter),
                (coarse * sharp_quarter).sum(dim=(2, 3)),
            ],
            dim=1,
        )
        identity = torch.cat(
            [
                coarse.mean(dim=(2, 3)),
                coarse.amax(dim=(2, 3)),
                eighth.mean(dim=(2, 3)),
                eighth.amax(dim=(2, 3)),
                sixteenth.mean(dim=(2, 3)),
                last.mean(dim=(2, 3)),
            ],
            dim=1,
        )
        return Pooled(condition.float(), identity.float(), last.mean(dim=(2, 3)).float(), heat[:, 0].float())


def _pooled(features: Tensor, where: Tensor) -> Tensor:
    return (features * where).sum(dim=(2, 3)) / (where.sum(dim=(2, 3)) + 0.25)


def join(output: Output, share: float) -> Tensor:
    """All parts as one unit vector; squared distances add up as ``share`` : ``1 - share``.

    :param share: of the condition part, 0..1; identity and appearance have the rest
    :returns: (N, 192) unit rows
    """
    learned, seen = (1 - share) * (1 - APPEARANCE_SHARE), (1 - share) * APPEARANCE_SHARE
    parts = ((output.condition, share), (output.identity, learned), (output.appearance, seen))
    return torch.cat([part * math.sqrt(weight) for part, weight in parts], dim=1)


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
