import { asGradelineError, GradelineError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type Micros, nowMicros, parseMicros } from "../base/time.ts";
import type { Config } from "../config/schema.ts";
import type { Codes } from "../contract/codes.ts";
import type { Reason, ReasonCode } from "../contract/reasons.ts";
import type { ProvenEmbedder } from "../embed/embedder.ts";
import type { Camera } from "../lanes/camera.ts";
import { cameraReasons } from "../lanes/camera-reasons.ts";
import type { LaneStats } from "../lanes/counts.ts";
import type { Flows } from "../lanes/flows.ts";
import type { Journal } from "../publish/journal.ts";
import type { Recipe } from "../recipes/load.ts";
import { DRIFT_TITLES } from "../teach/drift/findings.ts";
import { nothingEnrolled, type Teaching } from "../teach/teaching.ts";
import type { StationClock } from "./clock.ts";
import { Measured } from "./measured.ts";

export interface OwnReasonsParts {
  readonly config: Config;
  readonly codes: Codes;
  readonly log: Log;
  readonly cameras: ReadonlyMap<string, Camera>;
  readonly journal: Pick<Journal, "problem">;
  readonly stats: ReadonlyMap<string, Pick<LaneStats, "late" | "items">>;
  readonly clock: StationClock;
  flows(): Flows;
  teaching(): Pick<Teaching, "queue" | "findings">;
  embedder(): Pick<ProvenEmbedder, "degraded">;
  /** Whether views are with the model, and how many batches came back. */
  embedding(): { readonly waiting: boolean; readonly done: number };
  recipe(): Recipe;
  paused(): boolean;
  /** Why the calibration does not hold any more. */
  expired(): readonly string[];
  /** Something is wrong that was not, or the other way round. */
  changed(): void;
}

/** How long the state tells of what was mended. */
const NOTICE_US = 60e6;
const MAX_NOTICES = 8;

/** What is wrong with the device, as far as the station sees it; the publisher knows of the broker. */
export class OwnReasons {
  readonly #parts: OwnReasonsParts;
  readonly #measured: Measured;
  /** Cameras that could not be opened. */
  readonly #failedCameras: Reason[] = [];
  readonly #notices: { readonly code: ReasonCode; readonly text: string; readonly at: Micros }[] = [];
  #embedProblem: string | undefined;

  constructor(parts: OwnReasonsParts) {
    this.#parts = parts;
    const { stats, cameras } = parts;
    this.#measured = new Measured({
      lanes: () => [...stats].map(([lane, { late, items }]) => ({ lane, late, items })),
      cameras: () => [...cameras.values()].map(({ id, counters }) => ({ camera: id, ...counters })),
      embedding: parts.embedding,
    });
  }

  *list(): Iterable<Reason> {
    const { config, codes, cameras, clock, journal } = this.#parts;
    const teaching = this.#parts.teaching();
    const recipe = this.#parts.recipe();
    const paused = this.#parts.paused();
    if (config.cameras.length === 0) yield { code: "no-camera", message: "no camera is configured" };
    for (const camera of cameras.values()) yield* cameraReasons(camera, paused);
    yield* this.#failedCameras;
    yield* this.#measured.reasons();
    for (const { grade } of codes.grades === undefined ? [] : recipe.grades) {
      if (codes.grades?.has(grade)) continue;
      yield { code: "no-code", message: `grade ${grade} has no number in messages.gradeCodes` };
    }
    yield* this.#parts.flows().reasons();
    yield* clock.reasons();
    const { problem: disk } = journal;
    if (disk !== undefined) yield { code: "journal-disk", message: `journal: ${disk.message}`, hint: disk.hint };
    for (const code of ["journal-damaged", "file-damaged"] as const) {
      const mended = this.#notices.filter((notice) => notice.code === code && nowMicros() - notice.at < NOTICE_US);
      if (mended.length > 0) yield { code, message: mended.map(({ text }) => text).join("; ") };
    }
    if (this.#embedProblem !== undefined) yield { code: "embedding", message: `embedding: ${this.#embedProblem}` };
    const { degraded } = this.#parts.embedder();
    if (degraded !== undefined) yield { code: "provider", message: `embedding: ${degraded}` };
    if (recipe.references === 0) yield { code: "untaught", message: nothingEnrolled(config) };
    for (const message of this.#parts.expired()) yield { code: "calibration", message };
    const { problem } = teaching.queue.stats;
    if (problem !== null) yield { code: "queue-disk", message: `unknown items are not kept: ${problem}` };
    for (const { lane, camera, kind, since, text } of teaching.findings()) {
      const where = camera === undefined ? `lane ${lane}` : `lane ${lane}, camera ${camera}`;
      const message = `${where}: ${DRIFT_TITLES[kind]} since ${since.slice(0, 19)}Z`;
      yield { code: "drift", message, hint: text, lane, camera, since: parseMicros(since) };
    }
    if (paused) yield { code: "paused", message: "paused by request" };
  }

  /** How many cameras could not be opened. */
  get failedCameras(): number {
    return this.#failedCameras.length;
  }

  /** A camera cannot be opened; the others grade. */
  cameraFailed(id: string, { code, message, hint }: GradelineError): void {
    this.#parts.log.error({ camera: id, code, hint }, `the camera cannot be opened, the others grade: ${message}`);
    this.#failedCameras.push({ code: "camera-away", camera: id, message: `camera ${id}: ${message}`, hint });
  }

  /** Tells for a minute what was damaged and mended. */
  mended(text: string, code: "journal-damaged" | "file-damaged"): void {
    this.#notices.push({ code, text, at: nowMicros() });
    if (this.#notices.length > MAX_NOTICES) this.#notices.shift();
    this.#parts.changed();
  }

  /** A view cannot be embedded. */
  embedFailed(error: unknown): void {
    const { message, hint } = asGradelineError(error, "INFERENCE");
    if (this.#embedProblem === undefined) this.#parts.log.error({ hint }, `a view is not embedded: ${message}`);
    this.#embedProblem = message;
    this.#parts.changed();
  }

  /** Views can be embedded again. */
  embedWorks(): void {
    this.#embedProblem = undefined;
  }
}

/** Without any camera there is no line. */
export function noCameraOpens(
  failed: readonly { readonly id: string; readonly error: GradelineError }[],
): GradelineError {
  const { code, hint } = failed[0]!.error;
  const message = failed.map(({ id, error }) => `camera ${id}: ${error.message}`).join("; ");
  return new GradelineError(code, message, { hint, cause: failed[0]!.error });
}
