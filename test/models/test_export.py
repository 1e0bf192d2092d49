from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from gradeline_train.errors import TrainingError
from gradeline_train.export import TOLERANCE, Card, Deployed, description_of, export, read_golden, run, session, write_fp32, write_int8
from gradeline_train.model import DIMENSION, Embedder
from gradeline_train.pool import Pool
from gradeline_train.reopen import reopen
from gradeline_train.train import Plan, Trainer, train

MODELS = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture(scope="module")
def exported(pool: Pool, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Embedder]:
    torch.manual_seed(0)
    embedder = Embedder()
    embedder.load_published()
    for norm in embedder.modules():
        if isinstance(norm, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)):
            norm.momentum = 1.0  # settled in one step, as after a training
    with torch.no_grad():
        # As after a training: weights that are still those of the other copy would be written once for both.
        for weight in embedder.tuned.parameters():
            weight.mul_(1.01)
        embedder.train()(torch.from_numpy(pool.image[:64]))
        embedder.eval().fit_appearance(embedder.pool((torch.from_numpy(pool.image).permute(0, 3, 1, 2).float() - 118) / 64).appearance)
    folder = tmp_path_factory.mktemp("export")
    export(embedder, 0.4, folder, Card("0.0.1", ["nothing"], "MIT", 0, 0), pool.image[:8], pool.image[:32], ["fp16", "int8"])
    return folder, embedder


def test_the_graph_equals_pytorch_at_any_batch(exported: tuple[Path, Embedder], pool: Pool) -> None:
    folder, embedder = exported
    opened = session(folder / "embedder.onnx")
    for count in (1, 3, 17):
        with torch.no_grad():
            wanted = Deployed(embedder, 0.4)(torch.from_numpy(pool.image[:count])).numpy()
        assert np.abs(run(opened, pool.image[:count]) - wanted).max() < TOLERANCE


def test_the_graph_takes_pixels_and_gives_unit_rows(exported: tuple[Path, Embedder], pool: Pool) -> None:
    opened = session(exported[0] / "embedder.onnx")
    (given,), (made,) = opened.get_inputs(), opened.get_outputs()
    assert (given.name, given.type, given.shape[1:]) == ("views", "tensor(uint8)", [96, 96, 3])
    assert (made.name, made.type, made.shape[1]) == ("embedding", "tensor(float)", DIMENSION)
    assert isinstance(given.shape[0], str)
    assert np.allclose(np.linalg.norm(run(opened, pool.image[:20]), axis=1), 1, atol=1e-5)


def test_variants_stay_close_to_full_precision(exported: tuple[Path, Embedder], pool: Pool) -> None:
    folder, _ = exported
    full = run(session(folder / "embedder.onnx"), pool.image[:24])
    half = run(session(folder / "embedder.fp16.onnx"), pool.image[:24])
    eight = run(session(folder / "embedder.int8.onnx"), pool.image[:24])
    assert np.linalg.norm(half - full, axis=1).max() < 0.02
    assert np.linalg.norm(eight - full, axis=1).mean() < 0.25


def test_the_graph_says_nothing_of_the_machine_that_wrote_it(exported: tuple[Path, Embedder]) -> None:
    data = (exported[0] / "embedder.onnx").read_bytes()
    assert not re.search(rb"\.py(?![a-z])|/(home|root|tmp|usr)/", data)


def test_what_was_exported_can_be_trained_on(exported: tuple[Path, Embedder], pool: Pool, tmp_path: Path) -> None:
    folder, embedder = exported
    again = reopen(folder / "embedder.onnx", pool.image[:64])
    views = torch.from_numpy(pool.image[64:80])
    with torch.no_grad():
        wanted, found = embedder(views), again(views)
        # While training, batch norms normalise by the batch: they must have been given the spread that passes.
        again.train()
        for dropout in (m for m in again.modules() if isinstance(m, torch.nn.Dropout)):
            dropout.eval()
        trained = again(torch.from_numpy(pool.image[:64]))
        settled = again.eval()(torch.from_numpy(pool.image[:64]))
    for name in ("condition", "identity", "heat"):
        assert (getattr(wanted, name) - getattr(found, name)).abs().max() < 1e-4
        assert (getattr(trained, name) - getattr(settled, name)).abs().max() < 0.05
    train(Plan(steps=2, batch=16, seed=3), pool, tmp_path, start=folder / "embedder.onnx")


def test_a_graph_is_written_anew_with_another_share(exported: tuple[Path, Embedder], pool: Pool, tmp_path: Path) -> None:
    folder, _ = exported
    said = description_of(folder / "embedder.onnx")
    card = Card("9.9.9", said["trainedOn"], said["licence"], **said["training"])
    export(reopen(folder / "embedder.onnx", pool.image[:64]), 0.2, tmp_path, card, pool.image[:8], None, [])
    first, second = (run(session(place / "embedder.onnx"), pool.image[:16]) for place in (folder, tmp_path))
    now = description_of(tmp_path / "embedder.onnx")
    assert (now["version"], now["trainedOn"], now["training"]) == ("9.9.9", said["trainedOn"], said["training"])
    assert [p["norm"] for p in now["parts"]] == pytest.approx([0.2**0.5, 0.8**0.5], abs=1e-5)
    assert [p["norm"] * p["emphasis"] for p in now["parts"]] == pytest.approx([0.8**0.5, 0.2**0.5], abs=1e-5)
    was, scaled = said["parts"][0], second.copy()
    scaled[:, : was["to"]] *= was["norm"] / 0.2**0.5
    scaled[:, was["to"] :] *= said["parts"][1]["norm"] / 0.8**0.5
    assert np.abs(scaled - first).max() < 1e-3
    with pytest.raises(TrainingError, match="does not say how"):
        description_of(tmp_path / "absent.onnx")


def test_heads_alone_are_trained_where_it_is_asked_for(exported: tuple[Path, Embedder], pool: Pool) -> None:
    trainer = Trainer(Plan(steps=40, batch=16, seed=3, heads=True), pool)
    trainer.begin_with(exported[0] / "embedder.onnx")
    before = {name: value.clone() for name, value in trainer.branches[0].state_dict().items()}
    for _ in range(3):
        trainer.run_step()
    after = trainer.branches[0].state_dict()
    assert {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])} == {"to_condition", "to_identity"}


@pytest.mark.parametrize("file", ["absent.onnx", "embedder.int8.onnx", "broken.onnx"])
def test_what_is_no_graph_of_this_network_is_refused(exported: tuple[Path, Embedder], pool: Pool, file: str) -> None:
    (exported[0] / "broken.onnx").write_bytes(b"no graph at all")
    with pytest.raises(TrainingError, match=file):
        reopen(exported[0] / file, pool.image[:8])


def test_an_export_leaves_nothing_where_it_was_started(exported: tuple[Path, Embedder], pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_int8(exported[0] / "embedder.onnx", Path("embedder.int8.onnx"), pool.image[:16])
    assert [p.name for p in tmp_path.iterdir()] == ["embedder.int8.onnx"]
    assert Path.cwd() == tmp_path


def test_an_export_that_differs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradeline_train import export as module

    monkeypatch.setattr(module, "run", lambda opened, views: np.zeros((len(views), DIMENSION), np.float32))
    with pytest.raises(TrainingError, match="differs from PyTorch"):
        write_fp32(Deployed(Embedder(), 0.5), tmp_path / "x.onnx")


@pytest.mark.parametrize("variant", ["fp32", "fp16", "int8"])
def test_the_shipped_model_is_what_its_description_says(variant: str) -> None:
    about = json.loads((MODELS / "embedder.json").read_text())
    entry = about if variant == "fp32" else about["variants"].get(variant)
    if entry is None:
        assert not (MODELS / f"embedder.{variant}.onnx").exists()
        return
    path = MODELS / entry["file"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]
    assert path.stat().st_size <= 8 * 2**20
    onnx.checker.check_model(onnx.load(str(path)))
    golden = about["golden"]
    assert hashlib.sha256((MODELS / golden["file"]).read_bytes()).hexdigest() == golden["sha256"]
    views, vectors = read_golden(MODELS / golden["file"], golden["count"], about["input"]["size"], about["output"]["dimension"])
    found = run(session(path), views)
    if variant == "fp32":
        assert np.abs(found - vectors).max() <= golden["tolerance"]
    else:
        assert np.linalg.norm(found - vectors, axis=1).max() < (0.02 if variant == "fp16" else 0.5)
    assert about["multiplyAdds"] <= 150_000_000
