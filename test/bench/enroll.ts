import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { auditGallery } from "../../calibrate/audit/audit.ts";
import { viewQualities } from "../../calibrate/audit/view-quality.ts";
import { readAhead } from "../../calibrate/pictures/read-ahead.ts";
import { StillReader } from "../../calibrate/pictures/still-reader.ts";
import { encodeJpeg } from "../../device/capture/image.ts";
import type { Embedder } from "../../device/embed/embedder.ts";
import { loadModel } from "../../device/embed/model.ts";
import { NodeEmbedder } from "../../device/embed/node.ts";
import { embedAll, enroll, type Sample } from "../../device/gallery/enroll.ts";
import { GalleryWriter } from "../../device/gallery/store.ts";
import type { Gallery } from "../../device/grade/gallery.ts";
import { runProgram } from "../support/gallery-photos.ts";
import { soundFruit } from "./line-fruit.ts";

/** Enrolling items of several views against the bare embedding of the same views. Each the best of some rounds. */
export interface EnrollBench {
  readonly items: number;
  readonly views: number;
  /** On one core of inference. */
  readonly embedMs: number;
  /** Views in memory to a gallery on disk, pictures and all. */
  readonly enrollMs: number;
  /** `gradeline-calibrate enroll` of as many JPEG files. */
  readonly commandMs: number;
  /** What the command does, each by itself on an otherwise idle machine; in the command most of it goes on at once. */
  readonly stages: {
    /** A command that does nothing: Node and what it loads. */
    readonly startMs: number;
    /** The session made and proven. */
    readonly openMs: number;
    /** Decoding the files and cutting out the fruit. */
    readonly cropMs: number;
    /** Keeping the views as pictures. */
    readonly saveMs: number;
    /** Measuring the pictures, comparing the items. */
    readonly lookMs: number;
  };
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
  const open = () => NodeEmbedder.open(loaded, { provider: "cpu", threads: 1, maxBatch: BATCH });
  const embedder = await open();
  try {
    await embedAll(embedder, crops);
    const photos = join(folder, "photos");
    const files = await writePhotos(photos, samples, embedder.model.sizePx);
    const times = new Times();
    let gallery: Gallery | undefined;
    for (let round = 0; round < ROUNDS; round++) {
      progress(`round ${round + 1} of ${ROUNDS}`);
      await times.take("embedMs", () => embedAll(embedder, crops));
      const writer = await GalleryWriter.open(join(folder, `gallery-${round}`));
      await times.take("enrollMs", async () => {
        gallery = await enroll(writer, embedder, samples);
      });
      writer.close();
      const own = ["--gallery", join(folder, `by-command-${round}`), "--json"];
      await times.take("commandMs", () => calibrate(["enroll", "sound", photos, ...own]));
      await times.take("startMs", () => calibrate(["list", ...own]));
      await times.take("openMs", async () => (await open()).close());
      await times.take("cropMs", () => cropAll(files, embedder));
      await times.take("saveMs", () => saveAll(writer, samples, embedder.model.sizePx));
      await times.take("lookMs", async () => look(gallery!, samples, embedder));
    }
    const { embedMs, enrollMs, commandMs, ...stages } = times.best;
    return { items: ITEMS, views: VIEWS, embedMs, enrollMs, commandMs, stages };
  } finally {
    await embedder.close();
    await rm(folder, { recursive: true, force: true });
  }
}

export function describe({ items, views, embedMs, enrollMs, commandMs, stages }: EnrollBench): string {
  const row = (what: string, ms: number): string =>
    `${what.padEnd(52)}${ms.toFixed(0).padStart(7)} ms  ${(ms / embedMs).toFixed(2)} times`;
  return [
    `${items} items of ${views} views, one thread of inference`,
    row("bare embedding of the views", embedMs),
    row("enrolling them: embedded, kept as pictures, on disk", enrollMs),
    row("gradeline-calibrate enroll of as many JPEG files", commandMs),
    "what it does beside, each by itself; most of it goes on while views are embedded",
    row("  starting", stages.startMs),
    row("  opening and proving the model", stages.openMs),
    row("  decoding the files and cutting out the fruit", stages.cropMs),
    row("  keeping the views as pictures", stages.saveMs),
    row("  looking through what was enrolled", stages.lookMs),
  ].join("\n");
}

type Timed = Omit<EnrollBench, "items" | "views" | "stages"> & EnrollBench["stages"];

/** The best time of each part. */
class Times {
  readonly best: Record<keyof Timed, number> = {
    embedMs: Number.POSITIVE_INFINITY,
    enrollMs: Number.POSITIVE_INFINITY,
    commandMs: Number.POSITIVE_INFINITY,
    startMs: Number.POSITIVE_INFINITY,
    openMs: Number.POSITIVE_INFINITY,
    cropMs: Number.POSITIVE_INFINITY,
    saveMs: Number.POSITIVE_INFINITY,
    lookMs: Number.POSITIVE_INFINITY,
  };

  async take(part: keyof Timed, work: () => Promise<unknown>): Promise<void> {
    const from = performance.now();
    await work();
    this.best[part] = Math.min(this.best[part], performance.now() - from);
  }
}

async function calibrate(args: readonly string[]): Promise<void> {
  const { status, stderr } = await runProgram("calibrate/main.ts", args);
  if (status !== 0) throw new Error(stderr);
}

/** @returns the files of each item */
async function writePhotos(folder: string, samples: readonly Sample[], sizePx: number): Promise<string[][]> {
  const files: string[][] = [];
  for (const [item, { crops }] of samples.entries()) {
    const place = join(folder, `${item}`);
    await mkdir(place, { recursive: true });
    const own = crops.map((_, view) => join(place, `${view}.jpg`));
    for (const [view, data] of crops.entries()) {
      await writeFile(own[view]!, await encodeJpeg({ widthPx: sizePx, heightPx: sizePx, data }, 95));
    }
    files.push(own);
  }
  return files;
}

async function cropAll(files: readonly string[][], { model }: Embedder): Promise<void> {
  const reader = new StillReader(model);
  for await (const _ of readAhead(files, (own) => reader.crops(own), 1));
}

async function saveAll(writer: GalleryWriter, samples: readonly Sample[], sizePx: number): Promise<void> {
  for (const [item, { crops }] of samples.entries()) await writer.saveCrops(`again-${item}`, crops, sizePx);
}

function look(gallery: Gallery, samples: readonly Sample[], { model }: Embedder): void {
  const qualities = new Map(
    gallery.references.map(({ id }, item) => [id, viewQualities(samples[item]!.crops, model)] as const),
  );
  auditGallery(gallery, qualities, { alpha: 0.05 });
}
