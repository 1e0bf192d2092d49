"""What changes from one look at a fruit to the next: pose in the crop, light, lens and the edge of the mask."""

from __future__ import annotations

import math

import kornia.enhance
import kornia.filters
import torch
from torch import Tensor
from torch.nn import functional as F

GREY = 118.0


def augment(images: Tensor, masks: Tensor, generator: torch.Generator, turn: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """
    :param images: (N, S, S, 3) uint8, grey 118 around the body
    :param masks: (N, s, s) uint8
    :param generator: all randomness comes from here
    :param turn: (N,) radians by which to turn each hue
    :returns: (N, 3, S, S) as :meth:`Embedder.from_pixels` takes them, and (N, s, s) 0..1
    """
    n = images.shape[0]

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(n, *shape, generator=generator) * (high - low) + low

    def normal(sigma: float, *shape: int) -> Tensor:
        return torch.randn(n, *shape, generator=generator) * sigma

    def sometimes(share: float) -> Tensor:
        return torch.rand(n, generator=generator) < share

    body = (images.to(torch.int16) - int(GREY)).abs().amax(dim=3, keepdim=True) > 2
    stacked = torch.cat([images.float() - GREY, body.float() * GREY], dim=3).permute(0, 3, 1, 2)
    theta = _affine(n, uniform, normal, sometimes)
    moved = F.grid_sample(stacked, F.affine_grid(theta, list(stacked.shape), align_corners=False), align_corners=False)
    small = masks[:, None].float() / 255
    masks = F.grid_sample(small, F.affine_grid(theta, list(small.shape), align_corners=False), align_corners=False)[:, 0]
    inside = (moved[:, 3:] / GREY).clamp(0, 1)
    x = ((moved[:, :3] + GREY) / 255).clamp(0, 1)

    if turn is not None and turn.any():
        far = turn != 0
        x[far] = turn_hue(x[far], turn[far]).clamp(0, 1)
    x = x * torch.exp(normal(0.18, 1, 1, 1)) * torch.exp(normal(0.045, 3, 1, 1))
    x = kornia.enhance.adjust_gamma(x.clamp(0, 1), torch.exp(normal(0.14)))
    x = kornia.enhance.adjust_saturation(x, uniform(0.75, 1.25))
    ramp = torch.linspace(-1, 1, x.shape[3])
    x = x * (1 + normal(0.08, 1, 1, 1) * ramp[None, None, None, :] + normal(0.08, 1, 1, 1) * ramp[None, None, :, None])

    # A rim of belt, where the mask was a pixel too wide.
    rim = sometimes(0.2)
    if rim.any():
        core = -F.max_pool2d(-inside[rim], 3, 1, 1)
        alpha = (inside[rim] - core).clamp(0, 1) * uniform(0.3, 1.0, 1, 1, 1)[rim]
        x[rim] = x[rim] * (1 - alpha) + uniform(0, 1, 3, 1, 1)[rim] * alpha
    coarse = sometimes(0.2)
    if coarse.any():
        few = F.avg_pool2d(x[coarse], 2)
        x[coarse] = F.interpolate(few, size=x.shape[2:], mode="bilinear", align_corners=False)
    soft = sometimes(0.2)
    if soft.any():
        sigma = uniform(0.3, 1.0, 1)[soft].expand(-1, 2)
        x[soft] = kornia.filters.gaussian_blur2d(x[soft], (5, 5), sigma)
    x = x + torch.randn(x.shape, generator=generator) * (uniform(0, 0.02, 1, 1, 1) * sometimes(0.6)[:, None, None, None])
    x = (x.clamp(0, 1) * 255 - GREY) * inside
    return x * (1 / 64), masks


def turn_hue(x: Tensor, angle: Tensor) -> Tensor:
    """Turns colours about the grey axis, which keeps the mean of the channels. (N, 3, S, S), (N,) radians."""
    cos, sin = torch.cos(angle), torch.sin(angle) / math.sqrt(3)
    a, b, c = cos + (1 - cos) / 3, (1 - cos) / 3 - sin, (1 - cos) / 3 + sin
    matrix = torch.stack([a, b, c, c, a, b, b, c, a], dim=1).view(-1, 3, 3)
    return torch.einsum("nij,njyx->niyx", matrix, x)


def _affine(n: int, uniform, normal, sometimes) -> Tensor:  # noqa: ANN001
    """(n, 2, 3): any turn, either hand, a little scale, aspect and shift."""
    angle = uniform(0, 2 * math.pi)
    flip = torch.where(sometimes(0.5), -1.0, 1.0)
    scale, aspect = torch.exp(normal(0.06)), torch.exp(normal(0.03))
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    shift = normal(0.035, 2)
    top = torch.stack([cos * aspect * flip, -sin * aspect, shift[:, 0]], dim=1)
    bottom = torch.stack([sin / aspect * flip, cos / aspect, shift[:, 1]], dim=1)
    return torch.stack([top, bottom], dim=1)
