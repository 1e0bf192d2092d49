"""Which photographs of spoilt fruit show their fault: labels given by eye, kept beside the training.

A reject apple looks sound from its clean side, so its grade says nothing about one photograph. ``labels/*.csv`` lists
runs of a turning sequence, ``folder,prefix,first,last,kind``: ``sound`` for a clean side, a fault's name, or ``skip``
where one cannot tell. What no line covers is trained on for identity only.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

from .data import Photo
from .errors import TrainingError
from .faults import kinds
from .pool import UNKNOWN_KIND

FOLDER = Path(__file__).resolve().parents[1] / "labels"
_NAME = re.compile(r"^(.*)_(\d+)$")


@cache
def _runs() -> dict[tuple[str, str], list[tuple[int, int, int]]]:
    known = {"sound": 0, "skip": UNKNOWN_KIND, **{k: i + 1 for i, k in enumerate(kinds())}}
    runs: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    for table in sorted(FOLDER.glob("*.csv")):
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(line for line in file if not line.startswith("#")):
                if row["kind"] not in known:
                    raise TrainingError(f"{table.name} names a fault {row['kind']!r}", f"known are {', '.join(known)}")
                runs.setdefault((row["folder"], row["prefix"]), []).append((int(row["first"]), int(row["last"]), known[row["kind"]]))
    return runs


def kind_of(photo: Photo) -> int:
    """0 sound, 1 + place in ``faults.kinds``, or -1 where nobody has looked."""
    match = _NAME.match(photo.path.stem)
    if match is None:
        return UNKNOWN_KIND
    for first, last, kind in _runs().get((photo.path.parent.name, match[1]), []):
        if first <= int(match[2]) <= last:
            return kind
    return UNKNOWN_KIND
