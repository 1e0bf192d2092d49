from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from gradeline_train.augment import augment, turn_hue
from gradeline_train.checkpoint import NAME, average_runs, load_checkpoint, load_embedder
from gradeline_train.errors import TrainingError
from gradeline_train.faults import kinds, levels
from gradeline_train.losses import NAMES
from gradeline_train.model import CONDITION, DIMENSION, Embedder, join, multiply_adds
from gradeline_train.pool import Pool
from gradeline_train.sampling import Sampler
from gradeline_train.train import Plan, Trainer, train

PLAN = Plan(steps=4, batch=16, seed=3)


def weights(folder: Path) -> torch.Tensor:
    return torch.cat([p.flatten() for p in load_embedder(folder).parameters()])


def test_resumed_training_equals_uninterrupted(pool: Pool, tmp_path: Path) -> None:
    train(PLAN, pool, tmp_path / "whole", save_every=2)
    train(PLAN, pool, tmp_path / "cut", save_every=2, stop_at=3)
    state = load_checkpoint(tmp_path / "cut")
    assert state is not None and state["step"] == 3
    train(PLAN, pool, tmp_path / "cut", save_every=2)
    assert torch.equal(weights(tmp_path / "whole"), weights(tmp_path / "cut"))


def test_batches_prepared_ahead_are_the_same_batches(pool: Pool, tmp_path: Path) -> None:
    train(PLAN, pool, tmp_path / "in turn")
    train(PLAN, pool, tmp_path / "ahead", ahead=2)
    assert torch.equal(weights(tmp_path / "in turn"), weights(tmp_path / "ahead"))


def test_half_precision_trains_and_leaves_weights_in_single(pool: Pool, tmp_path: Path) -> None:
    plan = Plan(steps=40, batch=16, seed=1, rate=1e-3, bf16=True)
    trainer = Trainer(plan, pool)
    values = [trainer.run_step() for _ in range(8)]
    assert np.isfinite(values).all() and min(values[-4:]) < values[0]
    assert all(p.dtype == torch.float32 for p in trainer.branches.parameters())


def test_a_checkpoint_of_another_plan_is_refused(pool: Pool, tmp_path: Path) -> None:
    train(PLAN, pool, tmp_path, stop_at=1)
    with pytest.raises(TrainingError, match="another run"):
        train(Plan(steps=4, batch=16, seed=4), pool, tmp_path)
    with pytest.raises(TrainingError, match="another run"):
        train(PLAN, pool.take(np.arange(len(pool) - 1)), tmp_path)


def test_a_run_may_be_given_fewer_steps_on_the_way(pool: Pool, tmp_path: Path) -> None:
    train(Plan(steps=50, batch=16, seed=3), pool, tmp_path, stop_at=3)
    train(PLAN, pool, tmp_path)
    state = load_checkpoint(tmp_path)
    assert state is not None and state["step"] == PLAN.steps
    # The rate has come down by the end, as if the run had been that short all along.
    assert state["optimiser"]["param_groups"][0]["lr"] < 0.5 * PLAN.rate


def test_a_torn_checkpoint_is_a_clear_error(pool: Pool, tmp_path: Path) -> None:
    train(PLAN, pool, tmp_path, stop_at=1)
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TrainingError, match="cannot be read"):
        train(PLAN, pool, tmp_path)


def test_a_step_through_one_branch_moves_the_other_because_it_is_the_same(pool: Pool) -> None:
    trainer = Trainer(PLAN, pool)
    assert len(trainer.branches) == 1
    views = torch.from_numpy(pool.image[:2])
    with torch.no_grad():
        before = join(trainer.branches[0].eval()(views), 0.5)
    trainer.run_step()
    with torch.no_grad():
        after = join(trainer.branches[-1].eval()(views), 0.5)
    assert (before - after).abs().max() > 1e-4


def test_the_pseudo_siamese_does_not_share_weights(pool: Pool) -> None:
    trainer = Trainer(Plan(steps=6, batch=16, seed=3, siamese=False), pool)
    first, second = trainer.branches
    assert not {p.data_ptr() for p in first.parameters()} & {p.data_ptr() for p in second.parameters()}
    kept = [p.detach().clone() for p in second.parameters()]
    loss = first.from_pixels(torch.randn(4, 3, 96, 96)).condition[:, 0].sum()
    loss.backward()
    assert all(p.grad is None for p in second.parameters())
    trainer.optimiser.step()
    # Weight decay moves nothing without a gradient, so a step through the first leaves the second as it was.
    assert all(torch.equal(a, b) for a, b in zip(kept, second.parameters(), strict=True))
    trainer.run_step()
    assert any(not torch.equal(a, b) for a, b in zip(kept, second.parameters(), strict=True))


@pytest.mark.parametrize("loss", ["best", *NAMES])
def test_every_loss_trains(pool: Pool, loss: str) -> None:
    trainer = Trainer(Plan(steps=40, batch=16, seed=1, loss=loss, rate=1e-3), pool)
    values = [trainer.run_step() for _ in range(8)]
    assert np.isfinite(values).all()
    assert min(values[-4:]) < values[0]


def test_the_embedding_is_one_unit_vector_whatever_the_share() -> None:
    model = Embedder().eval()
    views = torch.randint(0, 256, (3, 96, 96, 3), dtype=torch.uint8)
    with torch.no_grad():
        out = model(views)
        for share in (0.2, 0.5, 1.0):
            joined = join(out, share)
            assert joined.shape == (3, DIMENSION)
            assert torch.allclose(joined.norm(dim=1), torch.ones(3), atol=1e-5)
            assert joined[:, :CONDITION].norm(dim=1).mean().item() == pytest.approx(share**0.5, abs=1e-5)
    assert out.heat.shape == (3, 24, 24)
    assert multiply_adds(model) < 150e6


def test_sampling_depends_on_the_step_alone_and_pairs_kin(pool: Pool) -> None:
    sampler = Sampler(pool, 32, 7)
    rows = sampler.rows(5)
    assert (rows == Sampler(pool, 32, 7).rows(5)).all()
    assert (rows != sampler.rows(6)).any()
    assert (pool.kin[rows[:16]] == pool.kin[rows[16:]]).all()


def test_photographed_pairs_are_turned_in_hue_alike_and_rendered_ones_never(pool: Pool) -> None:
    sampler = Sampler(pool, 64, 7)
    rows, turns = sampler.rows(3), sampler.turns(3)
    assert (turns[:32] == turns[32:]).all() and (turns != 0).any() and (turns == sampler.turns(3)).all()
    assert (turns[:32][pool.source[rows[:32]] == 0] == 0).all()


def test_turning_hues_is_a_turn_about_grey() -> None:
    colours = torch.tensor([[1.0, 0.0, 0.0], [0.4, 0.4, 0.4], [1.0, 0.0, 0.0]])[:, :, None, None]
    turned = turn_hue(colours, torch.tensor([2 * np.pi / 3, 1.0, 0.0]))[:, :, 0, 0]
    assert torch.allclose(turned, torch.tensor([[0.0, 1.0, 0.0], [0.4, 0.4, 0.4], [1.0, 0.0, 0.0]]), atol=1e-5)


def test_how_bad_a_view_is_follows_from_kind_and_area() -> None:
    names = kinds()
    kind = np.asarray([0, -1, *(1 + names.index(k) for k in ("russet", "rot", "wound", "wound")), len(names) + 2], np.int16)
    area = np.asarray([0, 0, 0.5, 0.01, 0.01, 0.2, 0.05], np.float32)
    assert levels(kind, area).tolist() == [0, -1, 1, 2, 1, 2, 2]


def test_about_half_of_what_is_drawn_is_sound(pool: Pool) -> None:
    sampler = Sampler(pool, 96, 1)
    kinds = np.concatenate([pool.kind[sampler.rows(step)] for step in range(20)])
    assert 0.35 < (kinds == 0).mean() < 0.65


def test_augmenting_moves_image_and_mask_together_and_keeps_the_ground_grey() -> None:
    image = torch.full((8, 96, 96, 3), 118, dtype=torch.uint8)
    mask = torch.zeros(8, 24, 24, dtype=torch.uint8)
    image[:, 20:76, 20:76] = 200
    image[:, 28:44, 52:68] = 20
    mask[:, 7:11, 13:17] = 255
    pixels, moved = augment(image, mask, torch.Generator().manual_seed(4))
    again, _ = augment(image, mask, torch.Generator().manual_seed(4))
    assert torch.equal(pixels, again)
    assert (pixels[:, :, 0, 0].abs() < 0.05).all()
    dark = (pixels.mean(dim=1) < -0.5).float()
    small = torch.nn.functional.avg_pool2d(dark[:, None], 4)[:, 0]
    for i in range(8):
        overlap = (small[i] * moved[i]).sum() / small[i].sum()
        assert overlap > 0.6


def test_a_pool_without_faults_cannot_be_learnt_from(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="sound and faulty"):
        train(PLAN, pool.take(np.flatnonzero(pool.kind == 0)), tmp_path)


def test_an_average_lies_between_two_runs(pool: Pool, tmp_path: Path) -> None:
    train(PLAN, pool, tmp_path / "a", stop_at=2)
    train(Plan(steps=6, batch=16, seed=4), pool, tmp_path / "b", stop_at=4, start=tmp_path / "a")
    average_runs(tmp_path / "a", tmp_path / "b", 0.25, tmp_path / "mixed")
    a, b, mixed = (weights(tmp_path / run) for run in ("a", "b", "mixed"))
    assert not torch.equal(a, b)
    assert torch.allclose(mixed, 0.75 * a + 0.25 * b, atol=1e-6)
    with pytest.raises(TrainingError, match="no Siamese run"):
        average_runs(tmp_path / "a", tmp_path / "absent", 0.5, tmp_path / "c")
