import { z } from "zod";

const count = z.number().int().min(0);
const ms = z.number().min(0).describe("milliseconds");

/**
 * What shows that the model runs where it was asked to run, found out at the start and constant until the next one.
 * Null is what does not exist for this provider, or was not measured.
 */
export const proofSchema = z.strictObject({
  backend: z.enum(["node", "native"]).describe("`node`: the npm package; `native`: a library of the board"),
  library: z.strictObject({
    name: z.literal("ONNX Runtime"),
    version: z.string(),
    path: z.string().nullable().describe("file of the library; null where the npm package brings it"),
  }),
  provider: z.enum(["tensorrt", "cuda", "webgpu", "cpu"]),
  precision: z.enum(["fp32", "fp16", "int8"]),
  options: z
    .record(z.string(), z.record(z.string(), z.string()))
    .describe("options of each provider that was given to the session, by the library's names"),
  fallbackRefused: z.boolean().describe("the library was forbidden to run a node on the CPU; false only for `cpu`"),
  nodes: z
    .strictObject({
      counts: z.record(z.string(), count).describe("nodes of the model by the library's names of providers"),
      from: z.enum(["assignment", "profile"]).describe("where the library told it"),
    })
    .nullable()
    .describe("null where the CPU is the only provider and nothing was read back"),
  golden: z
    .strictObject({
      cosine: z.number().min(-1).max(1.001).describe("smallest of all views"),
      difference: z.number().min(0).describe("largest of one component"),
      views: count,
      from: z.enum(["model", "cpu session"]).describe("vectors that ship with the model, or a CPU session's"),
    })
    .nullable()
    .describe("how the embeddings compare with those that they should be; null for a model without golden vectors"),
  p50Ms: ms.describe("median of warm runs of one view, milliseconds"),
  cpuP50Ms: ms.nullable().describe("the same of a session on the CPU beside it; null on the CPU"),
  batches: z.array(count).describe("batch sizes with a session of their own; empty where one session takes any"),
  cudaGraph: z.boolean(),
  engine: z
    .strictObject({
      cache: z.enum(["hit", "absent", "torn"]).describe("`absent` and `torn`: it was built anew"),
      reason: z.string().nullable().describe("why a cache that was there was not used"),
      key: z.string().describe("name of the engines' folder: hash of all that they depend on"),
      folder: z.string(),
      buildMs: ms.describe("time to load or build all sessions, milliseconds"),
    })
    .nullable()
    .describe("TensorRT engines"),
  gpu: z
    .strictObject({
      name: z.string(),
      driver: z.string().describe("CUDA version that the driver speaks"),
      capability: z.string().describe("compute capability"),
    })
    .nullable()
    .describe("an NVIDIA GPU as its driver describes it"),
  refused: z
    .array(z.strictObject({ provider: z.string(), reason: z.string() }))
    .describe("faster providers that were tried before, and why they were not taken"),
  degraded: z.string().nullable().describe("why this is less than the machine could do; also in `state`"),
});

/** What shows where the model runs; plain JSON, for the log, for `info` and for the page. */
export type Proof = z.output<typeof proofSchema>;
