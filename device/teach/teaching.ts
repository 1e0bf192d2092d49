import { dirname, join } from "node:path";
import { GradelineError } from "../base/errors.ts";
import type { Closable } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { laneNamed } from "../config/lane-names.ts";
import { type Config, gradeSchema } from "../config/schema.ts";
import type { HealthMessage } from "../contract/messages.ts";
import type { Embedder } from "../embed/embedder.ts";
import type { Recipe } from "../recipes/load.ts";
import { Drift } from "./drift/drift.ts";
import { type EnrolledItem, enrollKept, takeBack } from "./enroll-kept.ts";
import { camerasOfViews, type EnrollableItem, type SeenItem, spreadViews } from "./enrollable.ts";
import { type EnrollmentProgress, LaneEnrollment } from "./lane-enrollment.ts";
import { LatestItems } from "./latest.ts";
import { notKept, UnknownQueue } from "./queue.ts";

/** Most items of one enrollment: their pixels wait in memory until the last has passed. */
export const MAX_ENROLL = 200;
/** Most items that all lanes together may be waiting for. */
const MAX_ALL_LANES = 300;

export interface TeachingParts {
  readonly config: Config;
  /** The active model. */
  embedder(): Embedder;
  readonly log: Log;
  /** The active recipe. */
  recipe(): Recipe;
  /** Runs `work` while the model and gallery are locked. */
  runExclusive<T>(work: () => Promise<T>): Promise<T>;
  /** Reads the gallery again and grades by it; only within `runExclusive`. */
  reload(): Promise<Recipe>;
  /** The enrollment of a lane has begun, gone on or ended, or something was found to drift on it. */
  advanced(lane: string): void;
  /** A file was damaged and is set aside. */
  damaged(text: string): void;
}

/** What somebody taught the line last, for as long as it can be taken back. */
export interface Act {
  /** The grade under which fruit were enrolled; null: they were dismissed from the queue. */
  readonly grade: string | null;
  /** How many fruit. */
  readonly items: number;
}

interface DoneAct extends Act {
  /** Those that left the queue by it. */
  readonly taken: readonly string[];
  /** Hash of the gallery that it left behind; undefined where it changed none. */
  readonly gallery: string | undefined;
}

/** Acts that can be taken back; the gallery keeps as many steps. */
const MAX_ACTS = 20;

/** The result of an enrollment. */
export interface Enrolled {
  readonly grade: string;
  readonly items: readonly EnrolledItem[];
  readonly recipe: Recipe;
}

/** Teaches the running line: keeps what it does not know and enrolls what people know. */
export class Teaching implements Closable {
  readonly latest = new LatestItems();
  readonly queue: UnknownQueue;
  readonly drift: Drift;
  readonly #parts: TeachingParts;
  readonly #lanes = new Map<string, LaneEnrollment>();
  readonly #stop = new AbortController();
  readonly #acts: DoneAct[] = [];
  /** The enrollment that was asked for last; one writes to the gallery at a time. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(parts: TeachingParts, queue: UnknownQueue, drift: Drift) {
    this.#parts = parts;
    this.drift = drift;
    this.queue = queue;
  }

  /** @throws {GradelineError} FILE when the folder of the queue cannot be used */
  static async open(parts: TeachingParts): Promise<Teaching> {
    const { config, embedder, log } = parts;
    const queue = await UnknownQueue.open(
      queueFolder(config),
      config.queue,
      embedder().model.cropFill,
      log,
      undefined,
      parts.damaged,
    );
    const drift = await Drift.open({
      config,
      model: () => embedder().model,
      log,
      recipe: parts.recipe,
      changed: parts.advanced,
      damaged: parts.damaged,
    });
    return new Teaching(parts, queue, drift);
  }

  /** Takes every decided item. Never throws, never waits. */
  seen(item: SeenItem): void {
    this.latest.add(item);
    this.drift.seen(item);
    this.#lanes.get(item.verdict.lane)?.seen(item);
    const { outcome } = item.verdict;
    if (outcome === "unknown" || outcome === "unsure") this.queue.offer(item);
  }

  get lanes(): string[] {
    return this.#parts.config.lanes.map(({ id }) => id);
  }

  /** What has changed on the lanes, as `health` tells it. */
  findings(): HealthMessage["drift"] {
    return this.lanes.flatMap((lane) => this.drift.message(lane).findings.map((finding) => ({ lane, ...finding })));
  }

  /** How far a lane's enrollment is; undefined where none runs. */
  progress(lane: string): EnrollmentProgress | undefined {
    return this.#lanes.get(lane)?.progress;
  }

  /**
   * Enrolls items that are still kept: the newest, and those of the unknown queue, which then leave it.
   *
   * @param newGradeBefore where a grade that is new takes its place: before this one, null: after all
   * @throws {GradelineError} GRADE, REQUEST when one is not kept, and as {@link enrollKept}
   */
  async enrollItems(grade: string, ids: readonly string[], newGradeBefore?: string | null): Promise<Enrolled> {
    checkGrade(grade);
    const wanted = [...new Set(ids)];
    if (wanted.length < 1 || wanted.length > MAX_ENROLL) throw outOfBounds("items", wanted.length);
    const kept: EnrollableItem[] = [];
    for (const id of wanted) kept.push(this.latest.get(id) ?? (await this.#fromQueue(id)));
    return this.#save(grade, kept, newGradeBefore);
  }

  /** Takes items out of the queue. @returns how many were in it */
  async dismiss(ids: readonly string[]): Promise<number> {
    const taken = await this.queue.takeOut(ids);
    if (taken.length > 0) this.#did({ grade: null, items: taken.length, taken, gallery: undefined });
    return taken.length;
  }

  /** What {@link undo} would take back; undefined where there is nothing. */
  get lastAct(): Act | undefined {
    return this.#acts.at(-1);
  }

  /**
   * Takes back what was enrolled or dismissed last; fruit of the queue wait again.
   *
   * @returns what was taken back
   * @throws {GradelineError} REQUEST when there is nothing, or the gallery was changed since from elsewhere; GALLERY,
   *   FILE when it cannot be written
   */
  undo(): Promise<Act> {
    const work = this.#parts.runExclusive(() => this.#undo());
    this.#last = work.catch(() => {});
    return work;
  }

  async #undo(): Promise<Act> {
    const act = this.#acts.at(-1);
    if (act === undefined) throw new GradelineError("REQUEST", "nothing was taught since the daemon started");
    const { log, recipe, reload, embedder } = this.#parts;
    if (act.gallery !== undefined) {
      const { folder, galleryHash } = recipe();
      if (galleryHash !== act.gallery) {
        throw new GradelineError("REQUEST", "the gallery was changed since from elsewhere", {
          hint: "take its last change back by gradeline-calibrate undo",
        });
      }
      if (!(await takeBack(folder, embedder().model, this.#stop.signal))) {
        throw new GradelineError("REQUEST", "the gallery keeps no step back");
      }
      await reload();
    }
    this.#acts.pop();
    await this.queue.putBack(act.taken);
    log.info({ grade: act.grade, items: act.items }, "taken back");
    return act;
  }

  #did(act: DoneAct): void {
    this.#acts.push(act);
    if (this.#acts.length > MAX_ACTS) this.#acts.shift();
  }

  /**
   * Enrolls the next `count` fruit that pass a lane.
   *
   * @param idleMs longest time without a fruit
   * @throws {GradelineError} GRADE, REQUEST when the lane or count is wrong, when it is cancelled or no fruit comes, and
   *   as {@link enrollKept}
   */
  async enrollLane(lane: string, grade: string, count: number, idleMs: number): Promise<Enrolled> {
    checkGrade(grade);
    this.checkLane(lane);
    if (!Number.isInteger(count) || count < 1 || count > MAX_ENROLL) throw outOfBounds("count", count);
    const running = this.#lanes.get(lane);
    if (running !== undefined) {
      throw new GradelineError("REQUEST", `lane ${lane} is enrolling ${running.count} items as ${running.grade}`, {
        hint: "wait for it, or cancel it by the same request with count 0",
        retry: true,
      });
    }
    const all = [...this.#lanes.values()].reduce((sum, each) => sum + each.count, count);
    if (all > MAX_ALL_LANES) {
      throw new GradelineError("REQUEST", `all lanes together would enroll ${all} items, at most ${MAX_ALL_LANES}`, {
        hint: "wait for the other lanes, or enroll fewer",
        retry: true,
      });
    }
    const enrollment = new LaneEnrollment(lane, grade, count, idleMs, () => this.#parts.advanced(lane));
    this.#lanes.set(lane, enrollment);
    this.#parts.advanced(lane);
    try {
      return await this.#save(grade, await enrollment.take());
    } finally {
      this.#lanes.delete(lane);
      this.#parts.advanced(lane);
    }
  }

  /** @returns whether an enrollment of the lane was stopped before it wrote anything */
  cancel(lane: string): boolean {
    this.checkLane(lane);
    return this.#lanes.get(lane)?.cancel(`the enrollment of lane ${lane} was cancelled`) ?? false;
  }

  async close(): Promise<void> {
    this.#stop.abort(new GradelineError("CLOSED", "the daemon stops; nothing was enrolled", { retry: true }));
    for (const lane of this.#lanes.values()) lane.cancel("the daemon stops");
    await this.#last;
    await this.queue.close();
    await this.drift.close();
  }

  async #fromQueue(id: string): Promise<EnrollableItem> {
    const queued = this.queue.get(id);
    if (queued === undefined) throw notKept(id);
    const crops = await this.queue.crops(id);
    const views = spreadViews(crops.length);
    const lane = this.#parts.config.lanes.find((each) => each.id === queued.verdict.lane);
    const only = lane?.cameras.length === 1 ? crops.map(() => lane.camera) : undefined;
    const seenBy = camerasOfViews(queued.verdict) ?? only;
    return {
      verdict: queued.verdict,
      crops: views.map((view) => crops[view]!),
      cameras: seenBy?.length === crops.length ? views.map((view) => seenBy[view]!) : undefined,
      embeddings: undefined,
    };
  }

  #save(grade: string, kept: readonly EnrollableItem[], newGradeBefore?: string | null): Promise<Enrolled> {
    const { log, runExclusive, reload } = this.#parts;
    const work = runExclusive(async () => {
      const { folder } = this.#parts.recipe();
      const items = await enrollKept(folder, this.#parts.embedder(), grade, kept, this.#stop.signal, newGradeBefore);
      const recipe = await reload();
      const taken = await this.queue.takeOut(items.map(({ item }) => item));
      this.#did({ grade, items: items.length, taken, gallery: recipe.galleryHash });
      log.info({ grade, items: items.length, references: recipe.references }, "enrolled from the line");
      return { grade, items, recipe };
    });
    this.#last = work.catch(() => {});
    return work;
  }

  /** @throws {GradelineError} REQUEST when there is no such lane */
  checkLane(lane: string): void {
    laneNamed(this.#parts.config, lane, "REQUEST");
  }
}

/** Where unknown items are kept: as configured, else beside the journal. */
export function queueFolder(config: Pick<Config, "queue" | "journal">): string {
  return config.queue.path ?? join(dirname(config.journal.path), "queue");
}

/** Says that nothing is enrolled, and which command enrolls. */
export function nothingEnrolled({ lanes }: Pick<Config, "lanes">, file = "FILE"): string {
  const command = `gradeline-calibrate enroll GRADE --lane ${lanes[0]?.id ?? "LANE"} --count 10 --config ${file}`;
  return `nothing is enrolled, so every fruit is unknown: ${command}`;
}

function checkGrade(grade: string): void {
  const parsed = gradeSchema.safeParse(grade);
  if (parsed.success) return;
  throw new GradelineError("GRADE", `${JSON.stringify(grade)} cannot be a grade: ${parsed.error.issues[0]!.message}`);
}

function outOfBounds(key: string, found: number): GradelineError {
  return new GradelineError("REQUEST", `${key}: found ${found}, wanted 1 to ${MAX_ENROLL}`);
}
