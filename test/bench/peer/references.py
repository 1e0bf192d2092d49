"""The gallery as the product wrote it, and a plain grader over it: nearest grade by the item's mean, covered views by limit."""

import json
import struct
from pathlib import Path

import numpy as np

#: Share of good views that may lie beyond the limit of their grade.
ALPHA = 0.05


class Grader:
    def __init__(self, gallery: str) -> None:
        raw = (Path(gallery) / "gallery.bin").read_bytes()
        (length,) = struct.unpack("<I", raw[8:12])
        head = json.loads(raw[12 : 12 + length])
        rows = np.frombuffer(raw[12 + length : -32], "<f4").reshape(-1, head["dimension"])
        self.grades = head["grades"]
        grade = np.concatenate([[self.grades.index(r["grade"])] * r["views"] for r in head["references"]])
        item = np.concatenate([[n] * r["views"] for n, r in enumerate(head["references"])])
        order = np.argsort(grade, kind="stable")
        self.rows, grade, item = np.ascontiguousarray(rows[order]), grade[order], item[order]
        self.starts = np.searchsorted(grade, np.arange(len(self.grades)))
        self.means = np.array([self.rows[grade == k].mean(0) for k in range(len(self.grades))])
        self.means /= np.linalg.norm(self.means, axis=1, keepdims=True)
        # Each enrolled view against those of other items: how far apart views of one grade lie.
        dots = self.rows @ self.rows.T
        dots[item[:, None] == item[None, :]] = -1
        best = np.maximum.accumulate(np.maximum.reduceat(dots, self.starts, axis=1), axis=1)
        away = np.sqrt(np.maximum(0, 2 - 2 * best))
        self.limits = np.array([np.quantile(away[grade == k, k], 1 - ALPHA) for k in range(len(self.grades))])

    def grade(self, views: np.ndarray):
        """``views`` (count, dimension) of one item. Returns the grade's name or ``unknown``, and the distance to each."""
        best = np.maximum.accumulate(np.maximum.reduceat(views @ self.rows.T, self.starts, axis=1), axis=1)
        spared = len(views) // 10
        worst = np.partition(best, spared, axis=0)[spared]
        away = np.sqrt(np.maximum(0, 2 - 2 * worst))
        first = int(np.argmax(self.means @ views.mean(0)))
        for grade in range(first, len(self.grades)):
            if away[grade] <= self.limits[grade]:
                return self.grades[grade], away
        return "unknown", away
