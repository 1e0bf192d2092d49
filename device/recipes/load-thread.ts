import { parentPort, workerData } from "node:worker_threads";
import { failedAnswer } from "../base/worker.ts";
import { prepareRecipe, type RecipeAnswer, type RecipeWanted } from "./load.ts";

/** Reads a gallery and fits a grader to it; hands over what it made, which nobody copies. */

const { folder, model, manifest } = workerData as RecipeWanted;
try {
  const prepared = await prepareRecipe(folder, model, manifest);
  const buffers = new Set<ArrayBuffer>();
  collect(prepared, buffers);
  parentPort!.postMessage({ kind: "ready", prepared } satisfies RecipeAnswer, [...buffers]);
} catch (error) {
  parentPort!.postMessage(failedAnswer(error) satisfies RecipeAnswer);
}

/** The memory of every typed array within. */
function collect(value: unknown, into: Set<ArrayBuffer>): void {
  if (ArrayBuffer.isView(value)) into.add(value.buffer as ArrayBuffer);
  else if (typeof value === "object" && value !== null) for (const part of Object.values(value)) collect(part, into);
}
