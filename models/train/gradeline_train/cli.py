"""The command line: one verb per step of the training."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np

from .errors import TrainingError


def _count(text: str) -> int:
    """A whole number, 0 or more."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is below 0")
    return value


def _some(text: str) -> int:
    """A whole number, 1 or more."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is below 1")
    return value


def _rate(text: str) -> float:
    """A number above 0."""
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{value} is not above 0")
    return value


def _share(text: str) -> float:
    """A number from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{value} is not between 0 and 1")
    return value


def _family(text: str) -> str:
    from .faults import kinds

    if text not in kinds():
        raise argparse.ArgumentTypeError(f"no fault family {text!r}: choose one of {', '.join(kinds())}")
    return text


def _threads(count: int) -> None:
    import torch

    if count:
        torch.set_num_threads(count)


def _pools(args: argparse.Namespace):  # noqa: ANN202
    """The training pool: photographs, faults blended onto the sound ones, rendered fruit."""
    from .data import photos, require_items
    from .pool import REAL, Pool
    from .store import blended, known_sound, line, real_pool, rendered

    parts = []
    for folder in args.data:
        listed = photos(folder, args.species)
        if not listed[0].tabled:
            require_items(listed)
        listed = [photo for photo in listed if photo.species not in args.without_species]
        parts.append(real_pool(listed, args.cache))
    if parts and args.blended:
        sound = known_sound(Pool.join(parts))
        if not len(sound):
            raise TrainingError("no sound fruit to blend faults onto", "name the best grade sound, or give --blended 0")
        parts.append(blended(sound, args.blended, args.seed, args.cache, args.workers, args.without))
    # Frames of a turning fruit that follow each other are nearly one picture.
    parts = [part.take(np.flatnonzero((part.source != REAL) | (np.arange(len(part)) % args.every == 0))) for part in parts]
    if args.rendered:
        parts.append(rendered(args.rendered, args.seed, args.cache, args.workers, args.without))
    if args.line:
        parts.append(line(args.line, args.seed, args.cache, args.workers))
    if not parts:
        raise TrainingError("nothing to train on", "give --data, --rendered or both")
    pool = Pool.join(parts)
    return pool.take(np.flatnonzero(~np.isin(pool.species, args.without_species))) if args.without_species else pool


def _train(args: argparse.Namespace) -> None:
    from .train import Plan, train

    _threads(args.threads)
    if args.copies and (not args.heads or args.pseudo_siamese):
        raise TrainingError("--copies needs --heads and one branch", "leave it out where more than the heads is trained")
    pool = _pools(args)
    print(f"{len(pool)} crops of {len(set(pool.kin))} fruit")
    plan = Plan(args.steps, args.batch, args.rate, seed=args.seed, loss=args.loss, siamese=not args.pseudo_siamese, heat=not args.no_heat, bf16=args.fast, heads=args.heads, copies=args.copies)
    train(plan, pool, args.out, start=args.start, ahead=args.ahead, cache=args.cache)


def _export(args: argparse.Namespace) -> None:
    from .checkpoint import load_checkpoint, load_embedder
    from .export import GOLDEN_VIEWS, Card, description_of, export
    from .reopen import reopen
    from .store import rendered
    from .synthesis import VIEWS

    golden = rendered(GOLDEN_VIEWS, 77, None, 1).image[::VIEWS]
    again = args.trained.suffix == ".onnx"
    calibration = rendered(64, 78, args.cache, 1).image if again or "int8" in args.variants else None
    said: dict = {}
    if again:
        said = description_of(args.trained)
        embedder, training = reopen(args.trained, calibration), said["training"]  # type: ignore[arg-type]
    else:
        embedder, training = load_embedder(args.trained), load_checkpoint(args.trained)["plan"]  # type: ignore[index]
    trained_on, licence = args.trained_on or said.get("trainedOn", []), args.licence or said.get("licence", "MIT")
    card = Card(args.version, trained_on, licence, training["seed"], training["steps"])
    about = export(embedder, args.share, args.out, card, golden, calibration, args.variants)
    print(f"{args.out / about['file']}: {about['sha256']}")


def _embeddings(args: argparse.Namespace):  # noqa: ANN202
    """What is asked for, by name: trained runs (FOLDER or FOLDER@SHARE), base lines, and graphs (FILE.onnx)."""
    from .autoencoder import encode, load_autoencoder
    from .baselines import embed, hsv_histogram, published, raw_pixels, untrained
    from .checkpoint import load_embedder
    from .export import run, session

    known = {"raw": raw_pixels, "hsv": hsv_histogram, "untrained": untrained, "published": published}
    found = {}
    for name in args.embeddings:
        if name in known:
            found[name] = known[name]
        elif name.endswith(".onnx"):
            found[Path(name).stem] = partial(run, session(Path(name)))
        elif (Path(name) / "autoencoder.pt").exists():
            found["autoencoder"] = partial(encode, load_autoencoder(Path(name)))
        else:
            folder, _, share = name.partition("@")
            try:
                part = _share(share or "0.5")
            except (ValueError, argparse.ArgumentTypeError) as cause:
                raise TrainingError(f"{name} names no share of the condition part", "write FOLDER@SHARE, the share from 0 to 1") from cause
            found[Path(folder).name + (f"@{share}" if share else "")] = partial(embed, load_embedder(Path(folder)), share=part)
    return found


def _evaluate(args: argparse.Namespace) -> None:
    from .evaluate import disturbed, evaluate, suite

    _threads(args.threads)
    embeddings = _embeddings(args)
    questions = disturbed(args.dev, args.cache) if args.disturbed else suite(args.dev, args.cache, args.quick)
    evaluate(embeddings, questions, args.out)


def _compare(args: argparse.Namespace) -> None:
    from .compare import compare

    _threads(args.threads)
    compare(args.runs, args.dev, args.cache, args.share)


def _unseen(args: argparse.Namespace) -> None:
    from .data import photos
    from .items import emphasised
    from .measures import few_shot
    from .store import SOUND_GRADES
    from .unseen import unseen_kind, unseen_species

    _threads(args.threads)
    embeddings = _embeddings(args)
    for kind in args.kind:
        for name, embed in embeddings.items():
            accuracy, detected = unseen_kind(embed, kind, args.cache)
            print(f"{kind}, 5-shot against sound: {name:20} accuracy {accuracy}, found at 5 % turned away {detected}", flush=True)
    for species in args.species:
        listed = [p for folder in args.data for p in photos(folder) if p.species == species and (p.grade in SOUND_GRADES or not p.grade)]
        test = unseen_species(listed)
        for name, embed in embeddings.items():
            vectors = emphasised(embed(test.crops))
            for shots in (1, 5, 10):
                print(f"{species}, fresh/rotten, {shots}-shot: {name:20} {few_shot(vectors, test.label, test.item, shots)}", flush=True)


def _map(args: argparse.Namespace) -> None:
    from .projection import draw_map
    from .testsets import dev_part, dev_web, rendered_grades

    _threads(args.threads)
    name, embed = next(iter(_embeddings(args).items()))
    sets = {"apples": lambda: dev_part(args.dev, "apples", args.cache), "apples_web": lambda: dev_web(args.dev, args.cache), "rendered": lambda: rendered_grades(args.cache, **({"items": 6, "views": 3} if args.quick else {}))}
    if args.set != "rendered" and args.dev is None:
        raise TrainingError(f"the set {args.set} needs photographs", "give --dev, or use --set rendered")
    test = sets[args.set]()
    draw_map(embed(test.crops), test.label, args.out, f"{args.set} by {name}", args.method)
    print(args.out)


def _autoencoder(args: argparse.Namespace) -> None:
    from .autoencoder import train_autoencoder

    _threads(args.threads)
    train_autoencoder(_pools(args), args.out, args.steps, seed=args.seed)


def _digits(args: argparse.Namespace) -> None:
    from .digits import SHOTS, UNSEEN, run_digits

    result = run_digits(args.loss, args.steps, args.seed, args.out)
    print(f"digits {UNSEEN[0]} and {UNSEEN[1]}, never trained on, {SHOTS} of each enrolled: {result.learnt}; raw pixels {result.pixels}")


def _average(args: argparse.Namespace) -> None:
    from .checkpoint import average_runs

    average_runs(args.first, args.second, args.share, args.out)


def _fixtures(args: argparse.Namespace) -> None:
    from .fixtures import write_fixtures

    write_fixtures(args.folder)


def _data_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--data", type=Path, action="append", default=[], help="folder laid out GRADE/ITEM/*.jpg, or with labels.csv; may be repeated")
    verb.add_argument("--species", default="apple", help="of the fruit in folders without labels.csv")
    verb.add_argument("--rendered", type=_count, default=5000, help="fruit to render, four views each")
    verb.add_argument("--line", type=_count, default=0, help="fruit to render as the simulated line shows them, four views each")
    verb.add_argument("--blended", type=_count, default=16000, help="crops of sound fruit to blend faults onto")
    verb.add_argument("--without", type=_family, action="append", default=[], help="a fault family to leave out; may be repeated")
    verb.add_argument("--without-species", action="append", default=[], help="a species to leave out; may be repeated")
    verb.add_argument("--every", type=_some, default=1, metavar="N", help="learn from every Nth photograph only, as listed; faults are blended onto all")
    verb.add_argument("--cache", type=Path, help="keeps crops between runs")
    verb.add_argument("--workers", type=_some, default=2, help="processes that render")
    verb.add_argument("--seed", type=_count, default=1)
    verb.add_argument("--threads", type=_count, default=0, help="of PyTorch; 0 leaves it to PyTorch")


def parser() -> argparse.ArgumentParser:
    """All verbs with their options."""
    from .losses import NAMES

    root = argparse.ArgumentParser(prog="gradeline_train", description="Trains, measures and exports gradeline's embedder.")
    verbs = root.add_subparsers(dest="verb", required=True)

    verb = verbs.add_parser("train", help="train an embedder; run again with the same options to go on after a kill")
    _data_options(verb)
    verb.add_argument("--out", type=Path, required=True, help="folder of the run's checkpoint")
    verb.add_argument("--start", type=Path, help="a trained run, or an embedder.onnx that ships, whose weights to begin with")
    verb.add_argument("--steps", type=_some, default=5000)
    verb.add_argument("--batch", type=_some, default=96)
    verb.add_argument("--rate", type=_rate, default=2e-3)
    verb.add_argument("--loss", choices=["best", *NAMES], default="best")
    verb.add_argument("--pseudo-siamese", action="store_true", help="two branches that do not share weights")
    verb.add_argument("--fast", action="store_true", help="convolved in bfloat16: quicker on a CPU or GPU that has it")
    verb.add_argument("--heads", action="store_true", help="train the two heads alone: quick, for few fruit; begin with --start")
    verb.add_argument("--copies", type=_count, default=0, help="with --heads: train the condition's head alone, from this many disturbed copies of each crop, looked at once and kept in --cache: thousands of crops a second; 0 looks anew at every step")
    verb.add_argument("--ahead", type=_count, default=1, help="threads that prepare batches beside the training")
    verb.add_argument("--no-heat", action="store_true", help="without the fault heat map")
    verb.set_defaults(run=_train)

    verb = verbs.add_parser("export", help="write embedder.onnx, its variants, golden vectors and embedder.json")
    verb.add_argument("trained", type=Path, help="folder of a trained run, or an embedder.onnx with its description, to write it anew with another --share")
    verb.add_argument("--out", type=Path, required=True)
    verb.add_argument("--share", type=_share, default=0.5, help="of the condition part in squared distances")
    verb.add_argument("--version", default="0.1.0")
    verb.add_argument("--trained-on", action="append", default=[])
    verb.add_argument("--licence", help="of the weights; MIT, or what the description of embedder.onnx says")
    verb.add_argument("--variants", nargs="*", default=["fp16"], choices=["fp16", "int8"])
    verb.add_argument("--cache", type=Path)
    verb.set_defaults(run=_export)

    def asks(verb: argparse.ArgumentParser, count: str = "+") -> None:
        verb.add_argument("embeddings", nargs=count, help="raw, hsv, untrained, published, a run's FOLDER or FOLDER@SHARE, or FILE.onnx")
        verb.add_argument("--cache", type=Path)
        verb.add_argument("--threads", type=_count, default=0)

    verb = verbs.add_parser("evaluate", help="all figures of the model card, every embedding in one table")
    asks(verb)
    verb.add_argument("--dev", type=Path, help="folder with apples/, apples_web/ and labels.csv")
    verb.add_argument("--quick", action="store_true", help="small rendered sets, for a first look")
    verb.add_argument("--disturbed", action="store_true", help="how figures fall with light, blur, belt and offset")
    verb.add_argument("--out", type=Path, help="also write the table as JSON")
    verb.set_defaults(run=_evaluate)

    verb = verbs.add_parser("compare", help="runs of equal budget side by side, a pseudo-Siamese one through both branches")
    verb.add_argument("runs", type=Path, nargs="+")
    verb.add_argument("--dev", type=Path)
    verb.add_argument("--share", type=_share, default=0.7)
    verb.add_argument("--cache", type=Path)
    verb.add_argument("--threads", type=_count, default=0)
    verb.set_defaults(run=_compare)

    verb = verbs.add_parser("unseen", help="fault families and species that training left out")
    asks(verb)
    verb.add_argument("--kind", type=_family, action="append", default=[])
    verb.add_argument("--species", action="append", default=[])
    verb.add_argument("--data", type=Path, action="append", default=[])
    verb.set_defaults(run=_unseen)

    verb = verbs.add_parser("map", help="draw an embedding in the plane")
    asks(verb)
    verb.add_argument("--dev", type=Path)
    verb.add_argument("--set", choices=["apples", "apples_web", "rendered"], default="rendered")
    verb.add_argument("--quick", action="store_true", help="the small rendered set")
    verb.add_argument("--method", choices=["pca", "umap"], default="pca")
    verb.add_argument("--out", type=Path, required=True)
    verb.set_defaults(run=_map)

    verb = verbs.add_parser("autoencoder", help="train the unsupervised base line")
    _data_options(verb)
    verb.add_argument("--out", type=Path, required=True)
    verb.add_argument("--steps", type=_some, default=600)
    verb.set_defaults(run=_autoencoder)

    verb = verbs.add_parser("digits", help="eight digits learnt, two more enrolled without training")
    verb.add_argument("--loss", choices=NAMES, default="contrastive")
    verb.add_argument("--steps", type=_some, default=300)
    verb.add_argument("--seed", type=_count, default=1)
    verb.add_argument("--out", type=Path, help="PNG of the map")
    verb.set_defaults(run=_digits)

    verb = verbs.add_parser("average", help="mix the weights of a run and of one that was started from it")
    verb.add_argument("first", type=Path)
    verb.add_argument("second", type=Path)
    verb.add_argument("--share", type=_share, default=0.5, help="of the second run")
    verb.add_argument("--out", type=Path, required=True)
    verb.set_defaults(run=_average)

    verb = verbs.add_parser("fixtures", help="write the stills and crops that both languages test against")
    verb.add_argument("folder", type=Path)
    verb.set_defaults(run=_fixtures)
    return root


def main(argv: list[str] | None = None) -> None:
    """Runs one verb; a :class:`TrainingError` prints as one line with its hint and exits with 1."""
    args = parser().parse_args(argv)
    try:
        args.run(args)
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from what is kept", file=sys.stderr)
        sys.exit(130)
