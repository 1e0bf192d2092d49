import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BroadcastChannel } from "node:worker_threads";
import { createLog } from "../../device/base/log.ts";
import { rounded } from "../../device/base/numbers.ts";
import { type Config, type ConfigInput, configSchema, type LineConfig } from "../../device/config/schema.ts";
import { watchLine } from "../../device/demo/samples.ts";
import type { Truth } from "../../device/demo/tally.ts";
import { truthsOf } from "../../device/demo/truth.ts";
import type { ProvenEmbedder } from "../../device/embed/embedder.ts";
import { openEmbedder } from "../../device/embed/open-embedder.ts";
import { enroll } from "../../device/gallery/enroll.ts";
import { GalleryWriter } from "../../device/gallery/store.ts";
import type { LaneSightings } from "../../device/lanes/camera-messages.ts";
import { FruitWatch } from "../../device/lanes/fruit-watch.ts";
import type { DecidedItem } from "../../device/recipes/decided-item.ts";
import { ModelJudge } from "../../device/recipes/judge.ts";
import { loadRecipe, type Recipe } from "../../device/recipes/load.ts";
import { LineWorld } from "../../device/simulation/world.ts";
import type { ViewSeen } from "../../device/vision/follower.ts";
import { DRAWN } from "./cameras-source.ts";
import { table } from "./table.ts";

export interface CamerasRow {
  readonly conveyor: "belt" | "cups";
  readonly rolls: boolean;
  readonly fps: number;
  /** Between one camera's clock and the next one's. */
  readonly clockMs: number;
  readonly cameras: number;
  /** Fruit that passed. */
  readonly passed: number;
  readonly verdicts: number;
  readonly missed: number;
  readonly double: number;
  /** Tracks that were joined with those of another fruit. */
  readonly wrongJoin: number;
  readonly joins: number;
  /** Share of fruit whose verdict is the simulation's truth. */
  readonly agreement: number;
  /** Milliseconds of CPU of the whole process, drawing the simulation left out: vision, embedding, joining, grading. */
  readonly cpuPerItem: number;
  readonly viewsPerItem: number;
  readonly cpuPerView: number;
}

const SIZE = { widthPx: 480, heightPx: 120, mmPerPx: 1.16 };
const SPEED = 900;
const PITCH_MM = 105;
const GATE_MM = 500;
const ANGLES_DEG = [0, 120, -120, 180];
/** Two cameras look at one place, the others further on: 0 to 600 mm apart. */
const OFFSETS_MM = [0, 0, 315, 600];
const ITEMS = 100;
const ENROLL_ITEMS = 90;
const SEED = 31;
/** Two fruit are 40 mm apart at least. */
const NEAR_MM = 20;

type Kind = Pick<CamerasRow, "conveyor" | "rolls" | "fps" | "clockMs" | "cameras">;

interface Options {
  readonly items?: number | undefined;
  readonly progress?: (text: string) => void;
}

export async function run({ items = ITEMS, progress = () => {} }: Options): Promise<CamerasRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "gradeline-cameras-"));
  try {
    const enrolling = configOf(
      folder,
      { conveyor: "belt", rolls: true, fps: 30, clockMs: 0, cameras: 4 },
      ENROLL_ITEMS,
      {
        seed: SEED + 1000,
        strangers: 0,
      },
    );
    const embedder = await openEmbedder(enrolling.model, enrolling.embedder);
    const writer = await GalleryWriter.open(enrolling.gallery);
    progress("enrolling");
    await enroll(
      writer,
      embedder,
      watchLine(enrolling, embedder.model, truthsOf(enrolling, ENROLL_ITEMS), createLog("warn")),
    );
    writer.close();
    const recipe = await loadRecipe(enrolling, embedder.model);
    const rows: CamerasRow[] = [];
    for (const kind of kinds()) {
      const row = await measure(folder, kind, items, embedder, recipe);
      progress(JSON.stringify(row));
      rows.push(row);
    }
    await embedder.close();
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Every number of cameras on both conveyors, rolling and not, at both rates, with clocks that agree and that do not. */
function* kinds(): Iterable<Kind> {
  for (const conveyor of ["belt", "cups"] as const) {
    for (const rolls of [true, false]) {
      for (const cameras of [1, 2, 3, 4]) yield { conveyor, rolls, fps: 30, clockMs: 0, cameras };
    }
    for (const cameras of [2, 4]) {
      yield { conveyor, rolls: true, fps: 30, clockMs: 20, cameras };
      // Cups have one frame per pitch, whatever the camera could do.
      if (conveyor === "belt") yield { conveyor, rolls: true, fps: 60, clockMs: 10, cameras };
    }
  }
}

function configOf(folder: string, kind: Kind, items: number, more: object): Config {
  const { conveyor, rolls, fps, clockMs, cameras } = kind;
  const source = {
    kind: "line" as const,
    conveyor,
    ...SIZE,
    fps,
    speedMmPerS: SPEED,
    spacingMm: conveyor === "cups" ? PITCH_MM : 150,
    touching: 0.15,
    rolls,
    speedWave: conveyor === "belt" ? 0.1 : 0,
    seed: SEED,
    pace: "fast" as const,
    startAt: 1e15,
    items,
    gateMm: GATE_MM,
    ...more,
  };
  const places = OFFSETS_MM.slice(0, cameras);
  return configSchema.parse({
    device: "bench",
    gallery: join(folder, "gallery"),
    embedder: { provider: "cpu" },
    cameras: places.map((offsetMm, i) => ({
      id: `c${i}`,
      source: {
        ...source,
        // From the clock in the middle, so that none is more than that apart from it.
        seenFrom: { offsetMm, angleDeg: ANGLES_DEG[i]!, phaseMs: 7 * i, clockMs: i % 2 === 0 ? 0 : clockMs },
      },
    })),
    lanes: [
      {
        id: "lane",
        mmPerPx: SIZE.mmPerPx,
        gateMm: GATE_MM,
        cameras: places.map((offsetMm, i) => ({ camera: `c${i}`, offsetMm, angleDeg: ANGLES_DEG[i]! })),
        conveyor:
          conveyor === "belt"
            ? { kind: "belt", speedMmPerS: SPEED }
            : { kind: "cups", pitchMm: PITCH_MM, windows: 4, firstWindowMm: PITCH_MM / 2, speedMmPerS: SPEED },
      },
    ],
  } satisfies ConfigInput);
}

async function measure(
  folder: string,
  kind: Kind,
  items: number,
  embedder: ProvenEmbedder,
  recipe: Recipe,
): Promise<CamerasRow> {
  const config = configOf(folder, kind, items, {});
  const { sizePx, cropMargin, cropFill } = embedder.model;
  const judge = new ModelJudge(embedder, "bench", recipe, { size: 16, maxDelayMs: 3 });
  const tracks = new Tracks(config);
  const decided: DecidedItem[] = [];
  const drawn = drawnBy(config.cameras.length);
  const before = process.cpuUsage();
  const watch = await FruitWatch.open(
    config,
    { sizePx, margin: cropMargin, fill: cropFill },
    {
      judge: () => judge,
      sighted: (lanes) => tracks.sighted(lanes),
      fruit: (item) => void decided.push(item),
      room: () => Promise.resolve(),
      changed: () => {},
    },
    createLog("warn"),
    new URL("./cameras-source.ts", import.meta.url).href,
  );
  await Promise.all(watch.cameras.map(({ finished }) => finished));
  await watch.close();
  await judge.batcher.close();
  const { user, system } = process.cpuUsage(before);
  const cpuMs = (user + system - (await drawn)) / 1000;
  const counts = tracks.count(decided);
  const views = decided.reduce((sum, { crops }) => sum + crops.length, 0);
  return {
    ...kind,
    ...counts,
    cpuPerItem: rounded(cpuMs / counts.passed, 2),
    viewsPerItem: rounded(views / counts.passed, 1),
    cpuPerView: rounded(cpuMs / views, 3),
  };
}

/** Resolves with the microseconds that so many cameras' threads took to draw. */
function drawnBy(cameras: number): Promise<number> {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel(DRAWN);
    let left = cameras;
    let us = 0;
    channel.onmessage = (message) => {
      us += (message as { data: number }).data;
      if (--left > 0) return;
      channel.close();
      resolve(us);
    };
  });
}

/** Which fruit each camera's track is, by where the simulation has its fruit when a view is exposed. */
class Tracks {
  readonly #truths: readonly Truth[];
  readonly #worlds: readonly LineWorld[];
  readonly #trackOf = new Map<Uint8Array, string>();
  readonly #fruitOf = new Map<string, number>();
  /** Index among what can be missed, by the simulation's index. */
  readonly #fruit = new Map<number, number>();

  constructor(config: Config) {
    const all = truthsOf(config, 100_000);
    this.#truths = all.filter(({ grade }) => grade !== null);
    for (const [index, truth] of all.entries()) if (truth.grade !== null) this.#fruit.set(index, this.#fruit.size);
    this.#worlds = config.cameras.map(({ source }) => new LineWorld(source as LineConfig));
  }

  sighted(lanes: readonly LaneSightings[]): void {
    for (const { camera, sightings } of lanes) {
      for (const sighting of sightings) {
        if (sighting.kind !== "view") continue;
        const key = `${camera} ${sighting.item}`;
        this.#trackOf.set(sighting.crop, key);
        // The last view decides: a track that has changed to another fruit is wrong.
        this.#fruitOf.set(key, this.#nearest(camera, sighting));
      }
    }
  }

  count(decided: readonly DecidedItem[]) {
    const hits = this.#truths.map(() => 0);
    let strays = 0;
    let wrongJoin = 0;
    let joins = 0;
    let agreed = 0;
    let verdicts = 0;
    for (const { passed, crops, decision } of decided) {
      if (passed.presence === "empty") continue;
      verdicts++;
      const fruit = [...new Set(crops.map((crop) => this.#trackOf.get(crop)!))].map((key) => this.#fruitOf.get(key)!);
      const first = fruit[0] ?? -1;
      joins += Math.max(0, fruit.length - 1);
      wrongJoin += fruit.filter((other) => other !== first).length;
      if (first < 0) {
        strays++;
        continue;
      }
      hits[first]!++;
      const said = decision.outcome === "graded" ? decision.grade : decision.outcome;
      if (hits[first] === 1 && said === this.#truths[first]!.grade) agreed++;
    }
    const passed = hits.length;
    return {
      passed,
      verdicts,
      missed: hits.filter((hit) => hit === 0).length,
      double: strays + hits.reduce((sum, hit) => sum + Math.max(0, hit - 1), 0),
      wrongJoin,
      joins,
      agreement: Math.round((1000 * agreed) / passed) / 1000,
    };
  }

  /** The fruit that lies where a view shows one; -1 where none does. */
  #nearest(camera: number, { box, exposedAt }: ViewSeen): number {
    const world = this.#worlds[camera]!;
    const { startAt, seenFrom, mmPerPx } = world.config;
    const timeS = (exposedAt - startAt - seenFrom.clockMs * 1000) / 1e6;
    const alongMm = (box.x + box.w / 2) * mmPerPx;
    let best = -1;
    let off = NEAR_MM;
    for (const { index, offsetMm } of world.inView(0, timeS)) {
      const apart = Math.abs(world.alongMm(offsetMm, timeS) - alongMm);
      if (apart >= off) continue;
      off = apart;
      best = this.#fruit.get(index) ?? -1;
    }
    return best;
  }
}

/** Share of a row's CPU per view more or less than with one camera. */
export function againstOne(rows: readonly CamerasRow[], row: CamerasRow): number | undefined {
  const one = rows.find(
    ({ conveyor, rolls, fps, clockMs, cameras }) =>
      cameras === 1 && conveyor === row.conveyor && rolls === row.rolls && fps === row.fps && clockMs === row.clockMs,
  );
  return one === undefined || one === row ? undefined : row.cpuPerView / one.cpuPerView - 1;
}

const HEAD = [
  "lane",
  "cameras",
  "passed",
  "verdicts",
  "missed",
  "double",
  "wrong joins",
  "agreement",
  "CPU per item",
  "views",
  "CPU per view",
];

function cellsOf(rows: readonly CamerasRow[]): string[][] {
  return rows.map((row) => {
    const more = againstOne(rows, row);
    const change = more === undefined ? "" : ` (${more < 0 ? "" : "+"}${(100 * more).toFixed(0)} %)`;
    return [
      `${row.conveyor}, ${row.rolls ? "rolling" : "lying"}, ${row.conveyor === "belt" ? `${row.fps}/s, ` : ""}clocks ${row.clockMs} ms apart`,
      String(row.cameras),
      String(row.passed),
      String(row.verdicts),
      String(row.missed),
      String(row.double),
      `${row.wrongJoin} of ${row.joins}`,
      `${(100 * row.agreement).toFixed(1)} %`,
      `${row.cpuPerItem.toFixed(0)} ms`,
      String(row.viewsPerItem),
      `${row.cpuPerView.toFixed(2)} ms${change}`,
    ];
  });
}

export function describe(rows: readonly CamerasRow[]): string {
  return table(HEAD, cellsOf(rows));
}

const PAGE = new URL("../../device/lanes/README.md", import.meta.url);
const BEGIN = "<!-- made by: npm run bench -- cameras-per-lane --write -->";
const END = "<!-- end -->";

/** Writes the table into the page of device/lanes. */
export async function writePage(rows: readonly CamerasRow[]): Promise<void> {
  const page = await readFile(PAGE, "utf8");
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END, from);
  if (from < 0 || to < from) throw new Error("the page has no place for the table");
  const lines = [HEAD, HEAD.map((_, column) => (column === 0 ? "---" : "--:")), ...cellsOf(rows)];
  const text = lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  await writeFile(PAGE, `${page.slice(0, from + BEGIN.length)}\n\n${text}\n\n${page.slice(to)}`);
}
