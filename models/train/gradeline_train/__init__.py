"""The training of gradeline's embedder: render fruit, train a Siamese network, measure it, export it."""

import os

__version__ = "0.1.0"

# ONNX Runtime reports what it learns of a process to its maker unless it is told not to before it loads.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
