from __future__ import annotations

import math

import pytest
import torch
from gradeline_train.errors import TrainingError
from gradeline_train.losses import MARGIN, TEMPERATURE, TRIPLET_MARGIN, MetricLoss, contrastive, heat_loss, identity_pairs, pairs
from torch.nn import functional as F

# Four unit vectors in the plane at 0, 60, 90 and 180 degrees: distances follow from 2 sin(angle / 2).
ANGLES = [0.0, math.pi / 3, math.pi / 2, math.pi]
VECTORS = torch.tensor([[math.cos(a), math.sin(a)] for a in ANGLES])
LABELS = torch.tensor([0, 0, 1, 1])
EVERYONE = torch.arange(4)


def distance(i: int, j: int) -> float:
    return 2 * math.sin(abs(ANGLES[i] - ANGLES[j]) / 2)


def test_contrastive_is_the_formula_of_hadsell_2006() -> None:
    close = [distance(0, 1) ** 2, distance(2, 3) ** 2]
    apart = [max(0.0, MARGIN - distance(i, j)) ** 2 for i in (0, 1) for j in (2, 3)]
    wanted = sum(close) / 2 + sum(apart) / 4
    assert distance(1, 2) < MARGIN  # one pair is inside the margin, or this would test nothing
    assert MetricLoss("contrastive")(VECTORS, LABELS, EVERYONE).item() == pytest.approx(wanted, abs=1e-5)


def test_triplet_is_the_formula_of_facenet_with_the_hardest_of_the_batch() -> None:
    # Per anchor: the furthest of its own class and the nearest of the other.
    hardest = [(distance(0, 1), distance(0, 2)), (distance(1, 0), distance(1, 2)), (distance(2, 3), distance(2, 1)), (distance(3, 2), distance(3, 1))]
    terms = [max(0.0, p - n + TRIPLET_MARGIN) for p, n in hardest]
    above = [t for t in terms if t > 0]
    assert len(above) == 2  # two anchors are satisfied
    assert MetricLoss("triplet")(VECTORS, LABELS, EVERYONE).item() == pytest.approx(sum(above) / len(above), abs=1e-5)


def test_supervised_contrastive_is_the_formula_of_khosla_2020() -> None:
    cosines = VECTORS @ VECTORS.T / TEMPERATURE
    terms = []
    for i, j in ((0, 1), (1, 0), (2, 3), (3, 2)):
        others = [k for k in range(4) if k != i]
        terms.append(math.log(sum(math.exp(cosines[i, k]) for k in others)) - cosines[i, j].item())
    assert MetricLoss("supcon")(VECTORS, LABELS, EVERYONE).item() == pytest.approx(sum(terms) / 4, abs=1e-4)


def test_multi_similarity_is_the_formula_of_wang_2019() -> None:
    alpha, beta, base, epsilon = 2.0, 50.0, 0.5, 0.1
    s = VECTORS @ VECTORS.T
    total = 0.0
    for i in range(4):
        positive = [s[i, j].item() for j in range(4) if j != i and LABELS[j] == LABELS[i]]
        negative = [s[i, j].item() for j in range(4) if LABELS[j] != LABELS[i]]
        kept_p = [v for v in positive if v - epsilon < max(negative)]
        kept_n = [v for v in negative if v + epsilon > min(positive)]
        total += math.log1p(sum(math.exp(-alpha * (v - base)) for v in kept_p)) / alpha
        total += math.log1p(sum(math.exp(beta * (v - base)) for v in kept_n)) / beta
    assert MetricLoss("multi-similarity")(VECTORS, LABELS, EVERYONE).item() == pytest.approx(total / 4, rel=1e-3)


def test_proxy_anchor_is_the_formula_of_kim_2020() -> None:
    loss = MetricLoss("proxy-anchor", classes=2, dimension=2)
    alpha, margin = 32.0, 0.1
    with torch.no_grad():
        s = VECTORS @ F.normalize(loss.loss.proxies, dim=1).T
    positive = negative = 0.0
    for c in range(2):
        positive += math.log1p(sum(math.exp(-alpha * (s[i, c].item() - margin)) for i in range(4) if LABELS[i] == c))
        negative += math.log1p(sum(math.exp(alpha * (s[i, c].item() + margin)) for i in range(4) if LABELS[i] != c))
    assert loss(VECTORS, LABELS, EVERYONE).item() == pytest.approx(positive / 2 + negative / 2, rel=1e-3)


def test_views_of_one_individual_make_no_pair() -> None:
    a1, p, a2, n = pairs(LABELS, torch.tensor([5, 5, 6, 7]))
    assert sorted(zip(a1.tolist(), p.tolist(), strict=True)) == [(2, 3), (3, 2)]
    assert len(a2) == 8 and all(LABELS[i] != LABELS[j] for i, j in zip(a2.tolist(), n.tolist(), strict=True))


def test_one_individual_in_two_hues_is_no_pair_of_identity() -> None:
    a1, p, a2, n = identity_pairs(torch.tensor([5, 5, 5, 7]), torch.tensor([0.0, 0.0, 0.4, 0.0]))
    assert sorted(zip(a1.tolist(), p.tolist(), strict=True)) == [(0, 1), (1, 0)]
    assert {tuple(sorted(pair)) for pair in zip(a2.tolist(), n.tolist(), strict=True)} == {(0, 3), (1, 3), (2, 3)}


def test_a_batch_without_pairs_costs_nothing_and_still_has_a_gradient() -> None:
    vectors = VECTORS.clone().requires_grad_()
    loss = MetricLoss("supcon")(vectors, torch.zeros(4, dtype=torch.long), torch.zeros(4, dtype=torch.long))
    loss.backward()
    assert loss.item() == 0 and vectors.grad is not None


def test_the_contrastive_gradient_pulls_and_pushes() -> None:
    vectors = VECTORS.clone().requires_grad_()
    contrastive()(vectors, LABELS, pairs(LABELS, EVERYONE)).backward()
    moved = VECTORS - 0.01 * vectors.grad
    assert (moved[0] - moved[1]).norm() < (VECTORS[0] - VECTORS[1]).norm()
    assert (moved[1] - moved[2]).norm() > (VECTORS[1] - VECTORS[2]).norm()


def test_the_heat_map_is_taught_where_the_fault_is() -> None:
    mask = torch.zeros(1, 6, 6)
    mask[0, 2:4, 2:4] = 1
    known, faulty = torch.tensor([True]), torch.tensor([3])
    right = heat_loss(mask * 12 - 6, mask, known, faulty)
    wrong = heat_loss(6 - mask * 12, mask, known, faulty)
    assert right < 0.1 < 5 < wrong
    # Where no mask is known, only the brightest cells count, and only for a view that shows a fault.
    dark, unknown = torch.full((1, 6, 6), -4.0), torch.tensor([False])
    bag = heat_loss(dark, mask, unknown, faulty).item()
    assert bag == pytest.approx(0.3 * math.log1p(math.exp(4)), rel=1e-4)
    assert heat_loss(dark, mask, unknown, torch.tensor([-1])).item() == 0


def test_an_unknown_loss_names_the_known_ones() -> None:
    with pytest.raises(TrainingError) as error:
        MetricLoss("hinge")
    assert "supcon" in error.value.hint
