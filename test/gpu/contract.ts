import { openNative } from "../../device/embed/native/open-native.ts";
import type { Wanted } from "../../device/embed/providers.ts";
import { embedderContract } from "../support/embedder-contract.ts";
import { tinyModel } from "../support/ort-onnx.ts";

/** The contract suite on this machine's GPU; `test/gpu/main.ts` starts it. */
const provider = (process.env.GRADELINE_GPU_PROVIDER ?? "gpu") as Wanted;
const tiny = process.env.GRADELINE_GPU_TINY !== undefined;
const engineCache = process.env.GRADELINE_ENGINES;

embedderContract(
  provider,
  () =>
    openNative(tiny ? tinyModel() : "models/embedder.json", {
      provider,
      precision: "fp32",
      threads: 1,
      maxBatch: 5,
      batches: [1, 2, 5],
      ...(engineCache === undefined ? {} : { engineCache }),
    }),
  // Rows of the small model lie near each other.
  { tolerance: tiny ? 1e-5 : 1e-4 },
);
