import { Worker } from "node:worker_threads";
import { GradelineError } from "../base/errors.ts";
import type { Closable } from "../base/lifecycle.ts";
import type { JournalConfig } from "../config/schema.ts";
import type { Verdict, VerdictDraft } from "../contract/messages.ts";
import type { JournalRow, JournalStats } from "./journal-store.ts";
import type { JournalCall, JournalReply } from "./journal-thread.ts";

/** More than this in one transaction gains nothing and holds the first of them up. */
const MAX_GROUP = 500;
/** Acknowledgements alone wait this long for a verdict to share its fsync; losing them only repeats messages. */
const ACK_DELAY_MS = 50;
/** The same while the disk takes nothing. */
const ACK_RETRY_MS = 1000;
const MAX_WAITING_ACKS = 200;

/** A verdict on the disk. */
export interface Appended {
  readonly row: JournalRow;
  readonly verdict: Verdict;
  /** The item had been appended before: this is its first verdict, not the one just given. */
  readonly repeated: boolean;
}

interface Waiting {
  readonly draft: VerdictDraft;
  resolve(appended: Appended): void;
  reject(error: GradelineError): void;
}

interface Question {
  resolve(reply: JournalReply): void;
  reject(error: GradelineError): void;
}

/**
 * Every verdict on disk before anyone hears of it. The file lives in a thread of its own; what arrives while a
 * transaction runs forms the next one.
 */
export class Journal implements Closable {
  readonly #worker: Worker;
  /** Asked and not answered yet; the thread answers in order. */
  readonly #questions: Question[] = [];
  #waiting: Waiting[] = [];
  #acks: number[] = [];
  #ackTimer: NodeJS.Timeout | undefined;
  #committing: Promise<void> | undefined;
  /** The last transaction failed. */
  #refused = false;
  #failure: GradelineError | undefined;
  #stats: JournalStats = { depth: 0, bytes: 0, dropped: 0 };
  #setAside: string | undefined;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /**
   * Opens or makes the file and locks it against a second daemon.
   *
   * @throws {GradelineError} JOURNAL when it is locked, cannot be written, or belongs to something else
   */
  static async open(config: JournalConfig): Promise<Journal> {
    const worker = new Worker(new URL("./journal-thread.ts", import.meta.url), { workerData: config });
    const journal = new Journal(worker);
    const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    worker.on("message", (reply: JournalReply) => journal.#answered(reply));
    worker.on("error", (error) => journal.#broke(error));
    worker.on("exit", () => journal.#broke(undefined));
    try {
      const reply = await new Promise<JournalReply>((resolve, reject) => journal.#questions.push({ resolve, reject }));
      if (reply.kind !== "opened") throw unexpected(reply);
      journal.#stats = reply.stats;
      journal.#setAside = reply.setAside;
      return journal;
    } catch (error) {
      await exited;
      throw error;
    }
  }

  /** As of the last transaction. */
  get stats(): JournalStats {
    return this.#stats;
  }

  /** Name of the damaged file in whose place this journal was made; undefined in the usual case. */
  get setAside(): string | undefined {
    return this.#setAside;
  }

  /**
   * Gives the verdict the next number of its lane and stores both, in one transaction. Resolves, in the order of the
   * calls, when it is on the disk. An item appended before gets what it got then.
   *
   * @throws {GradelineError} JOURNAL, with `retry` when the disk is full (nothing is stored, no number is used up);
   *   CLOSED after `close`
   */
  append(draft: VerdictDraft): Promise<Appended> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ draft, resolve, reject });
      // Not at once: what the same turn of the event loop appends shares the transaction.
      if (this.#waiting.length === 1) queueMicrotask(() => this.#commitNext());
    });
  }

  /** Remembers that the broker has these rows; written with the next transaction. */
  ack(ids: readonly number[]): void {
    for (const id of ids) this.#acks.push(id);
    if (this.#acks.length >= MAX_WAITING_ACKS && !this.#refused) this.#commitNext();
    else this.#scheduleAcks();
  }

  /**
   * Unacknowledged verdicts, oldest first.
   *
   * @param limit at most so many
   * @param after only those with a larger id
   */
  async pending(limit: number, after = 0): Promise<readonly JournalRow[]> {
    // What is acknowledged already must not be read as pending.
    await this.#committing;
    if (this.#acks.length > 0) this.#commitNext();
    const reply = await this.#ask({ kind: "pending", limit, after });
    if (reply.kind !== "rows") throw unexpected(reply);
    return reply.rows;
  }

  /** Writes waiting acknowledgements and unlocks the file. */
  async close(): Promise<void> {
    if (this.#failure !== undefined) return;
    while (this.#committing !== undefined || this.#waiting.length > 0) {
      this.#commitNext();
      await this.#committing;
    }
    if (this.#acks.length > 0) {
      this.#commitNext();
      await this.#committing;
    }
    clearTimeout(this.#ackTimer);
    const exited = new Promise<void>((resolve) => this.#worker.once("exit", () => resolve()));
    const closed = this.#ask({ kind: "close" });
    this.#failure = new GradelineError("CLOSED", "the journal is closed");
    await closed;
    await exited;
  }

  #scheduleAcks(): void {
    this.#ackTimer ??= setTimeout(
      () => {
        this.#ackTimer = undefined;
        this.#commitNext();
      },
      this.#refused ? ACK_RETRY_MS : ACK_DELAY_MS,
    );
  }

  #commitNext(): void {
    if (this.#committing !== undefined || this.#failure !== undefined) return;
    if (this.#waiting.length === 0 && this.#acks.length === 0) return;
    const group = this.#waiting.splice(0, MAX_GROUP);
    const acks = this.#acks;
    this.#acks = [];
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    this.#committing = this.#commit(group, acks).then(() => {
      this.#committing = undefined;
      if (this.#waiting.length > 0) this.#commitNext();
      else if (this.#acks.length > 0) this.#scheduleAcks();
    });
  }

  async #commit(group: readonly Waiting[], acks: number[]): Promise<void> {
    try {
      const reply = await this.#ask({ kind: "commit", drafts: group.map((waiting) => waiting.draft), acks });
      if (reply.kind !== "committed") throw unexpected(reply);
      this.#stats = reply.stats;
      this.#refused = false;
      for (const [index, waiting] of group.entries()) {
        const { repeated, ...row } = reply.rows[index]!;
        const verdict = repeated ? (JSON.parse(row.payload) as Verdict) : { ...waiting.draft, seq: row.seq };
        waiting.resolve({ row, verdict, repeated });
      }
    } catch (error) {
      // Nothing of the group was written. Acknowledgements are tried again with a later one.
      this.#refused = true;
      this.#acks = acks.concat(this.#acks);
      for (const waiting of group) waiting.reject(error as GradelineError);
    }
  }

  #ask(call: JournalCall): Promise<JournalReply> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#questions.push({ resolve, reject });
      this.#worker.postMessage(call);
    });
  }

  #answered(reply: JournalReply): void {
    const question = this.#questions.shift();
    if (reply.kind !== "failed") {
      question?.resolve(reply);
      return;
    }
    const { message, hint, retry } = reply;
    question?.reject(new GradelineError("JOURNAL", message, hint === undefined ? { retry } : { hint, retry }));
  }

  /** The thread has ended; whoever still waits is told. */
  #broke(cause: unknown): void {
    this.#failure ??= new GradelineError("JOURNAL", "the journal's thread ended", {
      hint: "restart the daemon; what was durable is still in the file",
      cause,
    });
    clearTimeout(this.#ackTimer);
    for (const question of this.#questions.splice(0)) question.reject(this.#failure);
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#failure);
  }
}

function unexpected(reply: JournalReply): GradelineError {
  return new GradelineError("INTERNAL", `the journal's thread answered ${reply.kind}`);
}
