from __future__ import annotations

import numpy as np
import pytest
from gradeline_train.baselines import hsv_histogram, raw_pixels
from gradeline_train.evaluate import web_items
from gradeline_train.items import GRADING_SHARE, UNKNOWN, cover_costs, cover_thresholds, emphasised, grade_item, grade_items_left_out
from gradeline_train.measures import auroc, balanced_accuracy, bootstrap, distances, few_shot, leave_one_out, nearest_reference
from gradeline_train.model import CONDITION, DIMENSION
from gradeline_train.testsets import TestSet


def on_circle(*degrees: float) -> np.ndarray:
    a = np.deg2rad(degrees)
    return np.stack([np.cos(a), np.sin(a)], axis=1).astype(np.float32)


def test_distances_are_euclidean() -> None:
    assert np.allclose(distances(on_circle(0, 90), on_circle(0, 60, 180)), [[0, 1, 2], [2**0.5, 2 * np.sin(np.pi / 12), 2**0.5]], atol=1e-3)


def test_auroc_counts_pairs_and_half_of_ties() -> None:
    assert auroc(np.asarray([1.0, 2.0]), np.asarray([2.0, 3.0])) == pytest.approx(3.5 / 4)
    assert auroc(np.asarray([0.0, 0.1]), np.asarray([1.0])) == 1


def test_balanced_accuracy_weighs_classes_alike() -> None:
    truth, guess = np.asarray(["a"] * 9 + ["b"]), np.asarray(["a"] * 10)
    assert balanced_accuracy(truth, guess) == 0.5


def test_few_shot_never_asks_about_an_enrolled_individual() -> None:
    # Two views per group, each group at a place of its own: a view of an enrolled group would always be right.
    rng = np.random.default_rng(0)
    places = rng.normal(size=(20, 8)).astype(np.float32)
    vectors = np.repeat(places, 2, axis=0)
    groups = np.repeat(np.arange(20), 2).astype(str)
    labels = np.repeat(np.asarray(["a", "b"]), 20)
    assert few_shot(vectors, labels, groups, 9, rule=nearest_reference).value < 0.75
    # The guess of a group is made from the others alone.
    alone = leave_one_out(vectors, labels, groups, nearest_reference)
    assert balanced_accuracy(labels, alone) < 0.95


def test_few_shot_finds_classes_that_are_apart() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat(np.asarray(["a", "b"]), 30)
    vectors = (np.where(labels == "a", 1.0, -1.0)[:, None] + 0.1 * rng.normal(size=(60, 4))).astype(np.float32)
    figure = few_shot(vectors, labels, np.arange(60).astype(str), 1)
    assert figure.value == figure.low == figure.high == 1


def test_the_bootstrap_draws_individuals() -> None:
    groups = np.asarray(["x"] * 50 + ["y"] * 50)
    values = np.asarray([1.0] * 50 + [0.0] * 50)
    figure = bootstrap(groups, lambda rows: float(values[rows].mean()))
    assert figure.value == 0.5 and figure.low == 0 and figure.high == 1  # two individuals tell next to nothing


ORDER = ("sound", "second", "reject")
REFERENCES = on_circle(0, 4, 60, 66, 120, 126)
LABELS = np.asarray(["sound", "sound", "second", "second", "reject", "reject"])
ITEMS = np.asarray(["a", "b", "c", "d", "e", "f"])


def test_cover_asks_for_every_view_and_lets_better_grades_cover_clean_sides() -> None:
    # A reject: one view like a reject, one like a sound fruit.
    costs = cover_costs(REFERENCES, LABELS, on_circle(2, 122), ORDER)
    assert costs[0] > costs[1] > costs[2] and costs[2] < 0.05
    limits = [0.2, 0.2, 0.2]
    assert grade_item("cover", REFERENCES, LABELS, ITEMS, on_circle(2, 122), ORDER, limits) == "reject"
    assert grade_item("cover", REFERENCES, LABELS, ITEMS, on_circle(2, 3), ORDER, limits) == "sound"
    assert grade_item("cover", REFERENCES, LABELS, ITEMS, on_circle(2, 240), ORDER, limits) == UNKNOWN
    # The other rules know no unknown.
    assert grade_item("majority", REFERENCES, LABELS, ITEMS, on_circle(1, 2, 122), ORDER) == "sound"
    assert grade_item("worst", REFERENCES, LABELS, ITEMS, on_circle(1, 2, 122), ORDER) == "reject"
    assert grade_item("mean", REFERENCES, LABELS, ITEMS, on_circle(118, 124), ORDER) == "reject"


def test_the_device_rule_gives_no_better_grade_than_the_nearest_class_mean() -> None:
    views = on_circle(58, 61)
    assert grade_item("weighted", REFERENCES, LABELS, ITEMS, views, ORDER) == "second"
    assert grade_item("device", REFERENCES, LABELS, ITEMS, views, ORDER, [2.0, 2.0, 2.0]) == "second"
    assert grade_item("cover", REFERENCES, LABELS, ITEMS, views, ORDER, [2.0, 2.0, 2.0]) == "sound"
    assert grade_item("device", REFERENCES, LABELS, ITEMS, on_circle(230, 240), ORDER, [0.2, 0.2, 0.2]) == UNKNOWN


def test_a_component_that_varies_within_grades_counts_for_little() -> None:
    # The first component is the variety, the second the condition; the third makes unit rows of them.
    def rows(*pairs: tuple[float, float]) -> np.ndarray:
        return np.asarray([[a, b, (1 - a * a - b * b) ** 0.5] for a, b in pairs], np.float32)

    references = rows((-0.7, 0), (0.7, 0), (-0.7, 0), (0.7, 0.6), (-0.7, 0.6), (0.7, 0.6))
    labels = np.asarray(["sound"] * 3 + ["reject"] * 3)
    view = rows((-0.7, 0.45))
    for rule, wanted in (("mean", "sound"), ("weighted", "reject")):
        assert grade_item(rule, references, labels, ITEMS, view, ("sound", "reject")) == wanted


def test_the_condition_part_is_made_larger_where_grades_are_told_apart() -> None:
    rng = np.random.default_rng(1)
    parts = [rng.normal(size=(5, n)) for n in (CONDITION, DIMENSION - CONDITION)]
    condition, rest = (p / np.linalg.norm(p, axis=1, keepdims=True) for p in parts)
    for share in (0.25, 0.5):
        vectors = np.concatenate([condition * share**0.5, rest * (1 - share) ** 0.5], axis=1).astype(np.float32)
        wanted = np.concatenate([condition * GRADING_SHARE**0.5, rest * (1 - GRADING_SHARE) ** 0.5], axis=1)
        assert emphasised(vectors) == pytest.approx(wanted, abs=1e-6)
    # What has no parts stays as it is.
    assert emphasised(REFERENCES) is REFERENCES
    other = rng.normal(size=(5, DIMENSION)).astype(np.float32)
    assert emphasised(other) is other


def test_where_odd_views_count_for_more_one_faulty_side_tells() -> None:
    sides = [on_circle(0, 2, 4, 6, 8), on_circle(1, 3, 5, 7, 9), on_circle(2, 4, 6, 8, 90), on_circle(1, 3, 5, 7, 95)]
    references = np.concatenate(sides)
    labels, groups = np.repeat(np.asarray(["sound", "sound", "reject", "reject"]), 5), np.repeat(np.arange(4).astype(str), 5)
    views = on_circle(0, 1, 2, 3, 4, 5, 6, 7, 92)  # the faulty side is one view of nine
    assert grade_item("telling", references, labels, groups, views, ("sound", "reject")) == "reject"
    # A single photograph enrolled as sound lies on its own centre and still has a direction.
    one = grade_item("telling", on_circle(0, 90), np.asarray(["sound", "reject"]), np.asarray(["a", "b"]), on_circle(5), ("sound", "reject"))
    assert one == "sound"


def test_thresholds_are_conformal_quantiles_of_items_left_out() -> None:
    limits = cover_thresholds(REFERENCES, LABELS, ITEMS, ORDER)
    # Two items per grade are too few for a 95 % quantile: the larger and a tenth more.
    assert limits == pytest.approx([2.2 * np.sin(np.deg2rad(d)) for d in (2, 3, 3)], abs=1e-3)
    many = on_circle(*np.arange(0, 40, 1.0))
    each = np.arange(40).astype(str)
    wide = cover_thresholds(many, np.full(40, "sound"), each, ("sound",), alpha=0.2)
    assert wide == pytest.approx([2 * np.sin(np.deg2rad(0.5))], abs=1e-3)


def test_items_are_graded_by_the_others() -> None:
    found = grade_items_left_out("cover", REFERENCES, LABELS, ITEMS, ORDER)
    assert found["a"][0] == "sound" and set(found) == set(ITEMS)
    # With one sound item left its distance comes from the other grades'.
    assert [found[i][1] for i in "ab"] == ["sound", "sound"]
    assert grade_items_left_out("worst", REFERENCES, LABELS, ITEMS, ORDER)["e"] == ("reject", "reject")


def test_base_lines_are_unit_rows_and_ignore_the_ground() -> None:
    crop = np.full((2, 96, 96, 3), 118, np.uint8)
    crop[:, 30:60, 30:60] = (200, 30, 30)
    crop[1, 40:50, 40:50] = (30, 200, 30)
    for base in (raw_pixels, hsv_histogram):
        rows = base(crop)
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4)
        assert np.linalg.norm(rows[0] - rows[1]) > 0.1
    assert np.count_nonzero(hsv_histogram(crop)[0]) == 1


def test_shoots_are_graded_as_items_that_were_not_enrolled() -> None:
    rng = np.random.default_rng(2)
    item = np.repeat(np.arange(30), 3).astype(str)
    label = np.repeat(np.asarray(["fresh", "rotten"]), 45)
    # Every shoot has a place of its own, and the two grades lie apart by less than shoots do.
    places = np.repeat(rng.normal(size=(30, 6)), 3, axis=0) + np.where(label == "fresh", 0.8, -0.8)[:, None]
    vectors = (places / np.linalg.norm(places, axis=1, keepdims=True)).astype(np.float32)
    test = TestSet(np.zeros((90, 1, 1, 3), np.uint8), label, item, np.zeros(90, np.int8))
    few, many = (web_items(lambda crops: vectors, test, shots, draws=20).value for shots in (1, 10))
    assert 0.5 < few < many < 1
