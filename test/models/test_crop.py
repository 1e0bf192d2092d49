from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from gradeline_train.crop import FILL, box_weights, crop_still, fruit_mask, open_by_disc, square_crop
from gradeline_train.errors import TrainingError
from gradeline_train.fixtures import STILLS, write_fixtures
from PIL import Image as Pillow

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "crops"


def picture(ground: tuple[int, int, int], height: int = 80, width: int = 100) -> np.ndarray:
    return np.tile(np.asarray(ground, np.uint8), (height, width, 1))


def test_a_disc_before_a_plain_ground_is_found_and_centred() -> None:
    image = picture((250, 250, 250))
    y, x = np.mgrid[0:80, 0:100]
    body = (x - 60) ** 2 + (y - 35) ** 2 <= 20**2
    image[body] = (180, 40, 40)
    mask = fruit_mask(image)
    assert (mask == body).mean() > 0.998
    crop = square_crop(image, mask)
    rows, columns = np.nonzero(np.abs(crop.astype(int) - FILL).max(axis=2) > 20)
    # An odd box in an even square is off by half a pixel of the photograph, which is one of the crop here.
    assert abs(rows.mean() - 47.5) < 1.1 and abs(columns.mean() - 47.5) < 1.1
    assert tuple(crop[0, 0]) == (FILL,) * 3


def test_a_stem_is_cut_off_and_a_hole_is_filled() -> None:
    image = picture((255, 255, 255))
    y, x = np.mgrid[0:80, 0:100]
    image[(x - 50) ** 2 + (y - 45) ** 2 <= 25**2] = (60, 150, 60)
    image[4:22, 49:52] = (80, 60, 30)
    image[44:47, 49:52] = (255, 255, 255)
    mask = fruit_mask(image)
    assert not mask[5:15].any()
    assert mask[45, 50]


def test_a_busy_border_makes_the_whole_image_the_fruit() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    assert fruit_mask(noise).all()
    assert fruit_mask(picture((10, 10, 10))).all()


def test_the_box_filter_keeps_the_mean_and_weighs_by_coverage() -> None:
    weights = box_weights(5, 2)
    assert np.allclose(weights, [[0.4, 0.4, 0.2, 0, 0], [0, 0, 0.2, 0.4, 0.4]])
    assert np.allclose(box_weights(113, 96).sum(axis=1), 1)


def test_opening_by_distances_equals_opening_by_the_disc_itself() -> None:
    from gradeline_train.crop import disc
    from scipy import ndimage

    rng = np.random.default_rng(3)
    mask = ndimage.gaussian_filter(rng.random((50, 60)), 3) > 0.5
    for radius in (1, 2, 4):
        padded = np.pad(mask, radius)
        slow = ndimage.binary_opening(padded, disc(radius))[radius:-radius, radius:-radius]
        assert (open_by_disc(mask, radius) == slow).all()


def test_the_square_has_the_stated_margin_and_grey_beyond_the_image() -> None:
    image = picture((200, 30, 30), 50, 70)
    crop = square_crop(image, np.ones((50, 70), bool), 79)
    side = math.ceil(70 * 1.12)
    assert side == 79
    assert (crop[:15] == FILL).all() and (crop[15:65, 5:75] == (200, 30, 30)).all()


def test_an_empty_mask_is_a_clear_error() -> None:
    with pytest.raises(TrainingError, match="no pixel"):
        square_crop(picture((0, 0, 0)), np.zeros((80, 100), bool))


def test_the_fixtures_are_what_the_command_writes(tmp_path: Path) -> None:
    write_fixtures(tmp_path)
    for name, *_ in STILLS:
        for kind in ("png", "crop.png"):
            made, kept = (np.asarray(Pillow.open(folder / f"{name}.{kind}")).astype(int) for folder in (tmp_path, FIXTURES))
            # Another processor may round a float otherwise; a still that differs by more was drawn by other rules.
            assert np.abs(made - kept).max() <= 2, name
        still = np.asarray(Pillow.open(FIXTURES / f"{name}.png"))
        assert (crop_still(still) == np.asarray(Pillow.open(FIXTURES / f"{name}.crop.png"))).all()
