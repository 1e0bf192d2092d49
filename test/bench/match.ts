import { loadModel } from "../../device/embed/model.ts";
import { NodeEmbedder } from "../../device/embed/node.ts";
import { Grader } from "../../device/grade/grader.ts";
import { paintViews } from "../support/embedder-contract.ts";
import { fruitLikeReference, galleryOf } from "../support/gallery-made.ts";

/** Deciding one item by a gallery of so many reference views. */
export interface MatchRow {
  readonly references: number;
  /** An item of ten views, mean of some, on the JavaScript thread; the fastest tenth, as `embedViewMs`. */
  readonly itemMs: number;
  readonly viewMs: number;
  /** Of what embedding a view takes on one core. */
  readonly ofEmbedding: number;
  /** Making index, thresholds and prototypes of the gallery, once. */
  readonly fitMs: number;
}

export interface MatchBench {
  readonly dimension: number;
  readonly viewsPerItem: number;
  /** A view in a batch of 16, shipped model, one thread. */
  readonly embedViewMs: number;
  readonly rows: readonly MatchRow[];
}

const MODEL = "models/embedder.json";
const VIEWS = 10;
const SIZES = [1000, 10_000, 100_000];
/** Items that are compared in turn: some are found sooner than others. */
const ITEMS = 20;
const BATCH = 16;

/** @param seconds measured time of each row */
export async function run(seconds = 2): Promise<MatchBench> {
  const loaded = await loadModel(MODEL);
  const { dimension, sizePx } = loaded.model;
  const embedder = await NodeEmbedder.open(loaded, { provider: "cpu", threads: 1, maxBatch: BATCH });
  const batch = paintViews(BATCH, sizePx);
  const out = new Float32Array(BATCH * dimension);
  const embedViewMs = (await quietMs(seconds, () => embedder.embed(batch, BATCH, out))) / BATCH;
  await embedder.close();
  const rows: MatchRow[] = [];
  for (const size of SIZES) {
    const grades = ["sound", "second", "reject"];
    const items = Array.from({ length: size / VIEWS }, (_, item) =>
      fruitLikeReference(item + 1, grades[item % 3]!, VIEWS, dimension),
    );
    const gallery = galleryOf(items, { ...loaded.model });
    const from = performance.now();
    const grader = Grader.from(gallery);
    const fitMs = performance.now() - from;
    const fruit = Array.from({ length: ITEMS }, (_, at) =>
      fruitLikeReference(size + 1 + at, "sound", VIEWS, dimension),
    );
    const allMs = await quietMs(seconds, () => {
      for (const { embeddings } of fruit) grader.grade(embeddings, VIEWS);
    });
    const itemMs = allMs / ITEMS;
    const viewMs = itemMs / VIEWS;
    rows.push({ references: size, itemMs, viewMs, ofEmbedding: viewMs / embedViewMs, fitMs });
  }
  return { dimension, viewsPerItem: VIEWS, embedViewMs, rows };
}

export function describe({ dimension, viewsPerItem, embedViewMs, rows }: MatchBench): string {
  const line = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(16)).join("");
  return [
    `${dimension} values a view, ${viewsPerItem} views an item; embedding a view takes ${embedViewMs.toFixed(3)} ms of one core`,
    line(["reference views", "ms an item", "ms a view", "of embedding", "ms to fit"]),
    ...rows.map(({ references, itemMs, viewMs, ofEmbedding, fitMs }) =>
      line([
        String(references),
        itemMs.toFixed(3),
        viewMs.toFixed(4),
        `${(ofEmbedding * 100).toFixed(1)} %`,
        fitMs.toFixed(0),
      ]),
    ),
  ].join("\n");
}

/**
 * After a warm-up of a fifth of the time: what the fastest tenth of the calls takes at most. On a busy machine the others
 * are mostly waits for a core, which a call of half a millisecond has less often than one of twenty.
 */
async function quietMs(seconds: number, work: () => Promise<void> | void): Promise<number> {
  for (let until = performance.now() + seconds * 200; performance.now() < until; ) await work();
  const times: number[] = [];
  for (let until = performance.now() + seconds * 1000; performance.now() < until; ) {
    const from = performance.now();
    await work();
    times.push(performance.now() - from);
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length / 10)]!;
}
