import type { Proof } from "../../device/contract/proof-message.ts";

/** A proof as the CPU gives it, for messages and pages; its figures mean nothing. */
export const cpuProof: Proof = {
  backend: "node",
  library: { name: "ONNX Runtime", version: "1.30.0", path: null },
  provider: "cpu",
  precision: "fp32",
  options: {},
  fallbackRefused: false,
  nodes: null,
  golden: { cosine: 1, difference: 0, views: 8, from: "model" },
  p50Ms: 1.5,
  cpuP50Ms: null,
  batches: [],
  cudaGraph: false,
  engine: null,
  gpu: null,
  refused: [],
  degraded: null,
};
