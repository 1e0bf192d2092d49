"""Training a head on what was looked at once, and what is mixed so that one faulty view is not lost among sound ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from gradeline_train.checkpoint import load_embedder
from gradeline_train.cli import main
from gradeline_train.copies import FIELDS, Copies
from gradeline_train.losses import as_items
from gradeline_train.model import Embedder
from gradeline_train.pool import Pool
from gradeline_train.train import Plan, Trainer, train


def test_rows_are_mixed_with_sound_ones_alone() -> None:
    torch.manual_seed(0)
    vectors = torch.eye(4)
    mixed = as_items(vectors, torch.tensor([True, False, False, True]))
    assert torch.allclose(mixed.norm(dim=1), torch.ones(4))
    for row, others in enumerate(([0, 1, 2], [1, 2], [1, 2], [1, 2, 3])):
        assert mixed[row, row] > 0
        assert mixed[row][[i for i in range(4) if i not in others]].abs().sum() == 0
    # With nothing sound to mix with, each stays what it is.
    assert torch.equal(as_items(vectors, torch.ones(4, dtype=torch.bool)), vectors)


def test_the_least_share_bounds_how_far_a_fault_is_hidden() -> None:
    torch.manual_seed(0)
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    mixed = torch.stack([as_items(vectors, torch.tensor([True, False]), least=0.5)[0] for _ in range(50)])
    own = mixed[:, 0] / mixed.sum(dim=1)
    assert own.min() >= 0.5 - 1e-6 and own.max() <= 1 + 1e-6
    assert own.max() - own.min() > 0.3


@pytest.fixture
def trainer(pool: Pool) -> Trainer:
    made = Trainer(Plan(steps=40, batch=16, seed=3, heads=True, copies=2), pool.take(np.arange(0, len(pool), 3)))
    made.fit_appearance()
    return made


def test_copies_are_what_the_network_makes_of_disturbed_crops(trainer: Trainer, tmp_path: Path) -> None:
    trainer.look(tmp_path)
    copies = trainer.copies
    assert copies is not None
    branch = trainer.branches[0].eval()
    assert isinstance(branch, Embedder)
    out = branch.from_pooled(copies.take(np.asarray([0, 1, 1]), np.asarray([4, 4, 5])))
    assert out.condition.shape == (3, 64)
    # Two copies of a crop are two looks at one fruit: not the same, but nearer than another fruit's.
    first, second, other = out.appearance
    assert 0.01 < (first - second).norm() < (second - other).norm()
    # Where hues are turned, all crops of an individual in one copy are turned alike.
    kin, turned = trainer.sampler.kin, trainer.sampler.photographed
    assert (copies.turn[:, ~turned] == 0).all()
    for one in np.unique(kin[turned]):
        assert len(np.unique(copies.turn[0, turned & (kin == one)])) == 1
    # Made again they are the same; what lies in the cache is found again, not made again.
    again = Copies(branch, trainer.pool, kin, turned, 2, 3, None)
    assert all(np.array_equal(copies.fields[name], again.fields[name]) for name in FIELDS)
    (kept,) = tmp_path.glob("copies-*.npz")
    when = kept.stat().st_mtime_ns
    trainer.look(tmp_path)
    assert kept.stat().st_mtime_ns == when and len(list(tmp_path.iterdir())) == 1


def test_from_copies_the_condition_alone_is_learnt(trainer: Trainer) -> None:
    trainer.look(None)
    before = {name: value.clone() for name, value in trainer.branches[0].state_dict().items()}
    for _ in range(3):
        trainer.run_step()
    after = trainer.branches[0].state_dict()
    assert {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])} == {"to_condition"}


def test_a_run_on_copies_goes_on_where_it_was_cut_off(pool: Pool, tmp_path: Path) -> None:
    few, plan = pool.take(np.arange(0, len(pool), 4)), Plan(steps=4, batch=16, seed=3, heads=True, copies=1)
    whole = train(plan, few, tmp_path / "whole", cache=tmp_path)
    train(plan, few, tmp_path / "cut", stop_at=2, cache=tmp_path)
    train(plan, few, tmp_path / "cut", cache=tmp_path)
    cut = load_embedder(tmp_path / "cut")
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), cut.state_dict().values(), strict=True))


@pytest.mark.parametrize("options", [["--copies", "2"], ["--copies", "2", "--heads", "--pseudo-siamese"]])
def test_copies_are_for_the_heads_of_one_branch(tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--rendered", "4", *options, "--out", str(tmp_path)])
    assert "--copies needs --heads and one branch" in capsys.readouterr().err
