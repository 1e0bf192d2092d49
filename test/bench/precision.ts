import { fileURLToPath } from "node:url";
import { createLog } from "../../device/base/log.ts";
import { watchLine } from "../../device/demo/samples.ts";
import { truthsOf } from "../../device/demo/truth.ts";
import type { Embedder } from "../../device/embed/embedder.ts";
import { loadModel, loadVariant } from "../../device/embed/model.ts";
import { NodeEmbedder } from "../../device/embed/node.ts";
import { compare } from "../../device/embed/proof.ts";
import type { Precision } from "../../device/embed/providers.ts";
import { embedAll, type Sample } from "../../device/gallery/enroll.ts";
import { emptyGallery, type Gallery, withReferences } from "../../device/grade/gallery.ts";
import { Grader } from "../../device/grade/grader.ts";
import { benchConfig } from "./line/setup.ts";

/*
 * What fewer bits do to verdicts: the same fruit of the simulated line, enrolled in one precision and judged in another,
 * beside single precision on both sides. Everything runs on the CPU, from the very files that a GPU would run.
 */

export interface PrecisionRow {
  readonly gallery: Precision;
  readonly queries: Precision;
  readonly items: number;
  /** Items with another outcome or grade than in single precision. */
  readonly differ: number;
  /** Share of items whose grade is the truth. */
  readonly right: number;
  /** How far the margin moves, in units of the threshold: median and largest. */
  readonly marginMoves: { readonly p50: number; readonly max: number };
  /** Smallest cosine between a view's embedding and that in single precision. */
  readonly cosine: number;
}

export interface PrecisionBench {
  readonly references: number;
  readonly rows: readonly PrecisionRow[];
}

const ENROLL_SEED = 1_000_003;
const QUERY_SEED = 7;
const ITEMS_PER_LANE = 55;
const ORDER = ["extra", "sound", "second", "reject"];

export async function run(): Promise<PrecisionBench> {
  const path = fileURLToPath(new URL("../../models/embedder.json", import.meta.url));
  const single = await loadModel(path);
  const watch = async (seed: number): Promise<Sample[]> => {
    const line = { folder: "/nowhere", brokerUrl: "mqtt://127.0.0.1", model: path, threads: 1 };
    const config = benchConfig(line, { seed, startAt: 1, pace: "fast", items: ITEMS_PER_LANE });
    const truths = truthsOf(config, ITEMS_PER_LANE);
    const samples: Sample[] = [];
    for await (const sample of watchLine(config, single.model, truths, createLog("warn"))) samples.push(sample);
    return samples;
  };
  const enrolled = await watch(ENROLL_SEED);
  const judged = await watch(QUERY_SEED);
  const galleries = new Map<Precision, Grader>();
  const queries = new Map<Precision, Float32Array[]>();
  for (const precision of ["fp32", "fp16", "int8"] as const) {
    const model = precision === "fp32" ? single : await loadVariant(single, precision);
    const embedder = await NodeEmbedder.open(model, { provider: "cpu", threads: 2, maxBatch: 16 });
    galleries.set(precision, Grader.from(await enroll(embedder, enrolled)));
    const embeddings: Float32Array[] = [];
    for (const { crops } of judged) embeddings.push(await embedAll(embedder, crops));
    queries.set(precision, embeddings);
    await embedder.close();
  }
  const pairs: [Precision, Precision][] = [
    ["fp32", "fp32"],
    ["fp32", "fp16"],
    ["fp32", "int8"],
    ["int8", "int8"],
  ];
  const rows = pairs.map(([gallery, query]) => {
    const base = decide(galleries.get("fp32")!, queries.get("fp32")!);
    const other = decide(galleries.get(gallery)!, queries.get(query)!);
    const moves = other.map(({ margin }, i) => Math.abs((margin ?? 0) - (base[i]!.margin ?? 0))).sort((a, b) => a - b);
    const said = ({ outcome, grade }: (typeof base)[number]): string => `${outcome} ${grade}`;
    return {
      gallery,
      queries: query,
      items: judged.length,
      differ: other.filter((decision, i) => said(decision) !== said(base[i]!)).length,
      right: other.filter(({ grade }, i) => grade === judged[i]!.grade).length / judged.length,
      marginMoves: { p50: moves[moves.length >> 1] ?? 0, max: moves.at(-1) ?? 0 },
      cosine: Math.min(
        ...queries
          .get(query)!
          .map((found, i) => compare(found, queries.get("fp32")![i]!, single.model.dimension).cosine),
      ),
    };
  });
  return { references: enrolled.length, rows };

  function decide(grader: Grader, items: readonly Float32Array[]) {
    return items.map((embeddings) => grader.grade(embeddings, embeddings.length / single.model.dimension));
  }
}

async function enroll(embedder: Embedder, samples: readonly Sample[]): Promise<Gallery> {
  const references = [];
  for (const [at, { grade, origin, crops }] of samples.entries()) {
    const embeddings = await embedAll(embedder, crops);
    references.push({ id: `${at}`, grade, origin, enrolledAt: "", views: crops.length, embeddings });
  }
  const gallery = withReferences(emptyGallery(embedder.model), references);
  return { ...gallery, grades: ORDER.filter((grade) => gallery.grades.includes(grade)) };
}

/** The rows as a table for people. */
export function describe({ references, rows }: PrecisionBench): string {
  return [
    `${references} references, ${rows[0]!.items} items judged`,
    "gallery  queries  verdicts that differ  right  margin moves p50  max    smallest cosine",
    ...rows.map((row) =>
      [
        row.gallery.padEnd(7),
        row.queries.padEnd(7),
        `${row.differ}`.padStart(20),
        row.right.toFixed(3).padStart(5),
        row.marginMoves.p50.toFixed(4).padStart(16),
        row.marginMoves.max.toFixed(4).padStart(5),
        row.cosine.toFixed(6).padStart(15),
      ].join("  "),
    ),
  ].join("\n");
}
