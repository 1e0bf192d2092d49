"""The command line: one verb per step of the recipe."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .errors import RecipeError


def _fixtures(args: argparse.Namespace) -> None:
    from .fixtures import write_fixtures

    write_fixtures(args.folder)


def parser() -> argparse.ArgumentParser:
    """All verbs with their options."""
    root = argparse.ArgumentParser(prog="gradeline_train", description="Trains, measures and exports gradeline's embedder.")
    verbs = root.add_subparsers(dest="verb", required=True)
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
