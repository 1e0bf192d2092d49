"""Losses and network kinds side by side: runs of equal budget, the same questions."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from .baselines import embed
from .checkpoint import load_checkpoint, load_embedder
from .errors import TrainingError
from .evaluate import fault_auroc, fault_visible, rendered_items, unknown_enrolled
from .measures import Figure, few_shot
from .testsets import dev_part, dev_web, rendered_grades


def compare(runs: list[Path], dev: Path | None, cache: Path | None, share: float = 0.7) -> dict[str, dict[str, Figure]]:
    """Prints and returns run -> question -> figure.

    A pseudo-Siamese run has two branches; it is asked with references and queries through the first, and again with
    queries through the second, as it was trained: what two networks that share nothing have agreed on.

    :param share: of the condition part in squared distances
    """
    web = dev_web(dev, cache) if dev else None
    apples = dev_part(dev, "apples", cache) if dev else None
    unseen = rendered_grades(cache)
    view_label = np.where(unseen.visible == 1, "faulty", "sound")
    table: dict[str, dict[str, Figure]] = {}
    for run in runs:
        state = load_checkpoint(run)
        if state is None:
            raise TrainingError(f"{run} holds no run", "train it first")
        first = partial(embed, load_embedder(run), share=share)
        branches = {"": first}
        if not state["plan"]["siamese"]:
            branches[" (queries through the other branch)"] = partial(embed, load_embedder(run, 1), share=share)
        for suffix, second in branches.items():
            row: dict[str, Figure] = {}
            if web is not None and apples is not None:
                references, queries = first(web.crops), second(web.crops)
                for shots in (1, 5, 10):
                    row[f"apples_web {shots}-shot"] = few_shot(references, web.label, web.item, shots, queries=queries)
                if not suffix:
                    row["apples, fault visible"] = fault_visible(first, apples)
                    row["the same, AUROC"] = fault_auroc(first, apples)
                    row["unknown, kind enrolled"] = unknown_enrolled(first, apples)
            references, queries = first(unseen.crops), second(unseen.crops)
            row["rendered views 10-shot"] = few_shot(references, view_label, unseen.item, 10, queries=queries)
            if not suffix:
                row["rendered items 10-shot"] = rendered_items(first, unseen, "weighted")
            name = f"{run.name}{suffix}"
            table[name] = row
            steps = f"{state['plan']['loss']}, {state['step']} steps of {state['plan']['batch']}"
            print(f"{name} ({steps}): " + "; ".join(f"{q} {f}" for q, f in row.items()), flush=True)
    return table
