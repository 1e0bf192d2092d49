"""All figures of the model card, one table: every embedding against every question.

Where fruit of one kind are told apart the parts weigh as the device has them weigh there, where strangers are as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .disturb import DISTURBANCES
from .items import CALIBRATED, RULES, cover_thresholds, emphasised, grade_item, grade_items_left_out, weighted_rule
from .measures import Figure, Vectors, auroc, balanced_accuracy, bootstrap, distances, few_shot, leave_one_out, nearest_reference, over_draws
from .testsets import FOUR_GRADES, ORDER, TestSet, dev_part, dev_web, rendered_grades

Embed = Callable[[NDArray[np.uint8]], Vectors]
SHOTS = (1, 3, 5, 10, 20)
ENROLLED_VIEWS = 5


def fault_visible(embed: Embed, apples: TestSet) -> Figure:
    """Views with a fault in sight or not, the apple itself left out, nearest class mean, as the device weighs the parts; balanced accuracy."""
    known = apples.only((apples.visible >= 0) & (apples.label != "unknown"))
    vectors, truth = emphasised(embed(known.crops)), known.visible.astype(str)
    guess = leave_one_out(vectors, truth, known.item)
    return bootstrap(known.item, lambda rows: balanced_accuracy(truth[rows], guess[rows]) if len(np.unique(truth[rows])) == 2 else np.nan)


def fault_auroc(embed: Embed, apples: TestSet) -> Figure:
    """The same as the area under the curve of the difference of the two distances."""
    known = apples.only((apples.visible >= 0) & (apples.label != "unknown"))
    vectors, truth = emphasised(embed(known.crops)), known.visible
    score = np.zeros(len(vectors))
    for item in np.unique(known.item):
        own = known.item == item
        means = [vectors[~own & (truth == t)].mean(axis=0, keepdims=True) for t in (0, 1)]
        score[own] = (distances(vectors[own], means[0]) - distances(vectors[own], means[1]))[:, 0]

    def measure(rows: NDArray[np.intp]) -> float:
        t, s = truth[rows], score[rows]
        return auroc(s[t == 0], s[t == 1]) if 0 < t.sum() < len(t) else np.nan

    return bootstrap(known.item, measure)


def items_right(embed: Embed, apples: TestSet, rule: str) -> Figure:
    """Items sound, second, reject with each left out in turn; share right."""
    graded = apples.only(apples.label != "unknown")
    found = grade_items_left_out(rule, embed(graded.crops), graded.label, graded.item, ORDER)
    names = np.asarray(list(found))
    right = np.asarray([found[n][0] == found[n][1] for n in names], float)
    return bootstrap(names, lambda rows: float(right[rows].mean()))


def unknown_enrolled(embed: Embed, apples: TestSet, draws: int = 50) -> Figure:
    """An apple with five of its own views enrolled, its other views against views of all unknown fruit; AUROC."""
    vectors = embed(apples.crops)
    strange = apples.label == "unknown"
    values = []
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        inside, outside = [], []
        for item in np.unique(apples.item[~strange]):
            own = np.flatnonzero(apples.item == item)
            enrolled = rng.choice(own, ENROLLED_VIEWS, replace=False)
            inside.append(distances(vectors[np.setdiff1d(own, enrolled)], vectors[enrolled]).min(axis=1))
            outside.append(distances(vectors[strange], vectors[enrolled]).min(axis=1))
        values.append(float(np.mean([auroc(a, b) for a, b in zip(inside, outside, strict=True)])))
    return over_draws(values)


def unknown_new(embed: Embed, apples: TestSet, by_item: bool = False) -> Figure:
    """All other apples enrolled: an apple of a kind never enrolled against unknown fruit, by nearest reference; AUROC.

    :param by_item: scores the mean over an item's views instead of each view
    """
    vectors = embed(apples.crops)
    strange = apples.label == "unknown"
    score = np.zeros(len(vectors))
    for item in np.unique(apples.item):
        own = apples.item == item
        score[own] = distances(vectors[own], vectors[~own & ~strange]).min(axis=1)
    items = apples.item
    if by_item:
        names = np.unique(items)
        score = np.asarray([score[items == n].mean() for n in names])
        strange = np.asarray([strange[items == n][0] for n in names])
        items = names

    def measure(rows: NDArray[np.intp]) -> float:
        s = strange[rows]
        return auroc(score[rows][~s], score[rows][s]) if 0 < s.sum() < len(s) else np.nan

    return bootstrap(items, measure, draws=300)


def rendered_items(embed: Embed, test: TestSet, rule: str, shots: int = 10, draws: int = 50) -> Figure:
    """Four grades, ``shots`` items of each enrolled, all others graded by item; balanced accuracy over draws."""
    vectors, order = embed(test.crops), tuple(FOUR_GRADES)
    names = np.unique(test.item)
    truth = np.asarray([test.label[test.item == n][0] for n in names])
    rows = {n: np.flatnonzero(test.item == n) for n in names}
    values = []
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        enrolled = np.concatenate([rng.choice(names[truth == g], shots, replace=False) for g in order])
        inside = np.isin(test.item, enrolled)
        references, labels, groups = vectors[inside], test.label[inside], test.item[inside]
        limits = cover_thresholds(references, labels, groups, order) if rule in CALIBRATED else []
        asked = [n for n in names if n not in set(enrolled)]
        grade = partial(grade_item, rule, references, labels, groups, order=order, thresholds=limits)
        if rule in ("weighted", "telling"):  # fitted once for all items
            grade = weighted_rule(references, labels, groups, order, rule == "telling")
        guess = np.asarray([grade(vectors[rows[n]]) for n in asked])
        values.append(balanced_accuracy(truth[np.isin(names, asked)], guess))
    return over_draws(values)


def web_items(embed: Embed, web: TestSet, shots: int, draws: int = 50, telling: bool = False) -> Figure:
    """All photographs of one shoot as one item, graded by weighted class means as the device does; balanced accuracy."""
    vectors = embed(web.crops)
    names = np.unique(web.item)
    truth = np.asarray([web.label[web.item == n][0] for n in names])
    order = ("fresh", "rotten")
    values = []
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        enrolled = np.concatenate([rng.choice(names[truth == g], shots, replace=False) for g in order])
        inside = np.isin(web.item, enrolled)
        asked = ~np.isin(names, enrolled)
        grade = weighted_rule(vectors[inside], web.label[inside], web.item[inside], order, telling)
        guess = [grade(vectors[web.item == n]) for n in names[asked]]
        values.append(balanced_accuracy(truth[asked], np.asarray(guess)))
    return over_draws(values)


def suite(dev: Path | None, cache: Path | None, quick: bool = False) -> dict[str, Callable[[Embed], Figure]]:
    """All questions by name; each takes an embedding and answers with a figure."""
    questions: dict[str, Callable[[Embed], Figure]] = {}
    if dev is not None:
        apples, web = dev_part(dev, "apples", cache), dev_web(dev, cache)
        questions["apples: fault visible, apple left out"] = lambda e: fault_visible(e, apples)
        questions["apples: the same, AUROC"] = lambda e: fault_auroc(e, apples)
        for shots in SHOTS:
            questions[f"apples_web: fresh/rotten, {shots}-shot, class means"] = lambda e, k=shots: few_shot(emphasised(e(web.crops)), web.label, web.item, k)
        questions["apples_web: fresh/rotten, 10-shot, nearest reference"] = lambda e: few_shot(emphasised(e(web.crops)), web.label, web.item, 10, rule=nearest_reference)
        for shots in (1, 5, 10):
            questions[f"apples_web: shoots as items, {shots}-shot, weighted"] = lambda e, k=shots: web_items(e, web, k)
            questions[f"apples_web: shoots as items, {shots}-shot, telling"] = lambda e, k=shots: web_items(e, web, k, telling=True)
        for rule in RULES:
            questions[f"apples: items of 3 grades left out, {rule}"] = lambda e, r=rule: items_right(e, apples, r)
        questions["apples: unknown fruit, own kind enrolled, AUROC"] = lambda e: unknown_enrolled(e, apples)
        questions["apples: unknown fruit, kind never enrolled, views, AUROC"] = lambda e: unknown_new(e, apples)
        questions["apples: unknown fruit, kind never enrolled, items, AUROC"] = lambda e: unknown_new(e, apples, True)
    if not quick:
        unseen, others = rendered_grades(cache), rendered_grades(cache, strangers=True)
        for rule in RULES:
            questions[f"rendered: 4 grades of unseen apples, 10-shot items, {rule}"] = lambda e, r=rule: rendered_items(e, unseen, r)
        for rule in ("weighted", "telling"):
            questions[f"rendered: 4 grades of other fruit, 10-shot items, {rule}"] = lambda e, r=rule: rendered_items(e, others, r)
    else:
        small = rendered_grades(cache, items=6, views=3)
        questions["rendered: 4 grades of unseen apples, 3-shot items, mean"] = lambda e: rendered_items(e, small, "mean", shots=3, draws=10)
    return questions


def disturbed(dev: Path | None, cache: Path | None) -> dict[str, Callable[[Embed], Figure]]:
    """References as they are, queries disturbed: apples_web 10-shot and rendered items."""
    rendered = rendered_grades(cache)
    sets = {"rendered views sound/not, 10-shot": TestSet(rendered.crops, np.where(rendered.visible == 1, "faulty", "sound"), rendered.item, rendered.visible).only(rendered.visible >= 0)}
    if dev is not None:
        sets["apples_web, 10-shot"] = dev_web(dev, cache)
    questions: dict[str, Callable[[Embed], Figure]] = {}
    for name, test in sets.items():
        questions[f"{name}, as it is"] = lambda e, t=test: few_shot(emphasised(e(t.crops)), t.label, t.item, 10)
        for what, change in DISTURBANCES.items():
            questions[f"{name}, {what}"] = lambda e, t=test, c=change: few_shot(emphasised(e(t.crops)), t.label, t.item, 10, queries=emphasised(e(c(t.crops))))
    return questions


def remember(embed: Embed) -> Embed:
    """The same embedding, each set of crops embedded once."""
    known: dict[tuple[int, int], Vectors] = {}

    def wrapped(crops: NDArray[np.uint8]) -> Vectors:
        key = (hash(crops.tobytes()), len(crops))
        if key not in known:
            known[key] = embed(crops)
        return known[key]

    return wrapped


def evaluate(embeddings: dict[str, Embed], questions: dict[str, Callable[[Embed], Figure]], out: Path | None = None) -> dict[str, dict[str, Figure]]:
    """Asks every embedding every question and prints one table as it goes.

    :returns: question -> embedding -> figure
    """
    remembered = {name: remember(e) for name, e in embeddings.items()}
    width = max(map(len, questions)) + 2
    print(" " * width + "".join(f"{name:24}" for name in remembered))
    table: dict[str, dict[str, Figure]] = {}
    for question, ask in questions.items():
        table[question] = {name: ask(e) for name, e in remembered.items()}
        print(f"{question:{width}}" + "".join(f"{figure!s:24}" for figure in table[question].values()), flush=True)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        plain = {q: {n: {k: round(v, 4) for k, v in vars(f).items()} for n, f in row.items()} for q, row in table.items()}
        out.write_text(json.dumps(plain, indent=2) + "\n", encoding="utf-8")
    return table


