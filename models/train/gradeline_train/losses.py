"""Losses: the metric ones from pytorch-metric-learning, the heat map's here."""

from __future__ import annotations

import torch
from pytorch_metric_learning import distances, losses, miners, reducers
from torch import Tensor, nn
from torch.nn import functional as F

from .errors import TrainingError

NAMES = ("contrastive", "triplet", "supcon", "multi-similarity", "proxy-anchor")
MARGIN = 1.0  # of the contrastive loss; unit vectors are at most 2 apart
TRIPLET_MARGIN = 0.3
TEMPERATURE = 0.1

Pairs = tuple[Tensor, Tensor, Tensor, Tensor]


class Contrastive(losses.ContrastiveLoss):
    """The library's loss with the squares of the paper: d^2 for a pair that belongs together, max(0, m - d)^2 for
    one that does not (Hadsell, Chopra, LeCun 2006, eq. 4, without its factor 1/2)."""

    def pos_calc(self, pos_pair_dist: Tensor, margin: float) -> Tensor:
        return super().pos_calc(pos_pair_dist, margin) ** 2

    def neg_calc(self, neg_pair_dist: Tensor, margin: float) -> Tensor:
        return super().neg_calc(neg_pair_dist, margin) ** 2


def contrastive() -> Contrastive:
    """Contrastive loss over all pairs given, the mean over pairs of each sort."""
    return Contrastive(pos_margin=0, neg_margin=MARGIN, distance=distances.LpDistance(), reducer=reducers.MeanReducer())


def pairs(labels: Tensor, kin: Tensor) -> Pairs:
    """All ordered pairs of a batch, those within one individual left out.

    Two views of one apple look alike whatever is wrong with it: as a positive pair they would teach the apple.

    :param labels: (N,) what should come close
    :param kin: (N,) the individual of each row
    :returns: anchors and positives, anchors and negatives, as the library takes them
    """
    same = labels[:, None] == labels[None, :]
    other = kin[:, None] != kin[None, :]
    a1, p = torch.where(same & other)
    a2, n = torch.where(~same & other)
    return a1, p, a2, n


def identity_pairs(kin: Tensor, turn: Tensor) -> Pairs:
    """All ordered pairs of a batch by identity: views of one individual in one hue belong together, views of two
    individuals do not, and one individual in two hues is neither.

    :param turn: (N,) how far the colours of each row were turned
    """
    same = kin[:, None] == kin[None, :]
    alike = same & (turn[:, None] == turn[None, :])
    alike.fill_diagonal_(False)
    a1, p = torch.where(alike)
    a2, n = torch.where(~same)
    return a1, p, a2, n


class MetricLoss(nn.Module):
    """One of :data:`NAMES` on unit vectors, with its miner."""

    def __init__(self, name: str, classes: int = 2, dimension: int = 64) -> None:
        super().__init__()
        self.name = name
        self.miner: nn.Module | None = None
        if name == "contrastive":
            self.loss: nn.Module = contrastive()
        elif name == "triplet":
            self.loss = losses.TripletMarginLoss(margin=TRIPLET_MARGIN, distance=distances.LpDistance())
            self.miner = miners.BatchHardMiner(distance=distances.LpDistance())
        elif name == "supcon":
            self.loss = losses.SupConLoss(temperature=TEMPERATURE)
        elif name == "multi-similarity":
            self.loss = losses.MultiSimilarityLoss(alpha=2, beta=50, base=0.5)
            self.miner = miners.MultiSimilarityMiner(epsilon=0.1)
        elif name == "proxy-anchor":
            self.loss = losses.ProxyAnchorLoss(num_classes=classes, embedding_size=dimension, margin=0.1, alpha=32)
        else:
            raise TrainingError(f"no loss {name!r}", f"choose one of {', '.join(NAMES)}")

    def forward(self, vectors: Tensor, labels: Tensor, kin: Tensor) -> Tensor:
        """
        :param vectors: (N, D) unit rows
        :param labels: (N,) what should come close
        :param kin: (N,) rows of one individual make no pair; pass ``arange`` to pair them all
        :returns: scalar
        """
        if self.name == "proxy-anchor":
            return self.loss(vectors, labels)
        if self.name == "triplet":
            return self.loss(vectors, labels, self.miner(vectors, labels))
        if self.name == "multi-similarity":
            return self.loss(vectors, labels, self.miner(vectors, labels))
        return self.among(vectors, labels, pairs(labels, kin))

    def among(self, vectors: Tensor, labels: Tensor, chosen: Pairs) -> Tensor:
        """The loss over pairs that are given; nothing where there is no pair of one sort."""
        if chosen[0].numel() == 0 or chosen[2].numel() == 0:
            return vectors.sum() * 0
        return self.loss(vectors, labels, chosen)


def heat_loss(logits: Tensor, mask: Tensor, masked: Tensor, kind: Tensor) -> Tensor:
    """Teaches the heat map: cross entropy and Dice where the mask is known, multiple instances where only the label is.

    :param logits: (N, h, w)
    :param mask: (N, h, w) 0..1
    :param masked: (N,) whether the mask is known
    :param kind: (N,) > 0 shows a fault, 0 sound, < 0 not known
    :returns: scalar
    :see: Milletari et al. 2016 (Dice); Ilse et al. 2018 (multiple instances)
    """
    total = logits.sum() * 0
    if masked.any():
        z, m = logits[masked], mask[masked]
        total = total + 4 * F.binary_cross_entropy_with_logits(z, m)
        p = torch.sigmoid(z)
        shown = m.sum(dim=(1, 2)) > 0.3
        if shown.any():
            p, m = p[shown], m[shown]
            overlap = 2 * (p * m).sum(dim=(1, 2)) + 0.5
            total = total + (1 - overlap / ((p * p).sum(dim=(1, 2)) + (m * m).sum(dim=(1, 2)) + 0.5)).mean()
    bag = ~masked & (kind > 0)
    if bag.any():
        # A fault of unknown place: its brightest cells must say so.
        top = logits[bag].flatten(1).topk(8, dim=1).values.mean(dim=1)
        total = total + 0.3 * F.softplus(-top).mean()
    return total


def as_items(vectors: Tensor, shown: Tensor, others: int = 3, least: float = 0.12) -> Tensor:
    """What the device makes of fruit that show their fault in some views only: each row mixed with sound rows of other
    fruit, its own share drawn, as a unit vector. Told apart like this, faults must lie far from sound fruit and sound
    fruit close together, or one faulty view drowns among its sound ones.

    :param vectors: (N, D) unit rows
    :param shown: (N,) whether a row shows a fault
    :param others: sound rows that each is mixed with
    :param least: share of a row that counts least
    :returns: (N, D) unit rows; ``vectors`` themselves where no row is sound
    """
    sound = torch.where(~shown)[0]
    if not len(sound):
        return vectors
    chosen = sound[torch.randint(len(sound), (len(vectors), others), device=vectors.device)]
    own = least + (1 - least) * torch.rand(len(vectors), 1, device=vectors.device)
    return F.normalize(own * vectors + (1 - own) * vectors[chosen].mean(dim=1), dim=1, eps=1e-6)
