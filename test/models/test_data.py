from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gradeline_train.data import crops, photos, require_items, split_items
from gradeline_train.errors import TrainingError
from gradeline_train.faults import kinds
from gradeline_train.labels import kind_of
from gradeline_train.pool import Pool
from gradeline_train.store import known_sound, real_pool
from PIL import Image as Pillow


def write(path: Path, colour: tuple[int, int, int] = (160, 40, 40)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((64, 64, 3), 255, np.uint8)
    y, x = np.mgrid[0:64, 0:64]
    image[(x - 32) ** 2 + (y - 32) ** 2 < 400] = colour
    Pillow.fromarray(image).save(path)
    return path


def folder(root: Path, items: int = 3) -> Path:
    for grade, colour in (("sound", (160, 40, 40)), ("reject", (90, 60, 30))):
        for item in range(items):
            for view in range(2):
                write(root / grade / f"fruit{item}" / f"{view}.png", colour)
    return root


def test_a_folder_of_grades_and_items_is_listed(tmp_path: Path) -> None:
    listed = photos(folder(tmp_path))
    assert len(listed) == 12
    assert {p.grade for p in listed} == {"sound", "reject"}
    assert len({p.item for p in listed}) == 6  # the same folder name in two grades is two fruit


def test_a_split_parts_individuals_never_photographs(tmp_path: Path) -> None:
    kept, held = split_items(photos(folder(tmp_path, 6)), 0.34, 1)
    assert not {p.item for p in kept} & {p.item for p in held}
    assert {p.grade for p in held} == {"sound", "reject"}
    assert len({p.item for p in held}) == 4
    assert split_items(photos(tmp_path), 0.34, 1)[1] == held


def test_a_missing_or_flat_folder_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is no folder"):
        photos(tmp_path / "absent")
    with pytest.raises(TrainingError, match="holds no images"):
        photos(tmp_path)
    write(tmp_path / "sound" / "a.png")
    with pytest.raises(TrainingError, match="beside its item folders") as error:
        photos(tmp_path)
    assert "GRADE/ITEM" in error.value.hint


def test_a_grade_with_one_item_is_refused(tmp_path: Path) -> None:
    listed = photos(folder(tmp_path, 1))
    with pytest.raises(TrainingError, match="has 1 item"):
        require_items(listed)


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0 cut", b"no image at all"])
def test_an_unreadable_image_is_named(tmp_path: Path, content: bytes) -> None:
    root = folder(tmp_path)
    (root / "sound" / "fruit0" / "0.png").write_bytes(content)
    with pytest.raises(TrainingError, match="0.png"):
        crops(photos(root))


def test_photographs_become_a_pool_that_knows_what_is_sound(tmp_path: Path) -> None:
    pool = real_pool(photos(folder(tmp_path)))
    assert (pool.image[:, 48, 48].std(axis=0) > 0).any() and (pool.image[:, 0, 0] == 118).all()
    assert set(pool.kind) == {0, len(kinds()) + 1}  # a grade of the user's own is a condition of its own
    assert len(known_sound(pool)) == 6


def test_a_pool_survives_disk_and_a_broken_one_is_named(tmp_path: Path, pool: Pool) -> None:
    path = tmp_path / "pool.npz"
    pool.save(path)
    again = Pool.load(path)
    assert (again.image == pool.image).all() and list(again.species) == list(pool.species)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TrainingError, match="no pool"):
        Pool.load(path)


def test_labels_by_eye_reach_the_photographs_they_name(tmp_path: Path) -> None:
    from gradeline_train.data import Photo

    def label(name: str) -> int:
        return kind_of(Photo(tmp_path / "Apple_12" / name, "reject", "Apple_12", "apple", True))

    assert label("r0_0100.jpg") == 1 + kinds().index("brownRot")
    assert label("r0_0220.jpg") == 0
    assert label("r0_0010.jpg") == -1
    assert label("r9_0100.jpg") == -1
