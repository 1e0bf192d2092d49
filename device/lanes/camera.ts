import { setTimeout as wait } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { GradelineError } from "../base/errors.ts";
import type { Closable } from "../base/lifecycle.ts";
import type { Log, LogLevel } from "../base/log.ts";
import { type Micros, nowMicros } from "../base/time.ts";
import { errorOf } from "../base/worker.ts";
import type { SourceCounters } from "../capture/source.ts";
import type {
  CameraSetup,
  FrameDone,
  FromCamera,
  LaneMark,
  LaneSightings,
  SightReport,
  ToCamera,
} from "./camera-messages.ts";

export type CameraState = "opening" | "ok" | "waiting" | "ended" | "closed";

export interface Picture {
  readonly exposedAt: Micros;
  readonly widthPx: number;
  readonly heightPx: number;
  /** RGB8 HWC. */
  readonly data: Uint8Array;
  /** Pixels of the frame for one of the picture, across and down. */
  readonly step: number;
  /** Items in view, in pixels of the frame. */
  readonly marks: readonly LaneMark[];
}

/** What a camera tells its station. */
export interface CameraListener {
  /** A frame was looked at; resolves when nothing of it is in the works any more. */
  frame(camera: Camera, frame: FrameDone): Promise<void>;
  /** Fruit in view passed because the source ended or broke. */
  rest(camera: Camera, sightings: readonly LaneSightings[]): Promise<void>;
  /** Item numbers start again: of that lane after a pause, of all of them when the camera's thread begins anew. */
  restarted(camera: Camera, lane?: string): void;
  changed(camera: Camera): void;
}

/** Frames looked at and not yet finished with, per camera. Beyond it the camera's thread waits and frames drop there. */
const CREDIT = 8;
/** The thread makes little that is not its crops, which lie elsewhere; by itself the heap takes tens of megabytes. */
const YOUNG_MB = 6;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;

/** Stands in for the time that passes. */
export interface CameraTime {
  now(): Micros;
  /** Resolves after so long, or when it is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

const SYSTEM_TIME: CameraTime = {
  now: nowMicros,
  wait: (ms, signal) => wait(ms, undefined, { signal }).catch(() => {}),
};

/** One camera and its thread; opened again with growing pauses when it breaks. */
export class Camera implements Closable {
  readonly id: string;
  readonly #setup: CameraSetup;
  readonly #listener: CameraListener;
  readonly #log: Log;
  readonly #time: CameraTime;
  readonly #stop = new AbortController();
  readonly #snapshots = new Map<number, PromiseWithResolvers<Picture>>();
  readonly #paused = new Set<string>();
  #worker: Worker | undefined;
  #state: CameraState = "opening";
  #reason: string | undefined;
  #counters: SourceCounters = { seen: 0, dropped: 0, incomplete: 0 };
  /** Counters of the threads that ended before the present one. */
  #before: SourceCounters = { seen: 0, dropped: 0, incomplete: 0 };
  #lastFrameAt: Micros | undefined;
  readonly #reports = new Map<string | undefined, SightReport>();
  /** What the threads that ended before the present one could not see. */
  #unseenBefore = { blindUs: 0, shadows: 0 };
  readonly #triggers = new Map<number, PromiseWithResolvers<Micros>>();
  #requestId = 0;
  #widthPx = 0;
  #heightPx = 0;
  #finished: Promise<void> = Promise.resolve();

  private constructor(
    setup: Omit<CameraSetup, "credit" | "logLevel">,
    listener: CameraListener,
    log: Log,
    time: CameraTime,
  ) {
    this.id = setup.camera.id;
    this.#setup = { ...setup, credit: CREDIT, logLevel: log.level as LogLevel };
    this.#listener = listener;
    this.#log = log.child({ camera: this.id });
    this.#time = time;
  }

  /**
   * Starts the camera's thread and waits until its source is open, or until it is known that it may come later.
   *
   * @throws {GradelineError} what opening the source throws, where trying again cannot help
   */
  static async open(
    setup: Omit<CameraSetup, "credit" | "logLevel">,
    listener: CameraListener,
    log: Log,
    time: CameraTime = SYSTEM_TIME,
  ): Promise<Camera> {
    const camera = new Camera(setup, listener, log, time);
    const opened = Promise.withResolvers<void>();
    camera.#finished = camera.#run(opened);
    await opened.promise;
    return camera;
  }

  get state(): CameraState {
    return this.#state;
  }

  /** Why the camera is not `ok`. */
  get reason(): string | undefined {
    return this.#reason;
  }

  get counters(): SourceCounters {
    return sum(this.#before, this.#counters);
  }

  /** 0 until the source has been open once. */
  get widthPx(): number {
    return this.#widthPx;
  }

  get heightPx(): number {
    return this.#heightPx;
  }

  /** How well it and its lanes see, by the newest frames. */
  get reports(): Iterable<SightReport> {
    return this.#reports.values();
  }

  /** How long one of its lanes showed nothing, and what passed for a shadow, since the start. */
  get unseen(): { readonly blindUs: number; readonly shadows: number } {
    let blindUs = 0;
    let shadows = 0;
    for (const report of this.#reports.values()) {
      blindUs = Math.max(blindUs, report.blindUs);
      shadows += report.shadows;
    }
    return { blindUs: this.#unseenBefore.blindUs + blindUs, shadows: this.#unseenBefore.shadows + shadows };
  }

  /** Resolves when the source has ended or the camera was closed. */
  get finished(): Promise<void> {
    return this.#finished;
  }

  pause(lane: string, paused: boolean): void {
    if (paused) this.#paused.add(lane);
    else this.#paused.delete(lane);
    this.#post({ kind: "pause", lane, paused });
  }

  /**
   * A copy of the next frame.
   *
   * @param maxWidthPx of every n-th pixel, so that it is at most so wide; the whole frame where absent
   * @throws {GradelineError} SOURCE when no frame comes because the camera is away
   */
  async snapshot(maxWidthPx?: number): Promise<Picture> {
    if (this.#state !== "ok") {
      throw new GradelineError("SOURCE", `camera ${this.id} gives no frames: ${this.#reason ?? this.#state}`, {
        retry: true,
      });
    }
    const id = ++this.#requestId;
    const wanted = Promise.withResolvers<Picture>();
    this.#snapshots.set(id, wanted);
    this.#post({ kind: "snapshot", id, maxWidthPx });
    return wanted.promise;
  }

  /**
   * Asks for one exposure.
   *
   * @param at when; at once where that has passed, or is not given
   * @returns when the camera was told
   * @throws {GradelineError} SOURCE when the camera is away or does not wait for software triggers
   */
  async trigger(at: Micros = 0): Promise<Micros> {
    if (this.#state !== "ok") {
      throw new GradelineError("SOURCE", `camera ${this.id} cannot be triggered: ${this.#reason ?? this.#state}`, {
        retry: true,
      });
    }
    const id = ++this.#requestId;
    const done = Promise.withResolvers<Micros>();
    this.#triggers.set(id, done);
    this.#post({ kind: "trigger", id, at });
    return await done.promise;
  }

  /** Whether frames come by themselves; one that waits for triggers may well be silent while the line stands. */
  get runsFreely(): boolean {
    const { source } = this.#setup.camera;
    return source.kind !== "gige" || source.trigger === undefined;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#post({ kind: "close" });
    await this.#finished;
  }

  async #run(opened: PromiseWithResolvers<void>): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    for (let first = true; !this.#stop.signal.aborted; first = false) {
      if (!first) this.#listener.restarted(this);
      const end = await this.#runThread(() => {
        retryMs = FIRST_RETRY_MS;
        opened.resolve();
      });
      this.#before = sum(this.#before, this.#counters);
      this.#counters = { seen: 0, dropped: 0, incomplete: 0 };
      this.#unseenBefore = this.unseen;
      for (const [key, report] of this.#reports) this.#reports.set(key, { ...report, blindUs: 0, shadows: 0 });
      this.#failRequests();
      if (this.#stop.signal.aborted) break;
      if (end === undefined) {
        this.#become("ended");
        opened.resolve();
        return;
      }
      if (first && !end.retry && this.#lastFrameAt === undefined) {
        this.#become("closed", end.message);
        opened.reject(end);
        return;
      }
      this.#become("waiting", end.message);
      this.#log.warn({ code: end.code, hint: end.hint, retryMs }, `camera stopped: ${end.message}`);
      opened.resolve();
      await this.#time.wait(retryMs, this.#stop.signal);
      retryMs = Math.min(LAST_RETRY_MS, retryMs * 2);
    }
    this.#become("closed");
    opened.resolve();
  }

  /** One life of the thread; resolves with the reason when the source broke, with nothing when it ended. */
  #runThread(opened: () => void): Promise<GradelineError | undefined> {
    const worker = new Worker(new URL("./camera-worker.ts", import.meta.url), {
      workerData: this.#setup,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    this.#worker = worker;
    let end: GradelineError | undefined;
    let ended = false;
    const works = new Set<Promise<void>>();
    const follow = (work: Promise<void>): void => {
      works.add(work);
      void work.finally(() => works.delete(work)).catch(() => {});
    };
    worker.on("message", (message: FromCamera) => {
      switch (message.kind) {
        case "opened":
          this.#widthPx = message.widthPx;
          this.#heightPx = message.heightPx;
          this.#become("ok");
          for (const lane of this.#paused) this.#post({ kind: "pause", lane, paused: true });
          if (this.#stop.signal.aborted) this.#post({ kind: "close" });
          opened();
          break;
        case "frame":
          this.#counters = message.counters;
          this.#lastFrameAt = this.#time.now();
          this.#takeReports(message.reports);
          follow(this.#deliver(worker, message));
          break;
        case "status":
          if (message.status.state === "ok") this.#become("ok");
          else this.#become("waiting", message.status.reason);
          break;
        case "resumed":
          this.#listener.restarted(this, message.lane);
          break;
        case "snapshot":
          this.#snapshots.get(message.id)?.resolve(message);
          this.#snapshots.delete(message.id);
          break;
        case "triggered":
          this.#triggers.get(message.id)?.resolve(message.at);
          this.#triggers.delete(message.id);
          break;
        case "untriggered":
          this.#triggers.get(message.id)?.reject(errorOf(message.failure));
          this.#triggers.delete(message.id);
          break;
        case "ended":
          ended = true;
          this.#counters = message.counters;
          follow(this.#listener.rest(this, message.sightings));
          break;
        case "failed":
          end = errorOf(message);
          follow(this.#listener.rest(this, message.sightings));
          break;
      }
    });
    return new Promise((resolve) => {
      worker.on("error", (error) => {
        end = new GradelineError("SOURCE", `the camera's thread broke: ${error.message}`, {
          cause: error,
          retry: true,
        });
      });
      worker.on("exit", (code) => {
        this.#worker = undefined;
        if (end === undefined && !ended && !this.#stop.signal.aborted) {
          end = new GradelineError("SOURCE", `the camera's thread ended with code ${code}`, { retry: true });
        }
        const reason = end;
        void Promise.allSettled(works).then(() => resolve(reason));
      });
    });
  }

  #takeReports(reports: readonly SightReport[]): void {
    let changed = false;
    for (const report of reports) {
      const key = report.index === undefined ? report.lane : `${report.lane}/${report.index}`;
      const before = this.#reports.get(key)?.troubles ?? [];
      this.#reports.set(key, report);
      changed ||= before.map(({ kind }) => kind).join() !== report.troubles.map(({ kind }) => kind).join();
    }
    if (changed) this.#listener.changed(this);
  }

  async #deliver(worker: Worker, frame: FrameDone): Promise<void> {
    try {
      await this.#listener.frame(this, frame);
    } finally {
      worker.postMessage({ kind: "credit", count: 1 } satisfies ToCamera);
    }
  }

  #post(message: ToCamera): void {
    this.#worker?.postMessage(message);
  }

  #become(state: CameraState, reason?: string): void {
    if (this.#state === state && this.#reason === reason) return;
    this.#state = state;
    this.#reason = reason;
    this.#listener.changed(this);
  }

  #failRequests(): void {
    for (const wanted of [...this.#snapshots.values(), ...this.#triggers.values()]) {
      wanted.reject(new GradelineError("SOURCE", `camera ${this.id} stopped before it gave a frame`, { retry: true }));
    }
    this.#snapshots.clear();
    this.#triggers.clear();
  }

  /**
   * Milliseconds since the newest frame came; undefined before the first. Not since its exposure: a recording played
   * fast keeps its own times, and those of a camera are only as good as its clock.
   */
  frameAgeMs(): number | undefined {
    return this.#lastFrameAt === undefined ? undefined : (this.#time.now() - this.#lastFrameAt) / 1000;
  }
}

function sum(a: SourceCounters, b: SourceCounters): SourceCounters {
  return {
    seen: a.seen + b.seen,
    dropped: a.dropped + b.dropped,
    incomplete: a.incomplete + b.incomplete,
    lost: (a.lost ?? 0) + (b.lost ?? 0),
    resent: (a.resent ?? 0) + (b.resent ?? 0),
    restarts: (a.restarts ?? 0) + (b.restarts ?? 0),
  };
}
