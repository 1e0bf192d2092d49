"""What is measured on: the dev photographs and rendered fruit that no training seed draws."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from .body import random_pose
from .crop import crop_still
from .data import read_image
from .errors import TrainingError
from .faults import draw_fault
from .fruit import Variety, between_varieties, random_stranger
from .measures import Labels
from .render import Fruit, render, turning

PLAIN = 0.01  # of the body: a fault as small as this is one that a grader would not miss
TEST_SEED = 900_000  # training draws from [seed, item] with seeds far below
ORDER = ("sound", "second", "reject")
FOUR_GRADES: dict[str, tuple[str, ...]] = {
    "sound": (),
    "second": ("russet", "hail", "scab"),
    "bruised": ("bruise", "dent"),
    "rotten": ("rot", "brownRot", "blackRot"),
}


@dataclass(frozen=True)
class TestSet:
    """N crops, each with a class, an individual, and where known whether it shows a fault (1, 0, else -1)."""

    __test__ = False  # its name is no invitation to pytest

    crops: NDArray[np.uint8]
    label: Labels
    item: Labels
    visible: NDArray[np.int8]

    def only(self, rows: NDArray[np.bool_]) -> TestSet:
        """Some rows."""
        return TestSet(self.crops[rows], self.label[rows], self.item[rows], self.visible[rows])


def _read(folder: Path, rows: list[dict[str, str]], cache: Path | None, name: str) -> NDArray[np.uint8]:
    path = cache / f"test-{name}-{len(rows)}.npz" if cache else None
    if path and path.exists():
        with np.load(path) as stored:
            return stored["crops"]
    crops = np.stack([crop_still(read_image(folder / row["path"])) for row in tqdm(rows, desc=f"reading {name}", disable=None)])
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, crops=crops)
    return crops


def _table(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        raise TrainingError(f"{path} is missing", "the dev set has labels.csv at its root and in apples_web")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def dev_part(folder: Path, part: str, cache: Path | None) -> TestSet:
    """One part of the dev photographs: ``apples``, ``tomatoes`` or ``lemons_authors_examples``."""
    rows = [r for r in _table(folder / "labels.csv") if r["path"].startswith(f"{part}/")]
    visible = [{"0": 0, "1": 1}.get(r["defect_visible"], -1) for r in rows]
    grade = np.asarray([r["grade"] for r in rows])
    item = np.asarray([r["individual"] for r in rows])
    return TestSet(_read(folder, rows, cache, part), grade, item, np.asarray(visible, np.int8))


def dev_web(folder: Path, cache: Path | None) -> TestSet:
    """The single photographs of fresh and rotten apples; groups of one shoot count as one individual."""
    rows = _table(folder / "apples_web" / "labels.csv")
    grade = np.asarray([r["grade"] for r in rows])
    group = np.asarray([f"{r['grade']}/{r['group']}" for r in rows])
    return TestSet(_read(folder / "apples_web", rows, cache, "apples_web"), grade, group, (grade == "rotten").astype(np.int8))


def _cached(cache: Path | None, name: str, make) -> TestSet:  # noqa: ANN001
    path = cache / f"test-{name}.npz" if cache else None
    if path and path.exists():
        with np.load(path) as s:
            return TestSet(s["crops"], s["label"], s["item"], s["visible"])
    made = make()
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, crops=made.crops, label=made.label, item=made.item, visible=made.visible)
    return made


def _fruit_of(kind: str | None, variety: Variety, rng: np.random.Generator, size: float | None) -> Fruit:
    faults = (draw_fault(kind, rng, size=size),) if kind else ()
    return Fruit(variety, faults, int(rng.integers(2**31)))


def rendered_grades(cache: Path | None, items: int = 40, views: int = 8, strangers: bool = False) -> TestSet:
    """Turning fruit of unseen varieties, each between two named ones, in four grades.

    A fault may be out of sight in some views, as on the line; in at least one it covers :data:`PLAIN` of the body.

    :param items: per grade
    :param strangers: other fruit than apples
    """

    def make() -> TestSet:
        crops, label, item, visible = [], [], [], []
        for g, (grade, kinds) in enumerate(FOUR_GRADES.items()):
            for i in tqdm(range(items), desc=f"rendering {grade}", disable=None):
                attempt = 0
                while True:
                    rng = np.random.default_rng([TEST_SEED + strangers, g, i, attempt])
                    name = f"{grade}/{i}"
                    variety = (random_stranger if strangers else between_varieties)(rng, name)
                    fruit = _fruit_of(kinds[i % len(kinds)] if kinds else None, variety, rng, rng.uniform(0.3, 1.0))
                    seen = [render(fruit, pose, rng) for pose in turning(rng, views)]
                    if not kinds or any(v.kind > 0 and v.area > PLAIN for v in seen):
                        break
                    attempt += 1
                crops += [v.image for v in seen]
                label += [grade] * views
                item += [name] * views
                visible += [min(v.kind, 1) for v in seen]
        return TestSet(np.stack(crops), np.asarray(label), np.asarray(item), np.asarray(visible, np.int8))

    return _cached(cache, f"grades-{items}-{views}-{int(strangers)}", make)


def rendered_kind(kind: str, cache: Path | None, items: int = 30, views: int = 3) -> TestSet:
    """Views of unseen apples that show one fault family, beside as many sound ones; labels are the family and sound."""

    def make() -> TestSet:
        crops, label, item = [], [], []
        for g, name in enumerate(("sound", kind)):
            for i in tqdm(range(items), desc=f"rendering {name}", disable=None):
                rng = np.random.default_rng([TEST_SEED + 7, sum(map(ord, kind)), g, i])
                fruit = _fruit_of(None if g == 0 else kind, between_varieties(rng, f"{name}/{i}"), rng, rng.uniform(0.3, 1.0))
                kept = 0
                for _ in range(40):
                    view = render(fruit, random_pose(rng), rng)
                    if (view.kind > 0 and view.area > 0.004) != (g == 1) or view.kind < 0:
                        continue
                    crops.append(view.image)
                    label.append(name)
                    item.append(f"{name}/{i}")
                    kept += 1
                    if kept == views:
                        break
        label_array = np.asarray(label)
        return TestSet(np.stack(crops), label_array, np.asarray(item), (label_array != "sound").astype(np.int8))

    return _cached(cache, f"kind-{kind}-{items}-{views}", make)
