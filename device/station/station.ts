import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { asGradelineError, GradelineError } from "../base/errors.ts";
import { type Closable, Scope } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { type Micros, nowMicros, parseMicros } from "../base/time.ts";
import { weakTimes } from "../config/lane-cameras.ts";
import type { Config } from "../config/schema.ts";
import type { Codes } from "../contract/codes.ts";
import type { ShadowMessage, Verdict } from "../contract/messages.ts";
import type { CameraMetrics, LaneMetrics, Metrics, Stage } from "../contract/metrics.ts";
import type { Reason, ReasonCode } from "../contract/reasons.ts";
import { stateMessage } from "../contract/state.ts";
import type { ProvenEmbedder } from "../embed/embedder.ts";
import { expiredFor } from "../gallery/calibration.ts";
import { Camera, type CameraListener } from "../lanes/camera.ts";
import type { FrameDone } from "../lanes/camera-messages.ts";
import { cameraReasons } from "../lanes/camera-reasons.ts";
import { LaneStats } from "../lanes/counts.ts";
import { Flows, startTogether } from "../lanes/flows.ts";
import { RecentValues } from "../lanes/latency.ts";
import { ProductMap } from "../lanes/products.ts";
import { draftVerdict } from "../lanes/verdict.ts";
import { LotBook, lotsFolder } from "../lots/lot-book.ts";
import type { Journal } from "../publish/journal.ts";
import { Publisher } from "../publish/publisher.ts";
import { StationRecipes } from "../recipes/active.ts";
import type { DecidedItem } from "../recipes/decided-item.ts";
import type { Recipe } from "../recipes/load.ts";
import { DRIFT_TITLES } from "../teach/drift/findings.ts";
import { nothingEnrolled, Teaching } from "../teach/teaching.ts";
import { StationClock } from "./clock.ts";
import { Measured } from "./measured.ts";
import { healthMessage, infoMessage, recipeMessage, shadowMessage } from "./messages.ts";
import { requestHandlers } from "./requests.ts";
import { StationState } from "./state.ts";

export interface StationParts {
  readonly config: Config;
  readonly log: Log;
  readonly embedder: ProvenEmbedder;
  readonly recipe: Recipe;
  readonly journal: Journal;
  readonly metrics: Metrics;
  /** Files that were damaged and set aside before this opened. */
  readonly damaged?: readonly string[] | undefined;
  /** URL of a module whose `openSource` opens the cameras' sources, for frames that no configuration names. */
  readonly opener?: string | undefined;
}

/** An item with everything that was known when it was decided. */
export interface GradedItem {
  readonly verdict: Verdict;
  readonly decided: DecidedItem;
}

interface StationEvents {
  /** A verdict is durable. */
  item: [GradedItem];
  /** The broker has a verdict. */
  acked: [Verdict, Micros];
}

const HEALTH_MS = 5000;
const CLOCK_MS = 1000;
const STATS_MS = 2000;
const STATE_MS = 1000;
/** Words of a reason that change, as figures do, are told again no sooner. */
const REWORD_MS = 10_000;

/** Items whose pictures are kept until their verdicts are durable. */
const MAX_SHOWN = 100;
/** How long the state tells of what was mended. */
const NOTICE_US = 60e6;

/** The whole device: cameras, lanes, one embedder, one journal, one publisher. */
export class Station implements Closable {
  readonly config: Config;
  readonly metrics: Metrics;
  readonly startedAt: Micros = nowMicros();
  readonly events = new EventEmitter<StationEvents>();
  readonly cameras = new Map<string, Camera>();
  readonly stats = new Map<string, LaneStats>();
  /** Newest durations of each stage, milliseconds. */
  readonly recent = new Map<Stage, RecentValues>();
  readonly #cameraMetrics = new Map<string, CameraMetrics>();
  readonly #laneMetrics = new Map<string, LaneMetrics>();
  readonly #log: Log;
  readonly #journal: Journal;
  readonly #opener: string | undefined;
  readonly #codes: Codes;
  #flows!: Flows;
  readonly clock: StationClock;
  readonly products: ProductMap;
  readonly #scope = new Scope();
  readonly #timers: NodeJS.Timeout[] = [];
  #publisher!: Publisher;
  #teaching!: Teaching;
  #recipes!: StationRecipes;
  #lots!: LotBook;
  readonly #given: Pick<StationParts, "embedder" | "recipe" | "damaged">;
  #activatedAt: Micros = this.startedAt;
  #paused = false;
  /** The broker may keep what an earlier run said of one. */
  #toldShadow = true;
  /** What the message `recipe` says of the calibration. */
  #expiredKey = "[]";
  /** Judges what is wrong with the device. */
  readonly state = new StationState(this.startedAt);
  #toldState: string | undefined;
  #toldStateAt = 0;
  /** Cameras that could not be opened. */
  readonly #failedCameras: Reason[] = [];
  readonly #measured = new Measured({
    lanes: () => [...this.stats].map(([lane, { late, items }]) => ({ lane, late, items })),
    cameras: () => [...this.cameras.values()].map(({ id, counters }) => ({ camera: id, ...counters })),
    embedding: () => this.embedding,
  });
  #embedProblem: string | undefined;
  /** Line time of what was decided in this run, for as long as the verdict is in memory. */
  readonly #times = new WeakMap<Verdict, { readonly exposedAt: Micros; readonly decidedAt: Micros }>();
  #toldLost = false;
  readonly #notices: { readonly code: ReasonCode; readonly text: string; readonly at: Micros }[] = [];

  private constructor(parts: StationParts) {
    this.config = startTogether(parts.config);
    this.metrics = parts.metrics;
    this.#log = parts.log;
    this.#journal = parts.journal;
    this.clock = new StationClock(parts.log);
    this.#given = parts;
    this.#opener = parts.opener;
    const { gradeCodes: grades, outcomeCodes } = parts.config.messages;
    this.#codes = { grades, outcomes: outcomeCodes };
    this.state.watch(() => this.#reasons());
    this.state.watch(() => this.#publisher.reasons());
    this.products = new ProductMap(this.config);
    this.state.watch(() => this.products.reasons());
    for (const { id } of parts.config.cameras) this.#cameraMetrics.set(id, parts.metrics.camera(id));
    for (const { id } of parts.config.lanes) this.#laneMetrics.set(id, parts.metrics.lane(id));
  }

  /**
   * Connects, opens the cameras and begins to grade.
   *
   * @throws {GradelineError} what a part that cannot start says; what was opened is closed again
   */
  static async open(parts: StationParts): Promise<Station> {
    const station = new Station(parts);
    try {
      await station.#open();
    } catch (error) {
      await station.close();
      throw error;
    }
    return station;
  }

  get publisher(): Publisher {
    return this.#publisher;
  }

  get teaching(): Teaching {
    return this.#teaching;
  }

  /** Which lot is on each lane. */
  get lots(): LotBook {
    return this.#lots;
  }

  /** Which model and gallery items are decided by. */
  get recipes(): StationRecipes {
    return this.#recipes;
  }

  /** The model by which items that come into view now are decided. */
  get embedder(): ProvenEmbedder {
    return this.#recipes.judge.embedder;
  }

  /** What they are compared with. */
  get recipe(): Recipe {
    return this.#recipes.judge.recipe;
  }

  get activatedAt(): Micros {
    return this.#activatedAt;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get journal(): Journal {
    return this.#journal;
  }

  /** Whether views are with the model, and how many batches came back. */
  get embedding(): { readonly waiting: boolean; readonly done: number } {
    return this.#recipes.embedding;
  }

  /** Resolves when every camera has ended, or when `stop` aborts. */
  async run(stop: AbortSignal): Promise<void> {
    const ended = Promise.all([...this.cameras.values()].map((camera) => camera.finished));
    const stopped = new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      else stop.addEventListener("abort", () => resolve(), { once: true });
    });
    // A board without cameras waits for its configuration.
    await (this.cameras.size === 0 ? stopped : Promise.race([ended, stopped]));
  }

  /** Fruit in view are graded with the views they have; then everything is handed over and closed. */
  async close(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    await this.#scope.close();
    // Where not all of it came to be open; else there is nothing left to do.
    const recipes = this.#recipes as StationRecipes | undefined;
    await recipes?.close();
    await recipes?.free();
  }

  /** Takes one duration in milliseconds. */
  observe(stage: Stage, ms: number): void {
    this.metrics.stage[stage].observe(ms / 1000);
    let recent = this.recent.get(stage);
    if (recent === undefined) {
      recent = new RecentValues();
      this.recent.set(stage, recent);
    }
    recent.add(ms);
  }

  /** What is wrong, from what the station itself knows. */
  *#reasons(): Iterable<Reason> {
    if (this.config.cameras.length === 0) yield { code: "no-camera", message: "no camera is configured" };
    for (const camera of this.cameras.values()) yield* cameraReasons(camera, this.#paused);
    yield* this.#failedCameras;
    yield* this.#measured.reasons();
    for (const { grade } of this.#codes.grades === undefined ? [] : this.recipe.grades) {
      if (this.#codes.grades?.has(grade)) continue;
      yield { code: "no-code", message: `grade ${grade} has no number in messages.gradeCodes` };
    }
    yield* this.#flows.reasons();
    yield* this.clock.reasons();
    const { problem: disk } = this.#journal;
    if (disk !== undefined) yield { code: "journal-disk", message: `journal: ${disk.message}`, hint: disk.hint };
    for (const code of ["journal-damaged", "file-damaged"] as const) {
      const mended = this.#notices.filter((notice) => notice.code === code && nowMicros() - notice.at < NOTICE_US);
      if (mended.length > 0) yield { code, message: mended.map(({ text }) => text).join("; ") };
    }
    if (this.#embedProblem !== undefined) yield { code: "embedding", message: `embedding: ${this.#embedProblem}` };
    if (this.embedder.degraded !== undefined)
      yield { code: "provider", message: `embedding: ${this.embedder.degraded}` };
    if (this.recipe.references === 0) yield { code: "untaught", message: nothingEnrolled(this.config) };
    for (const message of this.expired()) yield { code: "calibration", message };
    const { problem } = this.#teaching.queue.stats;
    if (problem !== null) yield { code: "queue-disk", message: `unknown items are not kept: ${problem}` };
    for (const { lane, kind, since, text } of this.#teaching.findings()) {
      const message = `lane ${lane}: ${DRIFT_TITLES[kind]} since ${since.slice(0, 19)}Z`;
      yield { code: "drift", message, hint: text, lane, since: parseMicros(since) };
    }
    if (this.#paused) yield { code: "paused", message: "paused by request" };
  }

  #lookAtClock(): void {
    const { synchronised } = this.clock;
    if (this.clock.look()) this.#tellHealth();
    if (this.clock.synchronised !== synchronised) this.#tellRecipe();
  }

  /** Tells for a minute what was damaged and mended. */
  #noticed(text: string, code: ReasonCode = "journal-damaged"): void {
    this.#notices.push({ code, text, at: nowMicros() });
    if (this.#notices.length > 8) this.#notices.shift();
    this.#tellState();
  }

  #damaged(text: string): void {
    this.#log.error(text);
    this.#noticed(text, "file-damaged");
  }

  #diskTold(problem: GradelineError | undefined): void {
    this.#toldLost = false;
    this.#teaching.queue.hold(problem?.retry === true);
    this.#tellState();
  }

  /** Why the calibration does not hold any more; empty where there is none. */
  expired(): string[] {
    return expiredFor(this.recipe.gallery?.fit, this.config, this.#teaching.findings());
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    for (const lane of this.config.lanes) {
      for (const { camera } of lane.cameras) this.cameras.get(camera)?.pause(lane.id, paused);
    }
    this.#tellState();
  }

  /**
   * Reads the gallery again and grades by it from the next item on; where it is refused the old one stays.
   *
   * @throws {GradelineError} GALLERY, GALLERY_MODEL, GALLERY_EMPTY
   */
  reload(): Promise<Recipe> {
    return this.#recipes.runExclusive(() => this.#reload());
  }

  async #reload(): Promise<Recipe> {
    const recipe = await this.#recipes.reload();
    this.#log.info({ gallery: recipe.galleryHash, references: recipe.references }, "gallery loaded again");
    this.#warnOfGallery();
    return recipe;
  }

  async #open(): Promise<void> {
    const { config } = this;
    const { embedder, recipe } = this.#given;
    const parts = { config, log: this.#log, metrics: this.metrics, changed: () => this.#decidesByOther() };
    this.#recipes = await StationRecipes.open(parts, embedder, recipe);
    this.#activatedAt = this.#recipes.since ?? this.startedAt;
    this.#warnOfGallery();
    this.#teaching = await Teaching.open({
      config,
      embedder: () => this.embedder,
      log: this.#log,
      recipe: () => this.recipe,
      runExclusive: (work) => this.#recipes.runExclusive(work),
      reload: () => this.#reload(),
      advanced: (lane) => {
        if (this.stats.size === config.lanes.length) this.#tellStatsOf(lane);
      },
      damaged: (text) => this.#damaged(text),
    });
    const ids = config.lanes.map(({ id }) => id);
    this.#lots = await LotBook.open(lotsFolder(config), ids, (reason) =>
      this.#log.error({ reason }, "which lots are on cannot be read: none is"),
    );
    for (const text of this.#given.damaged ?? []) this.#damaged(text);
    for (const { text } of this.#journal.opening) this.#noticed(text);
    this.#journal.events.on("notice", ({ text }) => this.#noticed(text)).on("problem", (disk) => this.#diskTold(disk));
    this.#publisher = this.#scope.add(
      await Publisher.open({
        mqtt: config.mqtt,
        device: config.device,
        journal: this.#journal,
        log: this.#log,
        handlers: requestHandlers(this),
        form: config.messages,
        changed: () => this.#tellState(),
        acked: (verdict, at) => this.#acked(verdict, at),
      }),
    );
    this.#scope.add({ close: () => this.#recipes.free() });
    // Closed before the publisher: what it was asked is still answered.
    this.#scope.add(this.#teaching);
    this.#scope.add(this.#recipes);
    // A clock that is set back, or begins anew at each start, must not give a name twice.
    const run = Math.floor(this.startedAt / 1000).toString(36) + randomBytes(5).toString("hex");
    for (const lane of config.lanes) this.stats.set(lane.id, new LaneStats(lane.id));
    this.#flows = new Flows(config, ({ id }) => ({
      run,
      lot: () => this.#lots.idOn(id),
      judge: () => this.#recipes.judge,
      decided: (item) => this.#decided(item),
      embedFailed: (error) => this.#embedFailed(error),
    }));
    const flows = this.#scope.add(this.#flows);
    for (const text of weakTimes(config)) this.#log.warn(text);
    const { sizePx, cropMargin, cropFill } = this.embedder.model;
    const opened = await Promise.allSettled(
      config.cameras.map((camera) =>
        Camera.open(
          {
            camera,
            lanes: flows.seenBy(camera.id),
            crop: { sizePx, margin: cropMargin, fill: cropFill },
            opener: this.#opener,
          },
          this.#listener,
          this.#log,
        ),
      ),
    );
    for (const result of opened) {
      if (result.status !== "fulfilled") continue;
      const camera = this.#scope.add(result.value);
      this.cameras.set(camera.id, camera);
      this.#cameraMetrics.get(camera.id)!.age(() => camera.frameAgeMs());
    }
    this.#takeFailures(opened);
    this.#tellRecipe();
    this.#tellHealth();
    this.#tellStats();
    this.#timers.push(setInterval(() => this.#tellState(), STATE_MS));
    this.#timers.push(setInterval(() => this.#tellHealth(), HEALTH_MS));
    this.#timers.push(setInterval(() => this.#lookAtClock(), CLOCK_MS));
    this.#timers.push(setInterval(() => this.#tellStats(), STATS_MS));
  }

  /** A camera that cannot be opened degrades the line where others grade on; without any there is no line. */
  #takeFailures(opened: readonly PromiseSettledResult<Camera>[]): void {
    const failed = opened.flatMap((result, index) => {
      if (result.status === "fulfilled") return [];
      return { id: this.config.cameras[index]!.id, error: asGradelineError(result.reason, "SOURCE") };
    });
    if (this.cameras.size === 0 && failed.length > 0) {
      const { code, hint } = failed[0]!.error;
      const message = failed.map(({ id, error }) => `camera ${id}: ${error.message}`).join("; ");
      throw new GradelineError(code, message, { hint, cause: failed[0]!.error });
    }
    for (const { id, error } of failed) {
      const { code, message, hint } = error;
      this.#log.error({ camera: id, code, hint }, `the camera cannot be opened, the others grade: ${message}`);
      this.#failedCameras.push({ code: "camera-away", camera: id, message: `camera ${id}: ${message}`, hint });
    }
  }

  readonly #listener: CameraListener = {
    frame: async (camera, frame) => {
      this.#observeFrame(camera, frame);
      for (const { lane, scene, area } of frame.scenes) this.#teaching.drift.scene(lane, scene, area);
      await this.#flows.frame(camera, frame);
    },
    rest: (camera, sightings) => this.#flows.rest(camera, sightings),
    restarted: (camera, lane) => this.#flows.restarted(camera, lane),
    changed: (camera) => {
      this.#flows.changed(camera);
      this.#tellState();
    },
  };

  #observeFrame(camera: Camera, frame: FrameDone): void {
    this.observe("grab", frame.grabMs);
    this.observe("vision", frame.visionMs);
    this.#cameraMetrics.get(camera.id)?.update(camera.counters);
  }

  /** The verdict has its number now; the frame is done with it, also where the disk takes nothing. */
  #decided(item: DecidedItem): void {
    const before = nowMicros();
    const { verdict, durable } = this.#publisher.take(
      draftVerdict(this.config.device, this.#codes, item, this.products),
    );
    this.#embedProblem = item.embeddings.length > 0 ? undefined : this.#embedProblem;
    this.stats.get(item.lane.id)!.add(verdict);
    if (item.embeddings.length > 0) {
      this.observe("embed", item.ms.embed);
      this.observe("grade", item.ms.grade);
    }
    this.#laneMetrics.get(item.lane.id)!.verdict(verdict);
    this.#recipes.shadow?.offer(verdict, item);
    this.#teaching.seen({ verdict, decided: item });
    // While the disk takes nothing thousands may wait: their pictures must not wait with them.
    const shown = this.#journal.waiting <= MAX_SHOWN ? { verdict, decided: item } : undefined;
    const { exposedAt } = item.passed;
    this.#times.set(verdict, { exposedAt, decidedAt: item.decidedAt });
    durable.then(
      () => {
        this.observe("journal", (nowMicros() - before) / 1000);
        this.metrics.published.inc();
        if (shown !== undefined) this.events.emit("item", shown);
      },
      (error: unknown) => this.#lost(verdict, asGradelineError(error, "JOURNAL")),
    );
  }

  #lost({ item, lane, seq }: Verdict, { code, message, hint }: GradelineError): void {
    const told = this.#toldLost;
    this.#toldLost = true;
    this.#log[told ? "debug" : "error"]({ code, hint, item, lane, seq }, `verdict lost: ${message}`);
  }

  #acked(verdict: Verdict, at: Micros): void {
    // One that is read from the journal waited for the broker, not for us.
    const times = this.#times.get(verdict);
    if (times !== undefined) {
      this.observe("publish", Math.max(0, at - times.decidedAt) / 1000);
      this.observe("exposure_to_ack", Math.max(0, at - times.exposedAt) / 1000);
    }
    this.metrics.acknowledged.inc();
    this.events.emit("acked", verdict, at);
  }

  #embedFailed(error: unknown): void {
    const { message, hint } = asGradelineError(error, "INFERENCE");
    if (this.#embedProblem === undefined) this.#log.error({ hint }, `a view is not embedded: ${message}`);
    this.#embedProblem = message;
    this.#tellState();
  }

  #tellState(): void {
    if ((this.#publisher as Publisher | undefined) === undefined) return;
    // Which cameras there are is known when each is open or known to come later.
    if (this.cameras.size + this.#failedCameras.length < this.config.cameras.length) return;
    const { come, gone } = this.state.judge();
    const { state, reasons, at } = this.state.latest;
    const message = stateMessage(state, reasons, at);
    const text = JSON.stringify(message);
    if (text === this.#toldState) return;
    const first = this.#toldState === undefined;
    const reworded = !first && come.length === 0 && gone === 0;
    if (reworded && performance.now() - this.#toldStateAt < REWORD_MS) return;
    this.#toldState = text;
    this.#toldStateAt = performance.now();
    this.#publisher.retain("state", message);
    if (JSON.stringify(this.expired()) !== this.#expiredKey) this.#tellRecipe();
    if (come.length > 0) {
      this.#log.warn({ reasons: message.reasons, causes: come.map(({ code }) => code) }, "degraded");
    } else if (state === "online" && (first || gone > 0)) this.#log.info("online");
    else if (gone > 0) this.#log.info({ reasons: message.reasons }, "degraded by less");
  }

  #warnOfGallery(): void {
    const { warning } = this.recipe;
    if (warning !== undefined) this.#log.warn(warning);
  }

  #tellHealth(): void {
    this.#tellState();
    const health = healthMessage(this);
    this.metrics.journal(health.journal);
    this.#publisher.retain("health", health);
  }

  #tellStats(): void {
    for (const lane of this.stats.keys()) this.#tellStatsOf(lane);
    this.#tellShadow();
  }

  /** While there is one, and once when it has gone. */
  #tellShadow(): void {
    const message = shadowMessage(this);
    const there = message.shadow !== null;
    if (there || this.#toldShadow) this.#publisher.retain("shadow", message);
    this.#toldShadow = there;
  }

  #tellStatsOf(lane: string): void {
    const progress = this.#teaching.progress(lane);
    const enrolling = progress === undefined ? null : { ...progress, items: [...progress.items] };
    this.#publisher.retain("laneStats", {
      ...this.stats.get(lane)!.message(),
      enrolling,
      drift: this.#teaching.drift.message(lane),
    });
  }

  /** Lets a recipe decide beside the active one, or none; see {@link StationRecipes.setShadow}. */
  async setShadow(wanted: string | undefined): Promise<ShadowMessage> {
    await this.#recipes.setShadow(wanted);
    this.#tellShadow();
    return shadowMessage(this);
  }

  #decidesByOther(): void {
    this.#activatedAt = nowMicros();
    this.#tellRecipe();
    this.#tellState();
  }

  #tellRecipe(): void {
    this.#expiredKey = JSON.stringify(this.expired());
    this.#publisher.retain("info", infoMessage(this));
    this.#publisher.retain("recipe", recipeMessage(this));
  }
}
