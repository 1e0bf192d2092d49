"""From nothing to a measured model by the commands that the README gives, on tiny data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from gradeline_train.cli import main
from gradeline_train.digits import run_digits
from gradeline_train.projection import principal_plane
from gradeline_train.store import rendered
from PIL import Image as Pillow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder GRADE/ITEM/*.png of rendered fruit, as a user's photographs would lie."""
    root = tmp_path_factory.mktemp("smoke")
    pool = rendered(24, 8, None, 1)
    for row in range(len(pool)):
        if pool.kind[row] < 0:
            continue
        item = root / "photos" / ("sound" if pool.kind[row] == 0 else "reject") / pool.item[row]
        item.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(pool.image[row]).save(item / f"{row}.png")
    return root


def test_train_export_evaluate_on_tiny_data(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache, run, shipped = str(place / "cache"), str(place / "run"), place / "shipped"
    sizes = ["--rendered", "30", "--line", "8", "--blended", "40", "--workers", "1", "--threads", "1", "--cache", cache]
    main(["train", "--data", str(place / "photos"), *sizes, "--steps", "10", "--batch", "16", "--out", run])
    main(["export", run, "--out", str(shipped), "--variants", "fp16", "int8", "--cache", cache])
    about = json.loads((shipped / "embedder.json").read_text())
    assert about["training"] == {"seed": 1, "steps": 10} and set(about["variants"]) == {"fp16", "int8"}
    table = place / "figures.json"
    main(["evaluate", "raw", "hsv", "untrained", run, str(shipped / "embedder.onnx"), "--quick", "--cache", cache, "--out", str(table)])
    figures = json.loads(table.read_text())
    assert figures
    for row in figures.values():
        assert set(row) == {"raw", "hsv", "untrained", "run", "embedder"}
        for figure in row.values():
            assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
        # The run and the graph exported from it are one embedding.
        assert row["run"]["value"] == pytest.approx(row["embedder"]["value"], abs=0.02)
    assert "figures" not in capsys.readouterr().err


def test_the_map_and_the_autoencoder_run(place: Path) -> None:
    cache = str(place / "cache")
    main(["autoencoder", "--rendered", "8", "--blended", "0", "--workers", "1", "--cache", cache, "--steps", "2", "--out", str(place / "ae")])
    main(["map", str(place / "ae"), "--set", "rendered", "--out", str(place / "map.png"), "--cache", cache, "--quick"])
    with Pillow.open(place / "map.png") as picture:
        assert picture.size == (880, 770)


def test_an_error_is_one_line_with_a_hint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["train", "--data", str(tmp_path / "absent"), "--out", str(tmp_path / "run")])
    assert exit_.value.code == 1
    assert "is no folder" in (said := capsys.readouterr().err) and "hint: " in said


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["train", "--rendered", "-3", "--out", "run"], "-3 is below 0"),
        (["train", "--steps", "0", "--out", "run"], "0 is below 1"),
        (["train", "--rate", "nan", "--out", "run"], "nan is not above 0"),
        (["train", "--without", "dandruff", "--out", "run"], "no fault family 'dandruff'"),
        (["export", "run", "--share", "1.5", "--out", "model"], "1.5 is not between 0 and 1"),
    ],
)
def test_a_number_out_of_range_is_a_line_of_usage(command: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(command)
    assert exit_.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("name", "said"), [("absent.onnx", "cannot be opened"), ("text.onnx", "cannot be opened"), ("absent", "holds no"), ("run@half", "no share")])
def test_what_is_no_embedding_is_named(tmp_path: Path, name: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(SystemExit) as exit_:
        main(["evaluate", str(tmp_path / name)])
    assert exit_.value.code == 1
    assert said in (text := capsys.readouterr().err) and "hint: " in text


def test_the_plane_keeps_what_is_apart_apart() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(0, 0.05, (60, 10)).astype(np.float32)
    vectors[30:, 3] += 1
    plane = principal_plane(vectors)
    assert plane.shape == (60, 2)
    assert abs(plane[:30, 0].mean() - plane[30:, 0].mean()) > 10 * plane[:30, 0].std()


def test_two_digits_never_trained_on_are_told_apart_from_five_samples() -> None:
    result = run_digits(steps=60)
    assert result.vectors.shape == (1797, result.vectors.shape[1])
    assert result.learnt.value > 0.7
