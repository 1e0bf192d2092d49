from __future__ import annotations

import numpy as np
import pytest
from gradeline_train.body import Body, facing, random_pose
from gradeline_train.faults import draw_fault, families, kinds, paint
from gradeline_train.fruit import Shape, named_variety, parameters, random_apple, random_stranger
from gradeline_train.render import Fruit, render, turning
from gradeline_train.store import rendered
from gradeline_train.synthesis import rendered_pool


def test_the_same_seed_draws_the_same_pixels_and_another_does_not() -> None:
    first, second, third = (rendered_pool(range(2, 5), seed, 1) for seed in (11, 11, 12))
    assert (first.image == second.image).all() and (first.mask == second.mask).all()
    assert (first.image != third.image).any()


def test_two_workers_draw_what_one_draws() -> None:
    assert (rendered_pool(range(4), 3, 2).image == rendered_pool(range(4), 3, 1).image).all()


def test_a_cached_pool_is_the_one_that_was_rendered(tmp_path) -> None:  # noqa: ANN001
    made = rendered(3, 9, tmp_path, 1)
    again = rendered(3, 9, tmp_path, 1)
    assert len(list(tmp_path.glob("rendered-*.npz"))) == 1
    assert (made.image == again.image).all() and list(made.kin) == list(again.kin)


@pytest.mark.parametrize("kind", ["rot", "scab", "puncture", "russet", "shrivel", "burst", "cuts"])
def test_a_fault_that_faces_the_camera_shows_and_is_masked(kind: str) -> None:
    shown = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        fault = draw_fault(kind, rng, size=0.9)
        fruit = Fruit(named_variety("golden", rng), (fault,), seed)
        view = render(fruit, facing(fault.spots[0].centre, rng), np.random.default_rng(seed))
        shown += view.kind == 1 + kinds().index(kind)
        assert 0 <= view.mask.min() and view.mask.max() <= 1
    assert shown >= 3


def test_the_clean_side_of_a_faulty_fruit_is_labelled_sound() -> None:
    rng = np.random.default_rng(4)
    fault = draw_fault("puncture", rng, size=0.5)
    fruit = Fruit(named_variety("gala", rng), (fault,), 4)
    centre = np.mean([spot.centre for spot in fault.spots], axis=0)
    labels = [render(fruit, facing(-centre, np.random.default_rng(i)), np.random.default_rng(i)).kind for i in range(6)]
    assert labels.count(0) >= 5


def test_a_body_turns_with_its_skin() -> None:
    body = Body(Shape(), 1)
    pose = random_pose(np.random.default_rng(0))
    seen = body.seen(pose, 80, 30)
    # A ball of radius 30 covers pi * 900 pixels, and the point that faces the camera is the pose's third row.
    assert abs(len(seen.pixels) / (np.pi * 900 * 0.92) - 1) < 0.15
    nearest = seen.points[seen.normals[:, 2].argmax()]
    assert np.allclose(np.linalg.norm(seen.points, axis=1), 1, atol=1e-3)
    assert nearest @ pose[2] > 0.95


def test_turning_goes_round_once() -> None:
    poses = turning(np.random.default_rng(1), 6)
    step = poses[1] @ poses[0].T
    assert np.allclose(np.linalg.matrix_power(step, 6), np.eye(3), atol=1e-9)


def test_every_family_paints_within_bounds() -> None:
    rng = np.random.default_rng(2)
    points = rng.normal(size=(3000, 3)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    for kind in families():
        coat = paint(draw_fault(kind, rng, size=1.0), points)
        assert coat.cover.max() > 0.05, kind
        assert 0 <= coat.cover.min() and coat.cover.max() <= 1.0001, kind
        assert np.isfinite(coat.height).all() and 0 <= coat.colour.min() and coat.colour.max() <= 1, kind


def test_the_named_varieties_are_those_of_the_shared_file_and_random_ones_are_new() -> None:
    rng = np.random.default_rng(0)
    for name in (*parameters()["varieties"], *parameters()["strangers"]):
        assert named_variety(name, rng).name == name
    assert random_apple(rng, "a").species == "apple"
    assert all(random_stranger(rng, str(i)).species != "apple" for i in range(30))
