"""The command line: one verb per step of the recipe."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .errors import RecipeError


def _threads(count: int) -> None:
    import torch

    if count:
        torch.set_num_threads(count)


def _pools(args: argparse.Namespace):  # noqa: ANN202
    """The training pool: photographs, faults blended onto the sound ones, rendered fruit."""
    from .data import photos, require_items
    from .pool import Pool
    from .store import blended, known_sound, real_pool, rendered

    parts = []
    for folder in args.data:
        listed = photos(folder, args.species)
        if not listed[0].tabled:
            require_items(listed)
        parts.append(real_pool(listed, args.cache))
    if parts and args.blended:
        sound = known_sound(Pool.join(parts))
        if not len(sound):
            raise RecipeError("no sound fruit to blend faults onto", "name the best grade sound, or give --blended 0")
        parts.append(blended(sound, args.blended, args.seed, args.cache, args.workers, args.without))
    if args.rendered:
        parts.append(rendered(args.rendered, args.seed, args.cache, args.workers, args.without))
    if not parts:
        raise RecipeError("nothing to train on", "give --data, --rendered or both")
    return Pool.join(parts)


def _train(args: argparse.Namespace) -> None:
    from .train import Plan, train

    _threads(args.threads)
    pool = _pools(args)
    print(f"{len(pool)} crops of {len(set(pool.kin))} fruit")
    plan = Plan(args.steps, args.batch, args.rate, seed=args.seed, loss=args.loss, siamese=not args.pseudo_siamese, heat=not args.no_heat)
    train(plan, pool, args.out)


def _export(args: argparse.Namespace) -> None:
    from .checkpoint import load_checkpoint, load_embedder
    from .export import GOLDEN_VIEWS, Card, export
    from .store import rendered
    from .synthesis import VIEWS

    embedder = load_embedder(args.trained)
    plan = load_checkpoint(args.trained)["plan"]  # type: ignore[index]
    golden = rendered(GOLDEN_VIEWS, 77, None, 1).image[::VIEWS]
    calibration = rendered(64, 78, args.cache, 1).image if "int8" in args.variants else None
    card = Card(args.version, args.trained_on, args.licence, plan["seed"], plan["steps"])
    about = export(embedder, args.share, args.out, card, golden, calibration, args.variants)
    print(f"{args.out / about['file']}: {about['sha256']}")


def _fixtures(args: argparse.Namespace) -> None:
    from .fixtures import write_fixtures

    write_fixtures(args.folder)


def _data_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--data", type=Path, action="append", default=[], help="folder laid out GRADE/ITEM/*.jpg, or with labels.csv; may be repeated")
    verb.add_argument("--species", default="apple", help="of the fruit in folders without labels.csv")
    verb.add_argument("--rendered", type=int, default=5000, help="fruit to render, four views each")
    verb.add_argument("--blended", type=int, default=16000, help="crops of sound fruit to blend faults onto")
    verb.add_argument("--without", action="append", default=[], help="a fault family to leave out; may be repeated")
    verb.add_argument("--cache", type=Path, help="keeps crops between runs")
    verb.add_argument("--workers", type=int, default=2, help="processes that render")
    verb.add_argument("--seed", type=int, default=1)
    verb.add_argument("--threads", type=int, default=0, help="of PyTorch; 0 leaves it to PyTorch")


def parser() -> argparse.ArgumentParser:
    """All verbs with their options."""
    from .losses import NAMES

    root = argparse.ArgumentParser(prog="gradeline_train", description="Trains, measures and exports gradeline's embedder.")
    verbs = root.add_subparsers(dest="verb", required=True)

    verb = verbs.add_parser("train", help="train an embedder; run again with the same options to go on after a kill")
    _data_options(verb)
    verb.add_argument("--out", type=Path, required=True, help="folder of the run's checkpoint")
    verb.add_argument("--steps", type=int, default=7000)
    verb.add_argument("--batch", type=int, default=96)
    verb.add_argument("--rate", type=float, default=2e-3)
    verb.add_argument("--loss", choices=["best", *NAMES], default="best")
    verb.add_argument("--pseudo-siamese", action="store_true", help="two branches that do not share weights")
    verb.add_argument("--no-heat", action="store_true", help="without the fault heat map")
    verb.set_defaults(run=_train)

    verb = verbs.add_parser("export", help="write embedder.onnx, its variants, golden vectors and embedder.json")
    verb.add_argument("trained", type=Path, help="folder of a trained run")
    verb.add_argument("--out", type=Path, required=True)
    verb.add_argument("--share", type=float, default=0.5, help="of the condition part in squared distances")
    verb.add_argument("--version", default="0.1.0")
    verb.add_argument("--trained-on", action="append", default=[])
    verb.add_argument("--licence", default="MIT")
    verb.add_argument("--variants", nargs="*", default=["fp16"], choices=["fp16", "int8"])
    verb.add_argument("--cache", type=Path)
    verb.set_defaults(run=_export)

    verb = verbs.add_parser("fixtures", help="write the stills and crops that both languages test against")
    verb.add_argument("folder", type=Path)
    verb.set_defaults(run=_fixtures)
    return root


def main(argv: list[str] | None = None) -> None:
    """Runs one verb; a :class:`RecipeError` prints as one line with its hint and exits with 1."""
    args = parser().parse_args(argv)
    try:
        args.run(args)
    except RecipeError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        sys.exit(1)
