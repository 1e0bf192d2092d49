import { Progress } from "../../calibrate/cli/progress.ts";
import { itemsNeeded } from "../../calibrate/evaluate/needed.ts";
import { loadModel } from "../../device/embed/model.ts";
import { NodeEmbedder } from "../../device/embed/node.ts";
import { embedAll } from "../../device/gallery/enroll.ts";
import { emptyGallery, withReferences } from "../../device/grade/gallery.ts";
import { Grader } from "../../device/grade/grader.ts";
import { eitherTestInterval, turnedAwayInterval } from "../support/beta-binomial.ts";
import { referenceOf } from "../support/gallery-made.ts";
import { soundFruit } from "./line-fruit.ts";

/** A share of good fruit that was asked for, and what was measured. */
export interface AlphaRow {
  readonly alpha: number;
  /** Items by which the share can be told at all. */
  readonly needed: number;
  /** Of the items never enrolled. */
  readonly turnedAway: number;
  /** 95 % of what theory allows, in items. */
  readonly interval: readonly [number, number];
  /** By each of the two tests that share alpha, with the interval for one. */
  readonly tests: { readonly cover: number; readonly whole: number; readonly interval: readonly [number, number] };
}

export interface AlphaBench {
  readonly model: string;
  readonly enrolled: number;
  readonly items: number;
  readonly viewsPerItem: number;
  readonly rows: readonly AlphaRow[];
}

const MODEL = "models/embedder.json";
/** One less than a round number, so that both shares are ranks and nothing is rounded. */
const ENROLLED = 199;
const ITEMS = 1000;
const ALPHAS = [0.05, 0.1];
const SEED = 77;
const BATCH = 16;

/**
 * How many good fruit of the simulated line that were never enrolled are called unknown, by the shipped model and the
 * limits that the references give.
 */
export async function run(items = ITEMS): Promise<AlphaBench> {
  const loaded = await loadModel(MODEL);
  const { model } = loaded;
  const drawing = new Progress("sound fruit of the simulated line", ENROLLED + items);
  const fruit = await soundFruit(model, ENROLLED + items, SEED, (done) => drawing.update(done)).finally(() =>
    drawing.stop(),
  );
  const embedder = await NodeEmbedder.open(loaded, { provider: "cpu", threads: 1, maxBatch: BATCH });
  const embedding = new Progress("embedding", fruit.length);
  const embedded: { embeddings: Float32Array; views: number }[] = [];
  for (const { crops } of fruit) {
    embedded.push({ embeddings: await embedAll(embedder, crops), views: crops.length });
    embedding.update(embedded.length);
  }
  embedding.stop();
  await embedder.close();
  const references = embedded.slice(0, ENROLLED).map(({ embeddings, views }, n) => ({
    ...referenceOf(`item-${n}`, "sound", []),
    embeddings,
    views,
  }));
  const gallery = withReferences(emptyGallery(model), references);
  const others = embedded.slice(ENROLLED);
  const rows = ALPHAS.map((alpha): AlphaRow => {
    const grader = Grader.from(gallery, alpha);
    let [turnedAway, cover, whole] = [0, 0, 0];
    for (const { embeddings, views } of others) {
      const { decision, limits, strangeness } = grader.reasons(embeddings, views);
      if (decision.grade === null) turnedAway++;
      if ((decision.grades[0]!.distance ?? Number.POSITIVE_INFINITY) > limits[0]!.limit) cover++;
      if (strangeness > 1) whole++;
    }
    return {
      alpha,
      needed: itemsNeeded(alpha),
      turnedAway,
      interval: eitherTestInterval(ENROLLED, alpha, items),
      tests: { cover, whole, interval: turnedAwayInterval(ENROLLED, alpha / 2, items, 0.025) },
    };
  });
  const viewsPerItem = fruit.reduce((sum, { crops }) => sum + crops.length, 0) / fruit.length;
  return { model: `${model.name} ${model.version}`, enrolled: ENROLLED, items, viewsPerItem, rows };
}

export function describe({ model, enrolled, items, viewsPerItem, rows }: AlphaBench): string {
  const share = (count: number): string => `${((100 * count) / items).toFixed(1)} %`;
  const range = ([low, high]: readonly [number, number]): string => `${share(low)} to ${share(high)}`;
  const within = (count: number, [low, high]: readonly [number, number]): string =>
    count < low ? "below" : count > high ? "ABOVE" : "within";
  return [
    `${model}: ${enrolled} sound fruit of the simulated line enrolled, ${items} others judged, ${viewsPerItem.toFixed(1)} views each`,
    ...rows.flatMap(({ alpha, needed, turnedAway, interval, tests }) => [
      `${alpha * 100} % asked for (takes ${needed} items): ${share(turnedAway)} called unknown, theory ${range(interval)}: ${within(turnedAway, interval)}`,
      `    by covering ${share(tests.cover)}, as a whole ${share(tests.whole)}; theory for each ${range(tests.interval)}`,
    ]),
  ].join("\n");
}
