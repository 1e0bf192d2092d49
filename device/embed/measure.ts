import { median } from "../base/numbers.ts";
import type { Embedder } from "./embedder.ts";
import type { Golden } from "./model.ts";
import { type Comparison, compare, patternViews, worse } from "./proof.ts";

const WARM_RUNS = 3;
const TIMED_RUNS = 15;
/** A slow device is not timed longer than that. */
const TIMED_MS = 1000;

/** Embeds the golden views in batches of one size, beginning again with the first where they do not fill it. */
export async function compareGolden(embedder: Embedder, golden: Golden, size: number): Promise<Comparison> {
  const { sizePx, dimension } = embedder.model;
  const viewBytes = sizePx * sizePx * 3;
  const views = new Uint8Array(size * viewBytes);
  const found = new Float32Array(size * dimension);
  const wanted = new Float32Array(size * dimension);
  let worst: Comparison = { difference: 0, cosine: 1 };
  for (let from = 0; from < golden.count; from += size) {
    for (let row = 0; row < size; row++) {
      const of = (from + row) % golden.count;
      views.set(golden.views.subarray(of * viewBytes, (of + 1) * viewBytes), row * viewBytes);
      wanted.set(golden.embeddings.subarray(of * dimension, (of + 1) * dimension), row * dimension);
    }
    await embedder.embed(views, size, found);
    worst = worse(worst, compare(found, wanted, dimension));
  }
  return worst;
}

/** Median of warm runs of one view, milliseconds. */
export async function warmMedianMs(embedder: Embedder): Promise<number> {
  const views = patternViews(1, embedder.model.sizePx);
  const out = new Float32Array(embedder.model.dimension);
  const times: number[] = [];
  const until = performance.now() + TIMED_MS;
  for (let run = 0; times.length === 0 || (run < WARM_RUNS + TIMED_RUNS && performance.now() < until); run++) {
    const since = performance.now();
    await embedder.embed(views, 1, out);
    if (run >= WARM_RUNS) times.push(performance.now() - since);
  }
  return median(times);
}
