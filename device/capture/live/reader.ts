import { setTimeout as wait } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { asGradelineError, GradelineError } from "../../base/errors.ts";
import { type Micros, nowMicros } from "../../base/time.ts";
import { failedAnswer, failureOf } from "../../base/worker.ts";
import { CameraClock } from "./clock.ts";
import { createExchange, FrameWriter } from "./exchange.ts";
import type { FromReader, LogSeverity, ToReader } from "./messages.ts";
import { FrameSteps } from "./numbers.ts";
import { raiseThread } from "./priority.ts";
import { waitUntil } from "./wait-until.ts";

type Order = Extract<ToReader, { kind: "trigger" }>;

/** One kind of camera, in its reader thread. */
export interface Driver {
  /**
   * One life of the camera: frames go to the sink until something ends it.
   *
   * @returns why it ended in order: the camera said that its stream is over, or `stop` was given
   * @throws {GradelineError} what broke; `retry` false where it can never work as configured
   */
  run(sink: FrameSink, stop: AbortSignal): Promise<"ended" | "stopped">;
  /** One exposure now. */
  trigger?(): void;
}

export type LogLine = (level: LogSeverity, text: string) => void;

export interface ReaderSettings {
  readonly firstRetryMs: number;
  readonly delayMs: number;
  readonly onEnd: "restart" | "end";
}

const LAST_RETRY_MS = 30_000;
/** A life that held so long was a good one: the next pause is short again. */
const GOOD_LIFE_US = 10_000_000;

/** What a driver knows of a frame it has put into a slot. */
export interface Arrival {
  /** The camera's own number, unwrapped; undefined where it gives none. */
  readonly id: number | undefined;
  /** The camera's own time, nanoseconds; undefined where it gives none. */
  readonly cameraNs: bigint | undefined;
  readonly arrivedAt: Micros;
  /** When its first byte was here, where that is known: clocks are better compared by it. */
  readonly begunAt?: Micros;
  /** Time between frames at the set rate; undefined where it may vary. */
  readonly periodUs: number | undefined;
  readonly complete: boolean;
}

/** Where a driver puts frames. Numbers, times and counters are kept here, alike for all kinds of camera. */
export class FrameSink {
  readonly #delayMs: number;
  readonly #send: (message: FromReader) => void;
  #writer: FrameWriter | undefined;
  #clock: CameraClock;
  #steps = new FrameSteps();
  #seq = 0;
  #lastExposedAt: Micros | undefined;
  #lastPeriodUs: number | undefined;
  #fresh = true;
  #away = false;

  constructor(delayMs: number, send: (message: FromReader) => void) {
    this.#delayMs = delayMs;
    this.#send = send;
    this.#clock = new CameraClock(delayMs * 1000);
  }

  get opened(): boolean {
    return this.#writer !== undefined;
  }

  /** A new life of the camera begins: its clock and its numbers may have begun anew. */
  begin(): void {
    this.#clock = new CameraClock(this.#delayMs * 1000);
    this.#steps = new FrameSteps();
    this.#fresh = true;
  }

  /**
   * The camera's frames have this size. Memory is made at the first call.
   *
   * @param payloadBytes of one picture as it arrives, row padding included
   * @param slots at least 3
   * @throws {GradelineError} SOURCE when an earlier life had another size
   */
  open(widthPx: number, heightPx: number, payloadBytes: number, slots: number): FrameWriter {
    if (this.#writer === undefined) {
      this.#writer = new FrameWriter(createExchange(widthPx, heightPx, slots, payloadBytes));
      this.#send({ kind: "opened", memory: this.#writer.memory });
    }
    const { memory } = this.#writer;
    if (memory.widthPx !== widthPx || memory.heightPx !== heightPx || memory.slotBytes < payloadBytes) {
      throw new SizeChanged(`frames were ${memory.widthPx}x${memory.heightPx}, now they are ${widthPx}x${heightPx}`);
    }
    this.#away = false;
    this.#send({ kind: "ok", since: nowMicros() });
    return this.#writer;
  }

  /** Memory of a slot; after {@link open}. */
  bytes(slot: number): Uint8Array {
    return this.#writer!.bytes(slot);
  }

  /**
   * Makes a filled slot the newest frame.
   *
   * @returns the slot that the driver has instead
   */
  deliver(slot: number, arrival: Arrival): number {
    const writer = this.#writer!;
    const cameraUs = arrival.cameraNs === undefined ? undefined : Number(arrival.cameraNs) / 1000;
    const { exposures, lost } = this.#count(arrival, cameraUs);
    this.#seq += exposures;
    const exposedAt = this.#clock.exposedAt(cameraUs, arrival.begunAt ?? arrival.arrivedAt);
    this.#lastExposedAt = exposedAt;
    this.#lastPeriodUs = arrival.periodUs ?? this.#lastPeriodUs;
    writer.countSeen(exposures, lost);
    const { id: cameraId, cameraNs, arrivedAt, complete } = arrival;
    const instead = writer.publish(slot, { seq: this.#seq, exposedAt, arrivedAt, complete, cameraId, cameraNs });
    if (writer.mustWake()) this.#send({ kind: "frame" });
    return instead;
  }

  /** The camera is lost. A driver that needs long to clean up says so before; the first reason of a life counts. */
  away({ message, hint }: GradelineError): void {
    if (this.#away || this.#writer === undefined) return;
    this.#away = true;
    this.#send({ kind: "away", reason: message, hint, since: nowMicros() });
  }

  countResent(packets: number): void {
    this.#writer?.countResent(packets);
  }

  countRestart(): void {
    this.#writer?.countRestart();
  }

  #count(arrival: Arrival, cameraUs: number | undefined): { exposures: number; lost: number } {
    const step = this.#steps.step(arrival.id, cameraUs, arrival.periodUs);
    if (!this.#fresh) return step;
    this.#fresh = false;
    if (this.#lastExposedAt === undefined) return { exposures: 1, lost: 0 };
    // Exposures while the camera was away are not known; the jump says that there was a gap and about how long.
    const away = arrival.arrivedAt - this.#lastExposedAt;
    const exposures = this.#lastPeriodUs === undefined ? 2 : Math.max(2, Math.round(away / this.#lastPeriodUs));
    return { exposures, lost: exposures - 1 };
  }
}

class SizeChanged extends GradelineError {
  constructor(message: string) {
    super("SOURCE", message, { retry: true, hint: "set widthPx and heightPx of the camera" });
  }
}

/**
 * Runs a driver in this thread for as long as its source is open: the first life must bring frames, each later one that
 * breaks is followed by another after a growing pause.
 */
export async function serveReader<Setup extends ReaderSettings>(
  create: (setup: Setup, log: LogLine) => Driver,
): Promise<void> {
  const port = parentPort!;
  const setup = workerData as Setup;
  const send = (message: FromReader): void => port.postMessage(message);
  const stop = new AbortController();
  const log: LogLine = (level, text) => send({ kind: "log", level, text });
  if (!raiseThread()) log("debug", "frames are received at the usual priority: LimitRTPRIO=1 of the service raises it");
  const driver = create(setup, log);
  port.on("message", (message: ToReader) => {
    if (message.kind === "close") stop.abort();
    else triggerAt(message, driver, send);
  });
  try {
    const end = await live(driver, setup, stop.signal, send);
    if (end === "ended") send({ kind: "ended" });
  } catch (error) {
    send(failedAnswer(error, "SOURCE"));
  }
  port.close();
}

async function live(
  driver: Driver,
  setup: ReaderSettings,
  stop: AbortSignal,
  send: (message: FromReader) => void,
): Promise<"ended" | "stopped"> {
  const sink = new FrameSink(setup.delayMs, send);
  let retryMs = setup.firstRetryMs;
  while (!stop.aborted) {
    const from = nowMicros();
    let reason: GradelineError;
    try {
      sink.begin();
      const end = await driver.run(sink, stop);
      if (end === "stopped" || setup.onEnd === "end") return end;
      reason = new GradelineError("SOURCE", "the camera says that its stream is over", { retry: true });
    } catch (error) {
      if (stop.aborted) break;
      reason = asGradelineError(error, "SOURCE");
    }
    if (!sink.opened || reason instanceof SizeChanged) throw reason;
    sink.away(reason);
    if (nowMicros() - from > GOOD_LIFE_US) retryMs = setup.firstRetryMs;
    send({ kind: "log", level: "debug", text: `next try in ${retryMs} ms` });
    await wait(retryMs, undefined, { signal: stop }).catch(() => {});
    retryMs = Math.min(LAST_RETRY_MS, retryMs * 2);
    sink.countRestart();
  }
  return "stopped";
}

/** So long before its time this thread takes nothing else on: a frame that is waited for takes as long. */
const READY_US = 8000;

/** Gives the camera its order at the moment that was agreed on, which the threads of other cameras keep, too. */
function triggerAt({ id, at }: Pick<Order, "id" | "at">, driver: Driver, send: (message: FromReader) => void): void {
  const restUs = at - nowMicros();
  if (restUs > READY_US) {
    setTimeout(() => triggerAt({ id, at }, driver, send), (restUs - READY_US) / 1000);
    return;
  }
  try {
    if (driver.trigger === undefined) throw new GradelineError("SOURCE", "this kind of camera takes no triggers");
    waitUntil(at);
    const toldAt = nowMicros();
    driver.trigger();
    send({ kind: "triggered", id, at: toldAt });
  } catch (error) {
    send({ kind: "untriggered", id, error: failureOf(error, "SOURCE") });
  }
}
