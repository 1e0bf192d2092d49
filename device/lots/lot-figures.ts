import { Worker } from "node:worker_threads";
import { asGradelineError, GradelineError } from "../base/errors.ts";
import type { Closable } from "../base/lifecycle.ts";
import { errorOf } from "../base/worker.ts";
import type { Lot } from "../contract/lot.ts";
import type { Cursor } from "../publish/cursor.ts";
import type { Downtime, LotPicture } from "./figures-store.ts";
import type { FiguresAnswer, FiguresCall } from "./figures-thread.ts";

/** Rows that are counted with one transaction. */
const MAX_ROWS = 500;
/** Between two transactions where little comes: each costs a write to the disk. */
const REST_MS = 2000;
const RETRY_MS = 5000;

/**
 * Counts what became of each lot: a receiver of the journal like any other, so that what it counted equals the rows,
 * each once. It never holds a verdict up.
 */
export class LotFigures implements Closable {
  readonly #worker: Worker;
  readonly #answers: PromiseWithResolvers<FiguresAnswer>[] = [];
  readonly #stop = new AbortController();
  #ended: Promise<unknown> = Promise.resolve();
  #following: Promise<void> | undefined;
  #downtime: Downtime[] = [];
  readonly #lots = new Map<string, Lot>();
  #hurry = Promise.withResolvers<void>();
  /** Resolved with the end of each transaction. */
  #round = Promise.withResolvers<void>();
  #problem: GradelineError | undefined;
  #id = "";
  #gone: GradelineError | undefined;

  private constructor(folder: string) {
    this.#worker = new Worker(new URL("./figures-thread.ts", import.meta.url), { workerData: folder });
    this.#worker.on("message", (answer: FiguresAnswer) => this.#answers.shift()?.resolve(answer));
    this.#worker.on("error", (error) => this.#broke(error));
    this.#ended = new Promise<void>((resolve) => {
      this.#worker.once("exit", () => {
        this.#broke(undefined);
        resolve();
      });
    });
  }

  /** @throws {GradelineError} FILE when its file cannot be opened */
  static async open(folder: string): Promise<LotFigures> {
    const figures = new LotFigures(folder);
    const opened = Promise.withResolvers<FiguresAnswer>();
    figures.#answers.push(opened);
    const answer = await opened.promise;
    if (answer.kind === "failed") throw errorOf(answer);
    if (answer.kind === "opened") figures.#id = answer.id;
    return figures;
  }

  /** Its name in the journal: a file that is made anew gets what the journal still keeps. */
  get sink(): string {
    return `lots/${this.#id}`;
  }

  /** Why the disk takes nothing. */
  get problem(): GradelineError | undefined {
    return this.#problem;
  }

  /** Begins to count what the cursor gives. */
  follow(cursor: Cursor, epoch: () => string): void {
    this.#following = this.#follow(cursor, epoch);
  }

  /** Of a lot that is on. */
  describe(lots: Iterable<Lot>): void {
    for (const lot of lots) this.#lots.set(lot.id, lot);
  }

  addDowntime(downtime: Downtime): void {
    this.#downtime.push(downtime);
  }

  /** @param lots so many of the newest keep their pictures */
  async addPictures(pictures: readonly LotPicture[], lots: number): Promise<void> {
    await this.#ask({ kind: "pictures", pictures, lots });
  }

  /** Resolves when what was durable at the call is counted, or cannot be. */
  async settled(): Promise<void> {
    // One that runs may have read before the call.
    for (let i = 0; i < 2 && !this.#stop.signal.aborted; i++) {
      const { promise } = this.#round;
      this.#hurried();
      await Promise.race([promise, this.#following]);
    }
  }

  #hurried(): void {
    this.#hurry.resolve();
    this.#hurry = Promise.withResolvers();
  }

  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#hurried();
    await this.#following;
    await this.#ask({ kind: "close" }).catch(() => {});
    await this.#ended;
  }

  async #follow(cursor: Cursor, epoch: () => string): Promise<void> {
    const stop = this.#stop.signal;
    for (let last = false; !last; ) {
      // What came until the end is counted before the end.
      last = stop.aborted;
      try {
        const rows = await cursor.read(MAX_ROWS);
        await this.#add(cursor, epoch(), rows);
        this.#problem = undefined;
        this.#roundEnded();
        if (rows.length === MAX_ROWS) last = false;
        else await this.#rest(REST_MS);
      } catch (error) {
        this.#problem = asGradelineError(error, "FILE");
        this.#roundEnded();
        await this.#rest(RETRY_MS);
      }
    }
  }

  async #add(cursor: Cursor, epoch: string, rows: Awaited<ReturnType<Cursor["read"]>>): Promise<void> {
    const downtime = this.#downtime;
    const lots = [...this.#lots.values()];
    if (rows.length + downtime.length + lots.length === 0) return;
    this.#downtime = [];
    const told = rows.map(({ id, lane, decidedAt, payload }) => ({ id, lane, decidedAt, payload }));
    try {
      await this.#ask({ kind: "add", epoch, rows: told, downtime, lots });
    } catch (error) {
      // A disk that takes nothing for a day must not fill the memory.
      this.#downtime = [...downtime, ...this.#downtime].slice(0, 10_000);
      throw error;
    }
    this.#lots.clear();
    cursor.ack(rows.map(({ id }) => id));
  }

  #roundEnded(): void {
    this.#round.resolve();
    this.#round = Promise.withResolvers();
  }

  async #rest(ms: number): Promise<void> {
    if (this.#stop.signal.aborted) return;
    let timer: NodeJS.Timeout | undefined;
    const rested = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
      timer.unref();
    });
    await Promise.race([rested, this.#hurry.promise]);
    clearTimeout(timer);
  }

  async #ask(call: FiguresCall): Promise<void> {
    if (this.#gone !== undefined) throw this.#gone;
    const wanted = Promise.withResolvers<FiguresAnswer>();
    this.#answers.push(wanted);
    this.#worker.postMessage(call);
    const answer = await wanted.promise;
    if (answer.kind === "failed") throw errorOf(answer);
  }

  #broke(cause: unknown): void {
    const message = "the thread that counts lots ended";
    const hint = "restart the daemon: what was not counted is counted then";
    this.#gone ??= new GradelineError("FILE", message, { hint, cause });
    const failed = { kind: "failed", code: "FILE", message, hint, retry: false } as const;
    for (const wanted of this.#answers.splice(0)) wanted.resolve(failed);
  }
}
