import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeJpeg } from "../../device/capture/image.ts";
import { loadModel } from "../../device/embed/model.ts";
import { NodeEmbedder } from "../../device/embed/node.ts";
import { embedAll, enrol, type Sample } from "../../device/enrol.ts";
import { GalleryWriter } from "../../device/gallery-store.ts";
import { runProgram } from "../support/gallery-photos.ts";
import { soundFruit } from "./line-fruit.ts";

/** Enrolling items of several views against the bare embedding of the same views. */
export interface EnrollBench {
  readonly items: number;
  readonly views: number;
  /** Best of some rounds; on one core of inference. */
  readonly embedMs: number;
  /** Views in memory to a gallery on disk, pictures and all. */
  readonly enrolMs: number;
  /** `gradeline-calibrate enroll` of as many JPEG files: start, decoding, finding the fruit, enrolling, looking it through. */
  readonly commandMs: number;
}

const MODEL = "models/embedder.json";
const ITEMS = 100;
const VIEWS = 10;
const ROUNDS = 3;
const BATCH = 16;
const SEED = 78;
/** Views of a fruit on the cup conveyor; what is measured does not mind whose views an item has. */
const VIEWS_OF_A_FRUIT = 6;

export async function run(progress: (text: string) => void): Promise<EnrollBench> {
  const loaded = await loadModel(MODEL);
  progress("sound fruit of the simulated line");
  const fruit = await soundFruit(loaded.model, Math.ceil((ITEMS * VIEWS) / VIEWS_OF_A_FRUIT), SEED);
  const crops = fruit.flatMap((sample) => sample.crops).slice(0, ITEMS * VIEWS);
  if (crops.length < ITEMS * VIEWS) throw new Error(`${crops.length} views, wanted ${ITEMS * VIEWS}`);
  const samples: Sample[] = Array.from({ length: ITEMS }, (_, item) => ({
    grade: "sound",
    origin: `item ${item}`,
    crops: crops.slice(item * VIEWS, (item + 1) * VIEWS),
  }));
  const folder = await mkdtemp(join(tmpdir(), "gradeline-bench-enroll-"));
  const embedder = await NodeEmbedder.open(loaded, { provider: "cpu", threads: 1, maxBatch: BATCH });
  try {
    await embedAll(embedder, crops);
    const [embedTimes, enrolTimes]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      progress(`round ${round + 1} of ${ROUNDS}`);
      embedTimes.push(await timed(() => embedAll(embedder, crops)));
      const writer = await GalleryWriter.open(join(folder, `gallery-${round}`));
      enrolTimes.push(await timed(() => enrol(writer, embedder, samples)));
      writer.close();
    }
    progress("the command");
    const { sizePx } = embedder.model;
    for (const [item, { crops: own }] of samples.entries()) {
      const place = join(folder, "photos", `${item}`);
      await mkdir(place, { recursive: true });
      for (const [view, data] of own.entries()) {
        const jpeg = await encodeJpeg({ widthPx: sizePx, heightPx: sizePx, data }, 95);
        await writeFile(join(place, `${view}.jpg`), jpeg);
      }
    }
    const args = ["enroll", "sound", join(folder, "photos"), "--gallery", join(folder, "by-command"), "--json"];
    const commandMs = await timed(async () => {
      const { status, stderr } = await runProgram("calibrate/main.ts", args);
      if (status !== 0) throw new Error(stderr);
    });
    return {
      items: ITEMS,
      views: VIEWS,
      embedMs: Math.min(...embedTimes),
      enrolMs: Math.min(...enrolTimes),
      commandMs,
    };
  } finally {
    await embedder.close();
    await rm(folder, { recursive: true, force: true });
  }
}

export function describe({ items, views, embedMs, enrolMs, commandMs }: EnrollBench): string {
  const row = (what: string, ms: number): string =>
    `${what.padEnd(52)}${ms.toFixed(0).padStart(7)} ms  ${(ms / embedMs).toFixed(2)} times`;
  return [
    `${items} items of ${views} views, one thread of inference`,
    row("bare embedding of the views", embedMs),
    row("enrolling them: embedded, kept as pictures, on disk", enrolMs),
    row("gradeline-calibrate enroll of as many JPEG files", commandMs),
  ].join("\n");
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}
