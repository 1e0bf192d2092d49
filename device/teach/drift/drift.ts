import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { asGradelineError } from "../../base/errors.ts";
import { removeTemporary, setAside, writeAtomic } from "../../base/files.ts";
import type { Closable } from "../../base/lifecycle.ts";
import type { Log } from "../../base/log.ts";
import { rounded } from "../../base/numbers.ts";
import { Serial } from "../../base/serial.ts";
import { formatMicros } from "../../base/time.ts";
import { mapSchema } from "../../config/map-schema.ts";
import type { Config } from "../../config/schema.ts";
import type { LaneStatsMessage } from "../../contract/messages.ts";
import type { Model } from "../../embed/embedder.ts";
import type { Recipe } from "../../recipes/load.ts";
import type { Box } from "../../vision/follower.ts";
import type { Scene } from "../../vision/scene.ts";
import type { SeenItem } from "../kept.ts";
import { DRIFT_TITLES, type DriftKind, type Finding } from "./findings.ts";
import { LaneDrift, type LaneDriftState } from "./lane-drift.ts";
import { measure } from "./measure.ts";
import { type DriftReferences, driftReferences } from "./references.ts";
import { SIGNAL_NAMES } from "./signals.ts";

const SAVE_MS = 60_000;
/** Of a station whose lanes all have a year of days. */
const MAX_BYTES = 64 * 1024 * 1024;

const shiftSchema = z.strictObject({
  learning: z.array(z.number()).max(1000),
  mean: z.number(),
  sd: z.number(),
  up: z.number(),
  down: z.number(),
  trail: z.array(z.tuple([z.number(), z.number()])).max(1000),
  last: z.number(),
  blocks: z.number(),
  since: z.number(),
  direction: z.number(),
  shiftedSum: z.number(),
  shiftedBlocks: z.number(),
});
const summarySchema = z.strictObject({
  from: z.number(),
  items: z.number(),
  means: z.partialRecord(z.enum(SIGNAL_NAMES), z.number()),
});
const fileSchema = z.strictObject({
  v: z.literal(1),
  model: z.string(),
  baselineItems: z.number(),
  lanes: mapSchema(
    z.string(),
    z.strictObject({
      signals: z.partialRecord(z.enum(SIGNAL_NAMES), shiftSchema),
      places: z.partialRecord(z.enum(["placeBrightness", "placeSharpness"]), z.array(shiftSchema)),
      hours: z.array(summarySchema),
      days: z.array(summarySchema),
      gallery: z.string(),
      learntFrom: z.number(),
    }),
  ),
});

export interface DriftParts {
  readonly config: Config;
  /** The active model. */
  model(): Model;
  readonly log: Log;
  /** The active recipe. */
  recipe(): Recipe;
  /** What is found on a lane has changed. */
  changed(lane: string): void;
  /** The file was damaged and is set aside. */
  damaged?(text: string): void;
}

/** Follows how the line's light, optics and fruit change against how they were, and against the references. */
export class Drift implements Closable {
  readonly #parts: DriftParts;
  readonly #path: string;
  readonly #lanes = new Map<string, LaneDrift>();
  readonly #scenes = new Map<string, Scene>();
  readonly #areas = new Map<string, Box>();
  readonly #told = new Map<string, ReadonlySet<DriftKind>>();
  #recipe: Recipe;
  #model: Model;
  #references: DriftReferences | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #serial = new Serial();
  #problem: string | undefined;

  private constructor(parts: DriftParts, states: ReadonlyMap<string, LaneDriftState>) {
    this.#parts = parts;
    this.#path = driftFile(parts.config);
    this.#recipe = parts.recipe();
    this.#model = parts.model();
    for (const { id } of parts.config.lanes) {
      this.#lanes.set(id, new LaneDrift(parts.config.drift.baselineItems, states.get(id), this.#recipe.galleryHash));
    }
    this.#taught(this.#recipe);
  }

  /** Goes on with what was known before; a file that is damaged or of another model is begun anew, which the log says. */
  static async open(parts: DriftParts): Promise<Drift> {
    const drift = new Drift(parts, await readStates(parts));
    drift.#timer = setInterval(() => void drift.#save(), SAVE_MS);
    drift.#timer.unref();
    return drift;
  }

  /** @param area the lane's part of the frame */
  scene(lane: string, scene: Scene, area: Box): void {
    this.#scenes.set(lane, scene);
    this.#areas.set(lane, area);
  }

  seen(item: SeenItem): void {
    const id = item.verdict.lane;
    const area = this.#areas.get(id);
    if (area === undefined) return;
    const recipe = this.#parts.recipe();
    if (recipe !== this.#recipe) this.#taught(recipe);
    const { sizePx, cropFill, hash } = this.#model;
    // One that began with the model before.
    if (!hash.startsWith(item.verdict.model)) return;
    const signals = measure(item, { sizePx, fill: cropFill, area }, this.#scenes.get(id), this.#references);
    if (signals === undefined || !this.#lanes.get(id)!.add(signals)) return;
    void this.#save();
    this.#log(id);
    this.#parts.changed(id);
  }

  findings(lane: string): Finding[] {
    const identity = this.#references?.identity;
    return this.#lanes.get(lane)!.findings(identity === undefined ? undefined : { identity });
  }

  /** As the lane's statistics tell it. */
  message(lane: string): LaneStatsMessage["drift"] {
    const drift = this.#lanes.get(lane)!;
    return {
      learned: rounded(drift.learned, 4),
      learntFrom: drift.learntFrom === 0 ? null : formatMicros(drift.learntFrom),
      findings: this.findings(lane).map(({ kind, since, text }) => ({ kind, since: formatMicros(since), text })),
      signals: drift.status().map(({ signal, baseline, now, since }) => ({
        signal,
        baseline: baseline === null ? null : rounded(baseline, 4),
        now: now === null ? null : rounded(now, 4),
        since: since === null ? null : formatMicros(since),
      })),
    };
  }

  /** Takes the line as it is from now on as how it should be. */
  async relearn(lanes: readonly string[]): Promise<void> {
    for (const id of lanes) {
      const { hours, days } = this.#lanes.get(id)!.state();
      const state = { signals: {}, places: {}, hours, days, gallery: this.#recipe.galleryHash, learntFrom: 0 };
      this.#lanes.set(id, new LaneDrift(this.#parts.config.drift.baselineItems, state, this.#recipe.galleryHash));
      this.#parts.changed(id);
    }
    await this.#save();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#save();
  }

  /** The active recipe has changed. */
  #taught(recipe: Recipe): void {
    const { gallery, galleryHash } = recipe;
    const model = this.#parts.model();
    if (model.hash !== this.#model.hash) {
      // Another model sees otherwise: what was learnt says nothing any more.
      const { baselineItems } = this.#parts.config.drift;
      for (const id of this.#lanes.keys()) this.#lanes.set(id, new LaneDrift(baselineItems, undefined, galleryHash));
    }
    this.#recipe = recipe;
    this.#model = model;
    this.#references = gallery === undefined ? undefined : driftReferences(gallery, model.parts);
    for (const lane of this.#lanes.values()) lane.taught(galleryHash);
  }

  /** Each finding once, when it comes and when it goes. */
  #log(lane: string): void {
    const found = this.findings(lane);
    const before = this.#told.get(lane) ?? new Set();
    const now = new Set(found.map(({ kind }) => kind));
    for (const { kind, since, text } of found) {
      if (!before.has(kind)) this.#parts.log.warn({ lane, kind, since: formatMicros(since) }, text);
    }
    for (const kind of before) {
      if (!now.has(kind)) this.#parts.log.info({ lane, kind }, `no longer: ${DRIFT_TITLES[kind]}`);
    }
    this.#told.set(lane, now);
  }

  #save(): Promise<void> {
    return this.#serial.run(async () => {
      const lanes = Object.fromEntries([...this.#lanes].map(([id, lane]) => [id, lane.state()]));
      const { config, log } = this.#parts;
      const file = { v: 1, model: this.#model.hash, baselineItems: config.drift.baselineItems, lanes };
      try {
        await writeAtomic(this.#path, [new TextEncoder().encode(JSON.stringify(file))]);
        this.#problem = undefined;
      } catch (error) {
        // It goes on in memory; the disk's own troubles are told by those who need it more.
        const { message } = asGradelineError(error);
        if (this.#problem === undefined) log.warn(`what is known of drift is not kept: ${message}`);
        this.#problem = message;
      }
    });
  }
}

/** Where it is kept: as configured, else beside the journal. */
export function driftFile(config: Pick<Config, "drift" | "journal">): string {
  return config.drift.path ?? join(dirname(config.journal.path), "drift.json");
}

async function readStates({
  config,
  model,
  log,
  damaged = (what) => log.warn(what),
}: Pick<DriftParts, "config" | "model" | "log" | "damaged">): Promise<ReadonlyMap<string, LaneDriftState>> {
  const path = driftFile(config);
  await removeTemporary(dirname(path), (name) => name === basename(path));
  let text: string;
  try {
    const bytes = await readFile(path);
    if (bytes.length > MAX_BYTES) throw new Error(`it has ${bytes.length} bytes`);
    text = bytes.toString("utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
      log.warn(`${path} cannot be read, drift is learnt anew: ${(error as Error).message}`);
    }
    return new Map();
  }
  try {
    const file = fileSchema.parse(JSON.parse(text));
    // Another model sees otherwise, and blocks of another length vary otherwise.
    if (file.model !== model().hash || file.baselineItems !== config.drift.baselineItems) return new Map();
    return file.lanes as ReadonlyMap<string, LaneDriftState>;
  } catch {
    const aside = await setAside(path).catch((error: Error) => error);
    const where = aside instanceof Error ? `cannot be set aside: ${aside.message}` : `is set aside as ${aside}`;
    damaged(`${path} was damaged and ${where}; drift is learnt anew`);
    return new Map();
  }
}
