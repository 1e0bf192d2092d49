import { loadModel } from "../../../device/embed/model.ts";
import { NodeEmbedder } from "../../../device/embed/node.ts";
import { embedderContract } from "../../support/embedder-contract.ts";

embedderContract("onnxruntime-node on the CPU with a tiny model", async () =>
  NodeEmbedder.open(await loadModel("test/fixtures/embed/tiny.json"), { provider: "cpu", threads: 1, maxBatch: 7 }),
);

embedderContract("onnxruntime-node on the CPU with the shipped model", async () =>
  NodeEmbedder.open(await loadModel("models/embedder.json"), { provider: "cpu", threads: 2, maxBatch: 6 }),
);
