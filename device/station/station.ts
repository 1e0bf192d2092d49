import { randomBytes } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { asGradelineError, type GradelineError } from "../base/errors.ts";
import { type Closable, Scope } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { type Micros, nowMicros } from "../base/time.ts";
import { weakTimes } from "../config/lane-cameras.ts";
import type { Config } from "../config/schema.ts";
import type { Codes } from "../contract/codes.ts";
import type { CameraMetrics, Metrics } from "../contract/metrics.ts";
import type { ProvenEmbedder } from "../embed/embedder.ts";
import { expiredFor } from "../gallery/calibration.ts";
import { Camera, type CameraListener } from "../lanes/camera.ts";
import { LaneStats } from "../lanes/counts.ts";
import { Flows, startTogether } from "../lanes/flows.ts";
import { ProductMap } from "../lanes/products.ts";
import { withActions } from "../lanes/trigger-groups.ts";
import { LotBook, lotsFolder } from "../lots/lot-book.ts";
import type { Journal } from "../publish/journal.ts";
import { Publisher } from "../publish/publisher.ts";
import { StationRecipes } from "../recipes/active.ts";
import type { DecidedItem } from "../recipes/decided-item.ts";
import type { Recipe } from "../recipes/load.ts";
import { Teaching } from "../teach/teaching.ts";
import { Announcer } from "./announcer.ts";
import { StationClock } from "./clock.ts";
import { HandOver, type StationEvents } from "./hand-over.ts";
import { noCameraOpens, OwnReasons } from "./own-reasons.ts";
import { requestHandlers } from "./requests.ts";
import { StageTimes } from "./stage-times.ts";
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

/** The whole device: cameras, lanes, one embedder, one journal, one publisher. */
export class Station implements Closable {
  readonly config: Config;
  readonly metrics: Metrics;
  readonly startedAt: Micros = nowMicros();
  readonly events = new EventEmitter<StationEvents>();
  readonly cameras = new Map<string, Camera>();
  readonly stats = new Map<string, LaneStats>();
  readonly times: StageTimes;
  readonly clock: StationClock;
  readonly products: ProductMap;
  /** Judges what is wrong with the device. */
  readonly state = new StationState(this.startedAt);
  readonly #given: StationParts;
  readonly #log: Log;
  readonly #cameraMetrics = new Map<string, CameraMetrics>();
  readonly #handOver: HandOver;
  readonly #reasons: OwnReasons;
  readonly #scope = new Scope();
  #recipes!: StationRecipes;
  #teaching!: Teaching;
  #lots!: LotBook;
  #flows!: Flows;
  #publisher!: Publisher;
  /** Undefined until there is a publisher to tell by. */
  #announcer: Announcer | undefined;
  #activatedAt: Micros = this.startedAt;
  #paused = false;

  private constructor(parts: StationParts) {
    const { metrics, log, journal } = parts;
    const config = startTogether(parts.config);
    this.config = config;
    this.metrics = metrics;
    this.times = new StageTimes(metrics);
    this.products = new ProductMap(config);
    this.clock = new StationClock(log);
    this.#given = parts;
    this.#log = log;
    const { gradeCodes: grades, outcomeCodes: outcomes } = config.messages;
    const codes: Codes = { grades, outcomes };
    for (const { id } of config.cameras) this.#cameraMetrics.set(id, metrics.camera(id));
    for (const { id } of config.lanes) this.stats.set(id, new LaneStats(id));
    this.#handOver = new HandOver({
      config,
      codes,
      products: this.products,
      log,
      metrics,
      times: this.times,
      events: this.events,
      stats: this.stats,
      journal,
      publisher: () => this.#publisher,
      teaching: () => this.#teaching,
      shadow: () => this.#recipes.shadow,
    });
    this.#reasons = new OwnReasons({
      config,
      codes,
      log,
      cameras: this.cameras,
      stats: this.stats,
      clock: this.clock,
      journal,
      flows: () => this.#flows,
      teaching: () => this.#teaching,
      embedder: () => this.embedder,
      embedding: () => this.embedding,
      recipe: () => this.recipe,
      paused: () => this.#paused,
      expired: () => this.#expired(),
      changed: () => this.#announcer?.state(),
    });
    this.state.watch(() => this.#reasons.list());
    this.state.watch(() => this.#publisher.reasons());
    this.state.watch(() => this.products.reasons());
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

  /** Whether views are with the model, and how many batches came back. */
  get embedding(): { readonly waiting: boolean; readonly done: number } {
    return this.#recipes.embedding;
  }

  /** Resolves when every camera has ended, or when `stop` aborts. */
  async run(stop: AbortSignal): Promise<void> {
    const ended = Promise.all([...this.cameras.values()].map((camera) => camera.finished));
    const stopped: Promise<unknown> = stop.aborted ? Promise.resolve() : once(stop, "abort");
    // A board without cameras waits for its configuration.
    await (this.cameras.size === 0 ? stopped : Promise.race([ended, stopped]));
  }

  /** Fruit in view are graded with the views they have; then everything is handed over and closed. */
  async close(): Promise<void> {
    await this.#scope.close();
    // Where not all of it came to be open; else there is nothing left to do.
    const recipes = this.#recipes as StationRecipes | undefined;
    await recipes?.close();
    await recipes?.free();
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
    await this.#openParts();
    await this.#openPublisher();
    this.#openFlows();
    for (const text of weakTimes(this.config)) this.#log.warn(text);
    await this.#openCameras();
    // Closed first: what is closed has nothing to tell.
    this.#scope.add(this.#announcer!).start();
  }

  /** What decides, what teaches and which lots are on. */
  async #openParts(): Promise<void> {
    const { config } = this;
    const { embedder, recipe, journal, damaged = [] } = this.#given;
    const parts = { config, log: this.#log, metrics: this.metrics, changed: () => this.#recipeChanged() };
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
      advanced: (lane) => this.#announcer?.statsOf(lane),
      damaged: (text) => this.#damaged(text),
    });
    const ids = config.lanes.map(({ id }) => id);
    this.#lots = await LotBook.open(lotsFolder(config), ids, (reason) =>
      this.#log.error({ reason }, "which lots are on cannot be read: none is"),
    );
    for (const text of damaged) this.#damaged(text);
    for (const { text } of journal.opening) this.#reasons.mended(text, "journal-damaged");
    journal.events
      .on("notice", ({ text }) => this.#reasons.mended(text, "journal-damaged"))
      .on("problem", (disk) => this.#diskTold(disk));
  }

  async #openPublisher(): Promise<void> {
    const { config, cameras } = this;
    const { journal } = this.#given;
    const recipes = this.#recipes;
    const teaching = this.#teaching;
    this.#publisher = this.#scope.add(
      await Publisher.open({
        mqtt: config.mqtt,
        brokers: config.brokers,
        device: config.device,
        journal,
        log: this.#log,
        handlers: requestHandlers({
          config,
          cameras,
          recipes,
          teaching,
          lots: this.#lots,
          products: this.products,
          publisher: () => this.#publisher,
          pause: (paused) => this.#pause(paused),
          reload: () => this.reload(),
          tellShadow: () => this.#announcer!.shadow(),
        }),
        form: config.messages,
        changed: () => this.#announcer?.state(),
        acked: (verdict, at) => this.#handOver.acked(verdict, at),
      }),
    );
    this.#scope.add({ close: () => recipes.free() });
    // Closed before the publisher: what it was asked is still answered.
    this.#scope.add(teaching);
    this.#scope.add(recipes);
    this.#announcer = new Announcer({
      config,
      log: this.#log,
      metrics: this.metrics,
      startedAt: this.startedAt,
      publisher: this.#publisher,
      clock: this.clock,
      state: this.state,
      cameras,
      stats: this.stats,
      teaching,
      recipes,
      activatedAt: () => this.#activatedAt,
      expired: () => this.#expired(),
      camerasKnown: () => cameras.size + this.#reasons.failedCameras >= config.cameras.length,
    });
  }

  #openFlows(): void {
    // A clock that is set back, or begins anew at each start, must not give a name twice.
    const run = Math.floor(this.startedAt / 1000).toString(36) + randomBytes(5).toString("hex");
    this.#flows = new Flows(this.config, ({ id }) => ({
      run,
      lot: () => this.#lots.idOn(id),
      judge: () => this.#recipes.judge,
      decided: (item) => this.#decided(item),
      embedFailed: (error) => this.#reasons.embedFailed(error),
    }));
    this.#scope.add(this.#flows);
  }

  /** A camera that cannot be opened degrades the line where others grade on; without any there is no line. */
  async #openCameras(): Promise<void> {
    const { sizePx, cropMargin, cropFill } = this.embedder.model;
    const crop = { sizePx, margin: cropMargin, fill: cropFill };
    const { opener } = this.#given;
    const opened = await Promise.allSettled(
      withActions(this.config).cameras.map((camera) =>
        Camera.open({ camera, lanes: this.#flows.seenBy(camera.id), crop, opener }, this.#listener, this.#log),
      ),
    );
    const failed = opened.flatMap((result, index) => {
      const { id } = this.config.cameras[index]!;
      if (result.status === "rejected") return { id, error: asGradelineError(result.reason, "SOURCE") };
      const camera = this.#scope.add(result.value);
      this.cameras.set(id, camera);
      this.#cameraMetrics.get(id)!.age(() => camera.frameAgeMs());
      return [];
    });
    if (this.cameras.size === 0 && failed.length > 0) throw noCameraOpens(failed);
    for (const { id, error } of failed) this.#reasons.cameraFailed(id, error);
  }

  readonly #listener: CameraListener = {
    frame: async (camera, frame) => {
      this.times.observe("grab", frame.grabMs);
      this.times.observe("vision", frame.visionMs);
      this.#cameraMetrics.get(camera.id)?.update({ ...camera.counters, ...camera.unseen });
      for (const { lane, index, scene, area } of frame.scenes) this.#teaching.drift.scene(lane, index, scene, area);
      await this.#flows.frame(camera, frame);
    },
    rest: (camera, sightings) => this.#flows.rest(camera, sightings),
    restarted: (camera, lane) => this.#flows.restarted(camera, lane),
    changed: (camera) => {
      this.#flows.changed(camera);
      this.#announcer?.state();
    },
  };

  #decided(item: DecidedItem): void {
    if (item.embeddings.length > 0) this.#reasons.embedWorks();
    this.#handOver.decided(item);
  }

  #damaged(text: string): void {
    this.#log.error(text);
    this.#reasons.mended(text, "file-damaged");
  }

  #diskTold(problem: GradelineError | undefined): void {
    this.#handOver.diskChanged();
    this.#teaching.queue.hold(problem?.retry === true);
    this.#announcer?.state();
  }

  /** Why the calibration does not hold any more; empty where there is none. */
  #expired(): string[] {
    return expiredFor(this.recipe.gallery?.fit, this.config, this.#teaching.findings());
  }

  #pause(paused: boolean): void {
    this.#paused = paused;
    for (const lane of this.config.lanes) {
      for (const { camera } of lane.cameras) this.cameras.get(camera)?.pause(lane.id, paused);
    }
    this.#announcer?.state();
  }

  #warnOfGallery(): void {
    const { warning } = this.recipe;
    if (warning !== undefined) this.#log.warn(warning);
  }

  #recipeChanged(): void {
    this.#activatedAt = nowMicros();
    this.#announcer?.recipe();
    this.#announcer?.state();
  }
}
