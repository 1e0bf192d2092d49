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
import type { Config, LaneConfig } from "../../config/schema.ts";
import type { LaneStatsMessage } from "../../contract/messages.ts";
import type { Model } from "../../embed/embedder.ts";
import { taughtBy } from "../../grade/gallery-cameras.ts";
import type { Recipe } from "../../recipes/load.ts";
import type { Box } from "../../vision/follower.ts";
import type { Scene } from "../../vision/scene.ts";
import type { SeenItem } from "../enrollable.ts";
import { DRIFT_TITLES, type Finding } from "./findings.ts";
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
  /** Of each camera of each lane. */
  readonly #views: readonly LaneView[];
  /** By the views' keys. */
  readonly #drifts = new Map<string, LaneDrift>();
  readonly #scenes = new Map<string, Scene>();
  readonly #areas = new Map<string, Box>();
  readonly #told = new Map<string, ReadonlyMap<string, Finding>>();
  #taughtBy: ReadonlyMap<string, number> = new Map();
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
    this.#views = parts.config.lanes.flatMap(viewsOf);
    for (const { key } of this.#views) {
      this.#drifts.set(key, new LaneDrift(parts.config.drift.baselineItems, states.get(key), this.#recipe.galleryHash));
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

  /**
   * @param index which of the lane's cameras
   * @param area the lane's part of the frame
   */
  scene(lane: string, index: number, scene: Scene, area: Box): void {
    const view = this.#views.find((each) => each.lane === lane && each.index === index);
    if (view === undefined) return;
    this.#scenes.set(view.key, scene);
    this.#areas.set(view.key, area);
  }

  seen(item: SeenItem): void {
    const id = item.verdict.lane;
    const recipe = this.#parts.recipe();
    if (recipe !== this.#recipe) this.#taught(recipe);
    // One that began with the model before.
    if (!this.#model.hash.startsWith(item.verdict.model)) return;
    let changed = false;
    for (const view of this.#views) if (view.lane === id && this.#seenIn(view, item)) changed = true;
    if (!changed) return;
    void this.#save();
    this.#log(id);
    this.#parts.changed(id);
  }

  /** @returns whether what is found in a camera's pictures has changed */
  #seenIn({ key, index, camera }: LaneView, item: SeenItem): boolean {
    const area = this.#areas.get(key);
    if (area === undefined) return false;
    const { sizePx, cropFill: fill } = this.#model;
    const shape = { sizePx, fill, area, ...(camera === undefined ? {} : { camera: index }) };
    const signals = measure(item, shape, this.#scenes.get(key), this.#references);
    return signals !== undefined && this.#drifts.get(key)!.add(signals);
  }

  findings(lane: string): Finding[] {
    const identity = this.#references?.identity;
    const references = identity === undefined ? undefined : { identity };
    return this.#views
      .filter((view) => view.lane === lane)
      .flatMap(({ key, camera }) =>
        this.#drifts
          .get(key)!
          .findings(references)
          .map((finding) => (camera === undefined ? finding : this.#byCamera(finding, camera))),
      )
      .sort((a, b) => a.since - b.since);
  }

  /** A camera that taught nothing may well look different. */
  #byCamera(finding: Finding, camera: string): Finding {
    const others = [...this.#taughtBy.keys()];
    const untaught = finding.kind === "unlike" && others.length > 0 && !others.includes(camera);
    const text = untaught
      ? `${finding.text}; it has taught nothing, the references are of ${others.join(", ")}`
      : finding.text;
    return { ...finding, camera, text: `camera ${camera}: ${text}` };
  }

  /** As the lane's statistics tell it. */
  message(lane: string): LaneStatsMessage["drift"] {
    // Its figures are those of its first camera.
    const drift = this.#drifts.get(lane)!;
    return {
      learned: rounded(drift.learned, 4),
      learntFrom: drift.learntFrom === 0 ? null : formatMicros(drift.learntFrom),
      findings: this.findings(lane).map(({ kind, camera, since, text }) => ({
        kind,
        ...(camera === undefined ? {} : { camera }),
        since: formatMicros(since),
        text,
      })),
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
    for (const { lane, key } of this.#views) {
      if (!lanes.includes(lane)) continue;
      const { hours, days } = this.#drifts.get(key)!.state();
      const state = { signals: {}, places: {}, hours, days, gallery: this.#recipe.galleryHash, learntFrom: 0 };
      this.#drifts.set(key, new LaneDrift(this.#parts.config.drift.baselineItems, state, this.#recipe.galleryHash));
    }
    for (const id of lanes) this.#parts.changed(id);
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
      for (const key of this.#drifts.keys())
        this.#drifts.set(key, new LaneDrift(baselineItems, undefined, galleryHash));
    }
    this.#recipe = recipe;
    this.#model = model;
    this.#references = gallery === undefined ? undefined : driftReferences(gallery, model.parts);
    this.#taughtBy = gallery === undefined ? new Map() : taughtBy(gallery);
    for (const drift of this.#drifts.values()) drift.taught(galleryHash);
  }

  /** Each finding once, when it comes and when it goes. */
  #log(lane: string): void {
    const found = this.findings(lane);
    const before = this.#told.get(lane) ?? new Map<string, Finding>();
    const now = new Map(found.map((finding) => [`${finding.camera ?? ""} ${finding.kind}`, finding]));
    for (const [key, { kind, camera, since, text }] of now) {
      if (!before.has(key)) this.#parts.log.warn({ lane, camera, kind, since: formatMicros(since) }, text);
    }
    for (const [key, { kind, camera }] of before) {
      if (!now.has(key)) this.#parts.log.info({ lane, camera, kind }, `no longer: ${DRIFT_TITLES[kind]}`);
    }
    this.#told.set(lane, now);
  }

  #save(): Promise<void> {
    return this.#serial.run(async () => {
      const lanes = Object.fromEntries([...this.#drifts].map(([key, drift]) => [key, drift.state()]));
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

/** A lane as one of its cameras shows it. */
interface LaneView {
  /** The lane's name, and for each camera but the first the camera's, too; names hold no slash. */
  readonly key: string;
  readonly lane: string;
  /** In the lane's list; of a camera that looks into several mirrors the first. */
  readonly index: number;
  /** Undefined where it is the only one. */
  readonly camera: string | undefined;
}

function viewsOf({ id, cameras }: LaneConfig): LaneView[] {
  const names = cameras.map(({ camera }) => camera);
  const several = new Set(names).size > 1;
  return names.flatMap((camera, index) => {
    if (names.indexOf(camera) < index) return [];
    return [{ key: index === 0 ? id : `${id}/${camera}`, lane: id, index, camera: several ? camera : undefined }];
  });
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
