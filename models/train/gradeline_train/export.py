"""From a trained branch to what the device reads: ONNX in three precisions, golden vectors, embedder.json."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .crop import FILL, MARGIN, SIZE
from .errors import TrainingError
from .items import GRADING_SHARE
from .model import CONDITION, DIMENSION, Embedder, join, multiply_adds

OPSET = 18
TOLERANCE = 1e-4
GOLDEN_VIEWS = 8
# What eight bits cost most and gain least: first layers, and depthwise ones (`look`) of the trunk as it was published, each of
# whose channels has a range of its own.
IN_FULL = re.compile(r"embedder\.((trunk|tuned)\.(stem|blocks\.[01])|trunk\.blocks\.\d+\.look)\.")
MOST_BYTES = 8 * 2**20


class Deployed(nn.Module):
    """What runs at the line: pixels in, one unit vector per view out; the heat map stays inside."""

    def __init__(self, embedder: Embedder, share: float) -> None:
        super().__init__()
        self.embedder, self.share = embedder, share

    def forward(self, views: Tensor) -> Tensor:
        return join(self.embedder(views), self.share)


@dataclass(frozen=True)
class Card:
    """What embedder.json says beyond what the graph shows."""

    version: str
    trained_on: list[str]
    licence: str
    seed: int
    steps: int


def description_of(graph: Path) -> dict:
    """What was written beside a graph when it was exported.

    :raises TrainingError: when it is not there, or does not say how the graph was trained
    """
    path = graph.with_suffix(".json")
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return said | {"training": {"seed": int(said["training"]["seed"]), "steps": int(said["training"]["steps"])}}
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise TrainingError(f"{path} does not say how {graph.name} was trained: {cause}", "keep the description that was exported with it beside the graph") from cause


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def session(path: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """A CPU session, as the device opens it.

    :raises TrainingError: when the file is missing or no graph
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as cause:  # the runtime's errors share no base beyond this
        raise TrainingError(f"{path} cannot be opened: {cause}", "give an ONNX file that this training exported") from cause


def run(opened: onnxruntime.InferenceSession, views: NDArray[np.uint8], batch: int = 64) -> NDArray[np.float32]:
    """(N, S, S, 3) -> (N, D), a batch at a time."""
    return np.concatenate([opened.run(["embedding"], {"views": views[i : i + batch]})[0] for i in range(0, len(views), batch)])


def write_fp32(model: Deployed, path: Path, size: int = SIZE) -> None:
    """Writes the graph and checks it against PyTorch at batch sizes 1, 2 and 5.

    :raises TrainingError: when they differ by more than :data:`TOLERANCE`
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    model = model.eval()
    example = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    program = torch.onnx.export(
        model, (example,), input_names=["views"], output_names=["embedding"], opset_version=OPSET, dynamo=True,
        dynamic_shapes={"views": {0: torch.export.Dim("N", min=1)}}, verbose=False,
    )  # fmt: skip
    proto = program.model_proto
    # Stack traces and source paths of this machine are no business of the file that ships.
    for node in proto.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del proto.metadata_props[:]
    del proto.graph.metadata_props[:]
    proto.producer_name = "gradeline"
    for holder in (*proto.graph.value_info, *proto.graph.input, *proto.graph.output, *proto.graph.initializer):
        if hasattr(holder, "metadata_props"):
            del holder.metadata_props[:]
    onnx.checker.check_model(proto)
    onnx.save_model(proto, str(path))
    if path.stat().st_size > MOST_BYTES:
        raise TrainingError(f"{path.name} has {path.stat().st_size} bytes, at most {MOST_BYTES} are wanted", "make the network narrower")
    opened = session(path)
    rng = np.random.default_rng(0)
    for count in (1, 2, 5):
        views = rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
        with torch.no_grad():
            wanted = model(torch.from_numpy(views)).numpy()
        worst = float(np.abs(run(opened, views) - wanted).max())
        if worst > TOLERANCE:
            raise TrainingError(f"the exported graph differs from PyTorch by {worst:.2g}", "export with another version of torch or onnx")


def write_fp16(fp32: Path, path: Path) -> None:
    """Half-precision weights and arithmetic; input and output keep their types."""
    from onnxconverter_common import float16

    model = onnx.load(str(fp32))
    # Casts stay as they are, or the converter gives the pixels' cast a type that it does not write. Normalising stays
    # in single precision too: a sum of half-precision squares may vanish.
    casts = [node.name for node in model.graph.node if node.op_type == "Cast"]
    blocked = [*float16.DEFAULT_OP_BLOCK_LIST, "ReduceL2", "Div", "Sqrt", "Pow", "ReduceSum", "Clip", "Log"]
    half = float16.convert_float_to_float16(model, keep_io_types=True, op_block_list=blocked, node_block_list=casts)
    onnx.save_model(half, str(path))
    session(path)


def write_int8(fp32: Path, path: Path, views: NDArray[np.uint8]) -> None:
    """Static quantisation (QDQ, per channel), calibrated on ``views``; the vectors' last layers stay in fp32, and so do
    those of :data:`IN_FULL`, whose channels differ so much in range that eight bits for all of them lose the small."""
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.batches = iter([views[i : i + 16] for i in range(0, len(views), 16)])

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            batch = next(self.batches, None)
            return None if batch is None else {"views": batch}

    fp32, path = fp32.resolve(), path.resolve()
    # The quantiser leaves its own files wherever it is run.
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(fp32), str(prepared), skip_symbolic_shape=True)
        kept = [node.name for node in onnx.load(str(prepared)).graph.node if node.op_type == "Conv" and IN_FULL.match(node.input[1])]
        quantize_static(
            str(prepared), str(path), Reader(), quant_format=QuantFormat.QDQ, per_channel=True, op_types_to_quantize=["Conv"],
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=kept,
        )  # fmt: skip
    session(path)


def write_golden(path: Path, views: NDArray[np.uint8], vectors: NDArray[np.float32]) -> None:
    """All views' pixels, then all embeddings as little-endian float32; no header, sizes stand in embedder.json."""
    path.write_bytes(views.tobytes() + vectors.astype("<f4").tobytes())


def read_golden(path: Path, count: int, size: int = SIZE, dimension: int = DIMENSION) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """
    :returns: (count, size, size, 3) and (count, dimension)
    :raises TrainingError: when the file has another length
    """
    data, pixels = path.read_bytes(), count * size * size * 3
    if len(data) != pixels + count * dimension * 4:
        raise TrainingError(f"{path.name} has {len(data)} bytes, {pixels + count * dimension * 4} are wanted", "export again")
    return (
        np.frombuffer(data, np.uint8, pixels).reshape(count, size, size, 3),
        np.frombuffer(data, "<f4", offset=pixels).reshape(count, dimension).astype(np.float32),
    )


def _part(name: str, first: int, end: int, share: float, grading_share: float) -> dict[str, object]:
    """What the description says of a part: its norm, and by how much the device makes it larger where grades are told apart."""
    part = {"name": name, "from": first, "to": end, "norm": round(math.sqrt(share), 6)}
    return part | ({"emphasis": round(math.sqrt(grading_share / share), 6)} if 0 < share < 1 else {})


def export(embedder: Embedder, share: float, folder: Path, card: Card, golden: NDArray[np.uint8], calibration: NDArray[np.uint8] | None, variants: list[str]) -> dict:
    """Writes embedder.onnx, the variants asked for, golden.bin and embedder.json.

    :param share: of the condition part in squared distances, 0..1
    :param golden: views that a backend must embed alike; rendered ones, so that they may ship
    :param calibration: views for int8
    :returns: what embedder.json holds
    """
    fp32 = folder / "embedder.onnx"
    write_fp32(Deployed(embedder, share), fp32)
    golden_file = folder / "golden.bin"
    write_golden(golden_file, golden, run(session(fp32), golden))
    described: dict[str, dict[str, str]] = {}
    if "fp16" in variants:
        write_fp16(fp32, folder / "embedder.fp16.onnx")
        described["fp16"] = {"file": "embedder.fp16.onnx", "sha256": sha256(folder / "embedder.fp16.onnx")}
    if "int8" in variants:
        if calibration is None:
            raise TrainingError("int8 needs views to calibrate on", "give --cache or --data")
        write_int8(fp32, folder / "embedder.int8.onnx", calibration)
        described["int8"] = {"file": "embedder.int8.onnx", "sha256": sha256(folder / "embedder.int8.onnx")}
    about = {
        "name": "gradeline-embedder",
        "version": card.version,
        "file": "embedder.onnx",
        "sha256": sha256(fp32),
        "input": {"name": "views", "size": SIZE, "layout": "NHWC", "type": "uint8"},
        "output": {"name": "embedding", "dimension": DIMENSION},
        "crop": {"margin": MARGIN, "fill": FILL},
        "normalisation": "inside the graph",
        "parts": [
            _part("condition", 0, CONDITION, share, GRADING_SHARE),
            _part("identity", CONDITION, DIMENSION, 1 - share, 1 - GRADING_SHARE),
        ],
        "parameters": sum(p.numel() for p in embedder.parameters()),
        "multiplyAdds": multiply_adds(embedder),
        "trainedOn": card.trained_on,
        "training": {"seed": card.seed, "steps": card.steps},
        "licence": card.licence,
        "golden": {
            "file": golden_file.name,
            "sha256": sha256(golden_file),
            "count": len(golden),
            "tolerance": TOLERANCE,
            "layout": f"count x {SIZE} x {SIZE} x 3 uint8 (views, NHWC), then count x {DIMENSION} float32 little-endian (embeddings)",
        },
        "variants": described,
    }
    (folder / "embedder.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    return about
