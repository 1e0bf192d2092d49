"""Photographs on disk: folders of items, read, cropped and split by individual."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError
from tqdm import tqdm

from .crop import SIZE, Image, crop_still
from .errors import TrainingError

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}


@dataclass(frozen=True)
class Photo:
    """One photograph of one individual; ``grade`` is empty where none is known, ``tabled`` says a table gave it."""

    path: Path
    grade: str
    item: str
    species: str
    tabled: bool = False


def read_image(path: Path) -> Image:
    """(H, W, 3) sRGB.

    :raises TrainingError: when the file is no readable image
    """
    try:
        with Pillow.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, UnidentifiedImageError, Pillow.DecompressionBombError) as cause:
        raise TrainingError(f"cannot read {path}: {cause}", "remove the file or put a whole image in its place") from cause


def photos(folder: Path, species: str = "fruit") -> list[Photo]:
    """Lists a folder: ``GRADE/ITEM/*.jpg``, or a ``labels.csv`` with path, species, grade and individual.

    :param species: of every fruit where the folder has no ``labels.csv``
    :raises TrainingError: when the folder is missing, empty, or laid out otherwise
    """
    if not folder.is_dir():
        raise TrainingError(f"{folder} is no folder", "give a folder laid out as GRADE/ITEM/*.jpg")
    table = folder / "labels.csv"
    if table.exists():
        return _from_table(folder, table)
    found: list[Photo] = []
    for grade in sorted(p for p in folder.iterdir() if p.is_dir()):
        loose = [p.name for p in grade.iterdir() if p.suffix.lower() in SUFFIXES]
        if loose:
            raise TrainingError(
                f"{grade} holds images beside its item folders ({loose[0]})",
                "put the images of each fruit in a folder of its own: GRADE/ITEM/*.jpg",
            )
        for item in sorted(p for p in grade.iterdir() if p.is_dir()):
            files = sorted(p for p in item.iterdir() if p.suffix.lower() in SUFFIXES)
            found += [Photo(p, grade.name, f"{grade.name}/{item.name}", species) for p in files]
    if not found:
        raise TrainingError(f"{folder} holds no images as GRADE/ITEM/*.jpg", "one folder per grade, in it one per fruit")
    return found


def _from_table(folder: Path, table: Path) -> list[Photo]:
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = {"path", "species", "grade", "individual"}
    if not rows or not wanted <= set(rows[0]):
        raise TrainingError(f"{table} lacks a column of {sorted(wanted)}", "see the training's README for the layout")
    return [Photo(folder / r["path"], r["grade"], r["individual"], r["species"], True) for r in rows]


def require_items(listed: list[Photo], least: int = 2) -> None:
    """Checks that every grade has enough individuals to compare.

    :raises TrainingError: for the first grade with fewer than ``least`` items
    """
    by_grade: dict[str, set[str]] = {}
    for photo in listed:
        by_grade.setdefault(photo.grade, set()).add(photo.item)
    for grade, items in sorted(by_grade.items()):
        if grade and len(items) < least:
            raise TrainingError(
                f"grade {grade!r} has {len(items)} item, {least} are needed",
                "a network that saw one fruit of a grade learns the fruit, not the grade: add items",
            )


def split_items(listed: list[Photo], share: float, seed: int) -> tuple[list[Photo], list[Photo]]:
    """Splits by individual, grade by grade; never by photograph.

    :param share: of the items of each grade for the second list, at least one where a grade has two or more
    :returns: the rest, and the share held out
    """
    by_grade: dict[str, list[str]] = {}
    for photo in listed:
        items = by_grade.setdefault(photo.grade, [])
        if photo.item not in items:
            items.append(photo.item)
    held: set[str] = set()
    for grade in sorted(by_grade):
        items = sorted(by_grade[grade])
        random.Random(f"{seed}/{grade}").shuffle(items)
        if len(items) > 1:
            held |= set(items[: max(1, round(share * len(items)))])
    return [p for p in listed if p.item not in held], [p for p in listed if p.item in held]


def crops(listed: list[Photo], title: str = "cropping", size: int = SIZE) -> np.ndarray:
    """(N, size, size, 3) uint8 crops of photographs.

    :raises TrainingError: names the first image that cannot be read
    """
    out = np.empty((len(listed), size, size, 3), np.uint8)
    for i, photo in enumerate(tqdm(listed, desc=title, disable=None)):
        out[i] = crop_still(read_image(photo.path), size)
    return out
