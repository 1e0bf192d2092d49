"""The bare loop that the product is held against: ONNX Runtime's Python binding, bound memory, nothing else.

``python3 test/gpu/loop.py '{"sizes": [1, 4], "forMs": 1500, "provider": "cuda", "model": "models/embedder"}'`` prints a
JSON line for each precision and batch size.
"""

import json
import sys
import time

import numpy as np
import onnxruntime as ort

task = json.loads(sys.argv[1])
PROVIDERS = {"cuda": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}
wanted = PROVIDERS[task["provider"]]
if wanted not in ort.get_available_providers():
    sys.exit(f"onnxruntime {ort.__version__} of {sys.executable} has no {wanted}")
options = {"use_tf32": "0", "cudnn_conv_algo_search": "EXHAUSTIVE"} if task["provider"] == "cuda" else {}

for precision, suffix in (("fp32", ".onnx"), ("fp16", ".fp16.onnx")):
    if task["provider"] == "cpu" and precision == "fp16":
        continue
    session = ort.InferenceSession(task["model"] + suffix, providers=[(wanted, options)])
    if session.get_providers()[0] != wanted:
        sys.exit(f"the session runs on {session.get_providers()[0]}, not on {wanted}")
    name, output = session.get_inputs()[0].name, session.get_outputs()[0].name
    side = session.get_inputs()[0].shape[1]
    for size in task["sizes"]:
        views = np.random.default_rng(1).integers(0, 255, (size, side, side, 3), dtype=np.uint8)
        binding = session.io_binding()
        binding.bind_cpu_input(name, views)
        binding.bind_output(output)

        def run() -> None:
            # The views change with each batch, so the copy to the device is part of it.
            binding.bind_cpu_input(name, views)
            session.run_with_iobinding(binding)

        for _ in range(5):
            run()
        calls, since = [], time.perf_counter()
        cpu = time.process_time()
        while time.perf_counter() - since < task["forMs"] / 1000:
            begun = time.perf_counter()
            run()
            calls.append(time.perf_counter() - begun)
        took = time.perf_counter() - since
        done = len(calls) * size
        row = {
            "by": "Python", "provider": task["provider"], "precision": precision, "size": size,
            "p50Ms": 1000 * float(np.quantile(calls, 0.5)), "p99Ms": 1000 * float(np.quantile(calls, 0.99)),
            "viewsPerS": done / took, "cpuMsPerView": 1000 * (time.process_time() - cpu) / done,
        }
        print(json.dumps(row), flush=True)
