"""Checkpoints: the whole state of a run, written whole or not at all."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import torch

from .errors import TrainingError
from .model import Embedder

NAME = "checkpoint.pt"


def save_checkpoint(folder: Path, state: dict[str, object]) -> None:
    """Replaces the folder's checkpoint; a kill in the middle leaves the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{NAME}.part"
    with part.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / NAME)


def load_checkpoint(folder: Path) -> dict | None:
    """The folder's checkpoint, or None where there is none.

    :raises TrainingError: when the file is broken
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as cause:
        raise TrainingError(f"{path} cannot be read: {cause}", "delete it to start the run again") from cause


def load_embedder(folder: Path, branch: int = 0) -> Embedder:
    """The averaged branch of a run's last checkpoint, ready to embed.

    :raises TrainingError: when there is none
    """
    state = load_checkpoint(folder)
    if state is None:
        raise TrainingError(f"{folder} holds no {NAME}", "train first: python -m gradeline_train train")
    prefix = f"{branch}."
    model = Embedder()
    model.load_state_dict({k[len(prefix) :]: v for k, v in state["average"].items() if k.startswith(prefix)})
    return model.eval()


def average_runs(first: Path, second: Path, share: float, out: Path) -> None:
    """Writes a run whose averaged weights lie between those of two runs, one begun from the other.

    What a fine-tuned network gains on new data and what it forgets of the old are both softened (Wortsman et al. 2022).

    :param share: of the second run, 0..1
    :raises TrainingError: when either is missing, or either has two branches
    """
    states = [load_checkpoint(run) for run in (first, second)]
    for run, state in zip((first, second), states, strict=True):
        if state is None or not state["plan"]["siamese"]:
            raise TrainingError(f"{run} holds no Siamese run", "train both runs first")
    a, b = (state["average"] for state in states)  # type: ignore[index]
    mixed = {k: a[k] * (1 - share) + b[k] * share if a[k].is_floating_point() else b[k] for k in b}
    save_checkpoint(out, {**states[1], "average": mixed})  # type: ignore[dict-item]
