"""Trains one branch (or two, for the pseudo-Siamese comparison) on a pool of crops."""

from __future__ import annotations

import copy
import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from .augment import augment
from .checkpoint import load_checkpoint, load_embedder, save_checkpoint
from .copies import Copies
from .errors import TrainingError
from .faults import kinds, levels
from .losses import MetricLoss, as_items, contrastive, heat_loss, identity_pairs, pairs
from .model import Embedder, Output, Pooled
from .pool import Pool
from .reopen import reopen
from .sampling import Sampler


@dataclass(frozen=True)
class Plan:
    """What a run does; two runs with the same plan and pool end with the same weights."""

    steps: int
    batch: int = 96
    rate: float = 2e-3
    decay: float = 0.02
    seed: int = 1
    loss: str = "best"
    siamese: bool = True
    heat: bool = True
    average: float = 0.999
    bf16: bool = False
    heads: bool = False
    copies: int = 0  # of each crop, looked at once for all steps; 0 looks anew at every step


APPEARANCE_BATCHES = 24
TUNED_RATE = 0.25  # of the rate, for what began as it was published
Batch = tuple[NDArray[np.intp], Tensor, Tensor | Pooled, Tensor]  # rows, their turns of hue, pixels or what was made of them, masks


class Criterion(nn.Module):
    """The whole loss of a step.

    ``best`` is several losses at once: supervised contrastive over kinds of fault and over grades, contrastive over
    "a fault shows", supervised contrastive over individuals and over species, and the heat map. Any other name puts
    that one metric loss in the place of the first five, over the same labels.
    """

    def __init__(self, name: str, classes: int, identities: int, species: int, heat: bool) -> None:
        super().__init__()
        self.name, self.heat = name, heat
        if name == "best":
            self.metric = MetricLoss("supcon")
            self.contrast = contrastive()
        else:
            self.condition = MetricLoss(name, classes)
            self.identity = MetricLoss(name, identities)

    def forward(self, out: Output, batch: dict[str, Tensor]) -> Tensor:
        kind, kin, species = batch["kind"], batch["kin"], batch["species"]
        known = kind >= 0
        condition, kin_known, kind_known = out.condition[known], kin[known], kind[known]
        everyone = torch.arange(len(kin), device=kin.device)
        if self.name == "best":
            level = batch["level"][known]
            shown = (kind_known > 0).long()
            total = 0.4 * self.metric(condition, kind_known, kin_known) + 0.4 * self.metric(condition, level, kin_known)
            total = total + self.contrast(condition, shown, pairs(shown, kin_known))
            items = as_items(condition, shown > 0)
            total = total + 0.8 * self.metric(items, kind_known, kin_known) + 0.8 * self.metric(items, level, kin_known)
            total = total + 0.25 * self.metric.among(out.identity, kin, identity_pairs(kin, batch["turn"]))
            total = total + 0.6 * self.metric(out.identity, species, kin)
        else:
            total = self.condition(condition, kind_known, kin_known) + self.identity(out.identity, kin, everyone)
        if self.heat:
            total = total + heat_loss(out.heat, batch["mask"], batch["masked"], kind.where(kind <= len(kinds()), -1))
        return total


class Trainer:
    """Holds a run's state: branches, their running average, optimiser, step."""

    def __init__(self, plan: Plan, pool: Pool) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.pool, self.step = plan, pool, 0
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.sampler = Sampler(pool, plan.batch, plan.seed)
        classes = max(len(kinds()) + 1, int(pool.kind.max()) + 1)
        species = np.unique(pool.species, return_inverse=True)[1]
        self.labels = {
            "kind": torch.from_numpy(pool.kind.astype(np.int64)),
            "level": torch.from_numpy(levels(pool.kind, pool.area)),
            "kin": torch.from_numpy(self.sampler.kin.astype(np.int64)),
            "species": torch.from_numpy(species.astype(np.int64)),
            "masked": torch.from_numpy(pool.masked),
        }
        branches = [Embedder() for _ in range(1 if plan.siamese else 2)]
        for branch in branches:
            branch.load_published()
        self.branches = nn.ModuleList(branches).to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.branches).requires_grad_(False)
        self.criterion = Criterion(plan.loss, classes, int(self.sampler.kin.max()) + 1, int(species.max()) + 1, plan.heat and not plan.heads).to(self.device)
        if plan.heads:
            self.branches.requires_grad_(False)
            for branch in branches:
                for head in self._heads(branch):
                    head.requires_grad_(True)
        # What knows a million photographs is changed with more care than what begins at random.
        published = {id(p) for branch in branches for p in branch.tuned.parameters()}
        groups = []
        for known, scale in ((True, TUNED_RATE), (False, 1.0)):
            trained = [p for p in self.branches.parameters() if p.requires_grad and (id(p) in published) == known]
            groups.append({"params": [p for p in trained if p.ndim > 1], "weight_decay": plan.decay, "lr_scale": scale})
            groups.append({"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0, "lr_scale": scale})
        proxies = list(self.criterion.parameters())
        if proxies:
            groups.append({"params": proxies, "weight_decay": 0.0, "lr_scale": 20.0})
        self.optimiser = torch.optim.AdamW(groups, lr=plan.rate)
        self.forwards = [branch.from_pooled if plan.copies else branch.from_pixels for branch in branches]
        self.copies: Copies | None = None
        self.ahead: dict[int, Future[Batch]] = {}
        self.helper: ThreadPoolExecutor | None = None

    def prepare_ahead(self, batches: int) -> None:
        """Prepares the next batches beside the training, on this many threads. The batches stay the same."""

        def alone() -> None:
            torch.set_num_threads(1)  # of the calling thread only

        self.helper = ThreadPoolExecutor(batches, initializer=alone) if batches else None

    def _prepare(self, step: int) -> Batch:
        rows = self.sampler.rows(step)
        if self.copies is not None:
            # Both rows of a pair from one copy: there their hues are turned alike.
            copy = np.tile(np.random.default_rng([self.plan.seed, step, 2]).integers(self.plan.copies, size=len(rows) // 2), 2)
            return rows, torch.from_numpy(self.copies.turn[copy, rows]), self.copies.take(copy, rows), torch.zeros(len(rows), 0)
        turn = self.sampler.turns(step)
        generator = torch.Generator().manual_seed(self.plan.seed * 1_000_003 + step)
        turned = torch.from_numpy(turn)
        pixels, mask = augment(torch.from_numpy(self.pool.image[rows]), torch.from_numpy(self.pool.mask[rows]), generator, turned)
        return rows, turned, pixels.contiguous(memory_format=torch.channels_last), mask

    def _batch(self) -> Batch:
        if self.helper is None:
            return self._prepare(self.step)
        for step in range(self.step, self.step + self.helper._max_workers + 1):
            if step not in self.ahead and step < self.plan.steps:
                self.ahead[step] = self.helper.submit(self._prepare, step)
        return self.ahead.pop(self.step).result()

    def _rate(self) -> float:
        """Warm-up over 3 % of the steps, then half a cosine to 2 % of the rate (Loshchilov, Hutter 2017)."""
        warm = max(1, min(200, self.plan.steps // 30))
        if self.step < warm:
            return self.plan.rate * (self.step + 1) / warm
        t = (self.step - warm) / max(1, self.plan.steps - warm)
        return self.plan.rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * t)))

    def run_step(self) -> float:
        """One step; returns its loss."""
        rows, turn, pixels, mask = self._batch()
        batch = {name: column[rows].to(self.device) for name, column in self.labels.items()}
        batch["mask"], batch["turn"] = mask.to(self.device), turn.to(self.device)
        if isinstance(pixels, Pooled):
            parts = [Pooled(*(column.to(self.device) for column in pixels))]
        else:
            parts = pixels.to(self.device, memory_format=torch.channels_last).chunk(len(self.branches))
        self._mode()
        # What is dropped depends on the step alone, so a run can go on where it was cut off.
        torch.manual_seed(self.plan.seed * 1_000_003 + self.step)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.plan.bf16):
            outs = [forward(part) for forward, part in zip(self.forwards, parts, strict=True)]
        out = Output(*(torch.cat(columns) for columns in zip(*outs, strict=True)))
        loss = self.criterion(out, batch)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.branches.parameters(), 5.0)
        rate = self._rate()
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["lr_scale"]
        self.optimiser.step()
        self.step += 1
        self._follow()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(f"the loss of step {self.step} is {value}", "lower --rate or look for broken images")
        return value

    def _mode(self) -> None:
        self.branches.train(not self.plan.heads)
        if self.plan.heads:
            for branch in self.branches:
                for head in self._heads(branch):
                    head.train()

    def _heads(self, branch: nn.Module) -> list[nn.Module]:
        # A few copies show too few hues and lamps to learn identities from.
        return [branch.to_condition] if self.plan.copies else branch.heads  # type: ignore[return-value,list-item]

    def _follow(self) -> None:
        """The running average of the weights: what is measured and shipped."""
        keep = min(self.plan.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, new in zip(self.average.state_dict().values(), self.branches.state_dict().values(), strict=True):
                if mean.dtype.is_floating_point:
                    mean.lerp_(new, 1 - keep)
                else:
                    mean.copy_(new)

    def state(self) -> dict[str, object]:
        """Everything that :meth:`restore` needs."""
        return {
            "plan": asdict(self.plan), "step": self.step, "branches": self.branches.state_dict(), "average": self.average.state_dict(),
            "criterion": self.criterion.state_dict(), "optimiser": self.optimiser.state_dict(), "rows": len(self.pool),
        }  # fmt: skip

    def look(self, cache: Path | None) -> None:
        """Looks at all copies of all crops once, for a head that learns from what was seen."""
        self.copies = Copies(self.branches[0], self.pool, self.sampler.kin, self.sampler.photographed, self.plan.copies, self.plan.seed, cache, self.plan.bf16)  # type: ignore[arg-type]

    def fit_appearance(self) -> None:
        """Fits the appearance of every branch to the crops of the first batches."""
        branch = self.branches[0].eval()
        with torch.no_grad():
            seen = [branch.pool(self._prepare(step)[2].to(self.device)).appearance for step in range(APPEARANCE_BATCHES)]  # type: ignore[operator]
        for each in (*self.branches, *self.average):
            each.fit_appearance(torch.cat(seen))  # type: ignore[operator]

    def begin_with(self, folder: Path) -> None:
        """Takes over another run's averaged weights, or those of an embedder.onnx, in every branch."""
        if folder.suffix == ".onnx":
            rows = np.concatenate([self.sampler.rows(step) for step in range(APPEARANCE_BATCHES)])
            weights = reopen(folder, self.pool.image[rows]).state_dict()
        else:
            weights = load_embedder(folder).state_dict()
        for branch in (*self.branches, *self.average):
            branch.load_state_dict(weights)

    def restore(self, state: dict) -> None:
        """
        The number of steps may differ: a run that turns out too long is ended sooner, with its rate going down sooner.

        :raises TrainingError: when the checkpoint is of another plan or pool
        """
        if replace(Plan(**state["plan"]), steps=self.plan.steps) != self.plan or state["rows"] != len(self.pool):
            raise TrainingError("the checkpoint is of another run", "give another --out, or the options and data it was started with")
        self.step = state["step"]
        self.branches.load_state_dict(state["branches"])
        self.average.load_state_dict(state["average"])
        self.criterion.load_state_dict(state["criterion"])
        self.optimiser.load_state_dict(state["optimiser"])


def train(plan: Plan, pool: Pool, out: Path, *, save_every: int = 100, stop_at: int | None = None, start: Path | None = None, ahead: int = 0, cache: Path | None = None) -> Embedder:
    """Trains to the end of the plan, or goes on where ``out`` was left.

    :param start: a run, or an embedder.onnx that ships, whose weights a fresh run begins with: to go on with one's own fruit
    :param stop_at: stops early, as a kill would, leaving the checkpoint of that step
    :param ahead: threads that prepare batches beside the training
    :param cache: keeps what was seen of the copies of each crop
    :returns: the averaged first branch
    :raises TrainingError: when the pool cannot be learnt from, or the checkpoint is of another run
    """
    if len(np.unique(pool.kin)) < 2 or not (pool.kind == 0).any() or not (pool.kind > 0).any():
        raise TrainingError("training needs sound and faulty views of at least two fruit", "add data, or render some with --rendered")
    trainer = Trainer(plan, pool)
    state = load_checkpoint(out)
    if state is not None:
        trainer.restore(state)
    elif start is not None:
        trainer.begin_with(start)
    else:
        trainer.fit_appearance()
    if plan.copies:
        trainer.look(cache)
    trainer.prepare_ahead(ahead)
    last = min(plan.steps, stop_at or plan.steps)
    with tqdm(total=plan.steps, initial=trainer.step, desc=f"training {plan.loss}", disable=None, mininterval=5) as bar:
        recent: list[float] = []
        since, started = trainer.step, time.monotonic()
        while trainer.step < last:
            recent = [*recent[-99:], trainer.run_step()]
            bar.update()
            if trainer.step % save_every == 0 or trainer.step == last:
                save_checkpoint(out, trainer.state())
                pace = plan.batch * (trainer.step - since) / (time.monotonic() - started)
                since, started = trainer.step, time.monotonic()
                bar.write(f"step {trainer.step}/{plan.steps} loss {np.mean(recent):.3f} {pace:.0f} crops/s")
    return trainer.average[0].eval().cpu()  # type: ignore[return-value]
