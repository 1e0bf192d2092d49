"""A network that can be trained on, from an embedder.onnx that ships: what export folded together is taken apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from .errors import TrainingError
from .model import Embedder

FOR_NORMS = 384  # views, as many as fit through the network at once


def reopen(path: Path, views: NDArray[np.uint8]) -> Embedder:
    """The branch that ``path`` was exported from, up to what export forgets: its batch norms lie folded into the
    convolutions, so each gets the mean and the spread of what ``views`` send through it, and training can go on.

    :param path: embedder.onnx in single precision
    :param views: (N, S, S, 3) some of the crops that training goes on with
    :raises TrainingError: when the file is no graph of this network, as those before 0.5.0 are not
    """
    try:
        graph = onnx.load(str(path)).graph
        weights = {w.name: numpy_helper.to_array(w) for w in graph.initializer}
        # Equal constants share a name of the exporter's choice, so biases are found by the node that takes them.
        biases = {n.input[1]: n.input[2] for n in graph.node if n.op_type in ("Conv", "Gemm") and len(n.input) > 2}
        model = Embedder().eval()
        norms = _norms(model)
        with torch.no_grad():
            for name, module in model.named_modules():
                if isinstance(module, nn.BatchNorm1d):
                    for buffer in ("running_mean", "running_var"):
                        getattr(module, buffer).copy_(torch.from_numpy(weights[f"embedder.{name}.{buffer}"].copy()))
                if not isinstance(module, (nn.Conv2d, nn.Linear)):
                    continue
                own = f"embedder.{name}.weight"
                module.weight.copy_(torch.from_numpy(weights[own].copy()))
                # A bias of nothing but zeros is not written at all.
                bias = torch.from_numpy(weights[biases[own]].copy()) if own in biases else torch.zeros(len(module.weight))
                if module in norms:
                    _pass_through(norms[module], bias)
                elif module.bias is not None:
                    module.bias.copy_(bias)
    except (OSError, KeyError, RuntimeError, ValueError, onnx.checker.ValidationError) as cause:
        raise TrainingError(f"{path} is no embedder of this network: {cause}", "give an embedder.onnx that this training exported, in single precision") from cause
    except Exception as cause:  # protobuf's own error has no public name
        if type(cause).__name__ != "DecodeError":
            raise
        raise TrainingError(f"{path} is no ONNX file", "give an embedder.onnx that this training exported") from cause
    hooks = [norm.register_forward_pre_hook(_take_spread) for norm in norms.values()]
    with torch.no_grad():
        model(torch.from_numpy(views[:FOR_NORMS]))
    for hook in hooks:
        hook.remove()
    return model


def _norms(model: nn.Module) -> dict[nn.Module, nn.BatchNorm2d]:
    found: dict[nn.Module, nn.BatchNorm2d] = {}
    for module in model.modules():
        if isinstance(module, nn.Sequential):
            parts = list(module)
            found.update({a: b for a, b in zip(parts, parts[1:], strict=False) if isinstance(b, nn.BatchNorm2d)})
    return found


def _pass_through(norm: nn.BatchNorm2d, bias: Tensor) -> None:
    norm.running_mean.zero_()  # type: ignore[union-attr]
    norm.running_var.fill_(1 - norm.eps)  # type: ignore[union-attr]
    norm.weight.fill_(1)
    norm.bias.copy_(bias)


def _take_spread(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
    assert isinstance(norm, nn.BatchNorm2d)
    mean = given[0].mean(dim=(0, 2, 3))
    spread = given[0].var(dim=(0, 2, 3)).clamp_min(1e-6)
    norm.running_mean.copy_(mean)  # type: ignore[union-attr]
    norm.running_var.copy_(spread)  # type: ignore[union-attr]
    norm.bias.add_(mean)
    norm.weight.copy_((spread + norm.eps).sqrt())
