"""Shared by the training's tests: a small pool, made once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gradeline_train.pool import Pool
from gradeline_train.store import blended, known_sound, rendered

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def pool() -> Pool:
    """Forty rendered fruit in four views, and faults blended onto the sound ones as if they were photographs."""
    made = rendered(40, 5, None, 1)
    photographed = made.take(np.flatnonzero(made.kind == 0)[:20])
    photographed.source[:] = 2
    return Pool.join([made, photographed, blended(known_sound(photographed), 40, 5, None, 1)])
