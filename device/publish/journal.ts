import { EventEmitter } from "node:events";
import { asGradelineError, GradelineError } from "../base/errors.ts";
import type { Closable } from "../base/lifecycle.ts";
import { parseWall } from "../base/time.ts";
import type { JournalConfig } from "../config/schema.ts";
import type { Verdict, VerdictDraft } from "../contract/messages.ts";
import { Cursor } from "./cursor.ts";
import { type Notice, PLANT } from "./journal-file.ts";
import { JournalLink } from "./journal-link.ts";
import type { JournalEntry, JournalRow } from "./journal-row.ts";
import type { Selection } from "./journal-statements.ts";
import type { JournalStats } from "./journal-store.ts";
import type { JournalOpened } from "./journal-thread.ts";

/** More than this in one transaction gains nothing and holds the first of them up. */
const MAX_GROUP = 500;
/** Acknowledgements alone wait this long for a verdict to share its fsync; losing them only repeats messages. */
const ACK_DELAY_MS = 50;
const MAX_WAITING_ACKS = 200;
/** Verdicts in memory that the disk has not taken yet: minutes of a fast line, some megabytes. */
export const MAX_WAITING = 10_000;
/** Number of recent items whose second verdict counts as a repeat of the first. */
const MAX_RECENT = 1000;
/** The file is opened again so often in a row before the journal counts as broken. */
const MAX_REOPENS = 10;

/** A verdict on the disk. */
export interface Appended {
  readonly row: JournalRow;
  readonly verdict: Verdict;
}

/** A verdict with its number, on its way to the disk. */
export interface Taken {
  readonly verdict: Verdict;
  /** Rejected with JOURNAL where too many wait or the journal is broken: the verdict is lost and counted; CLOSED. */
  readonly durable: Promise<Appended>;
}

export interface JournalOptions {
  /** Names of whoever gets the verdicts, beside the plant's broker. */
  readonly sinks?: readonly string[];
  /** Wait before a disk that refused is tried again. */
  readonly retryMs?: number;
}

interface JournalEvents {
  /** Something was found damaged and mended; those of the opening are in `opening`. */
  notice: [Notice];
  /** The disk takes none, for this reason; undefined: it takes them again. */
  problem: [GradelineError | undefined];
  /** The journal cannot be mended: the process should end with this. */
  broken: [GradelineError];
}

interface Waiting {
  readonly entry: JournalEntry;
  readonly verdict: Verdict;
  readonly wanted: PromiseWithResolvers<Appended>;
}

const NO_STATS: JournalStats = { sinks: [], rows: 0, bytes: 0, lost: 0, skipped: 0, damaged: 0 };

/**
 * Every verdict on disk before anyone hears of it. The file lives in a thread of its own; what arrives while a
 * transaction runs forms the next one. While the disk takes nothing verdicts wait here, with their numbers.
 */
export class Journal implements Closable {
  readonly events = new EventEmitter<JournalEvents>();
  readonly #config: JournalConfig;
  readonly #sinks: readonly string[];
  readonly #retryMs: number;
  readonly #cursors = new Map<string, Cursor>();
  readonly #numbers = new Map<string, number>();
  readonly #recent = new Map<string, Taken>();
  /** What the opening found damaged and mended. */
  readonly opening: Notice[] = [];
  #link!: JournalLink;
  #epoch = "";
  #stats = NO_STATS;
  #waiting: Waiting[] = [];
  readonly #acks = new Map<string, number[]>();
  #timer: NodeJS.Timeout | undefined;
  #committing: Promise<void> | undefined;
  #again = false;
  #problem: GradelineError | undefined;
  /** Lost, and the thread does not know of it yet. */
  #lost = 0;
  #reopens = 0;
  #opened = false;
  #closed = false;

  private constructor(config: JournalConfig, { sinks = [], retryMs = 1000 }: JournalOptions) {
    this.#config = config;
    this.#sinks = [PLANT, ...sinks];
    this.#retryMs = retryMs;
    for (const sink of this.#sinks) this.#cursors.set(sink, new Cursor(sink, this));
  }

  /**
   * Opens or makes the file and locks it against a second daemon.
   *
   * @throws {GradelineError} JOURNAL when it is locked, cannot be written, or belongs to something else
   */
  static async open(config: JournalConfig, options: JournalOptions = {}): Promise<Journal> {
    const journal = new Journal(config, options);
    journal.#take(await journal.#openLink());
    journal.#opened = true;
    return journal;
  }

  /** Tells this journal's numbers from those of another disk. */
  get epoch(): string {
    return this.#epoch;
  }

  /** As of the last transaction. */
  get stats(): JournalStats {
    return { ...this.#stats, lost: this.#stats.lost + this.#lost };
  }

  /** Verdicts that wait for the disk. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Why the disk takes none. */
  get problem(): GradelineError | undefined {
    return this.#problem;
  }

  /** The cursor of one sink. */
  cursor(sink: string): Cursor {
    const cursor = this.#cursors.get(sink);
    if (cursor === undefined) throw new GradelineError("INTERNAL", `the journal knows no sink ${sink}`);
    return cursor;
  }

  /** Gives the verdict the next number of its lane and starts to store it. An item that was taken before keeps its number. */
  take(draft: VerdictDraft): Taken {
    const before = this.#recent.get(draft.item);
    if (before !== undefined) return before;
    const seq = (this.#numbers.get(draft.lane) ?? 0) + 1;
    this.#numbers.set(draft.lane, seq);
    const { v, device, lane, ...rest } = draft;
    const verdict: Verdict = { v, device, epoch: this.#epoch, lane, seq, ...rest };
    const wanted = Promise.withResolvers<Appended>();
    const taken = { verdict, durable: wanted.promise };
    // Whoever looks at it hears of it; nobody must.
    wanted.promise.catch(() => {});
    if (this.#closed) wanted.reject(new GradelineError("CLOSED", "the journal is closed"));
    else if (this.#waiting.length >= MAX_WAITING) {
      this.#lost++;
      wanted.reject(tooMany(this.#problem));
    } else {
      const payload = JSON.stringify(verdict);
      const decidedAt = parseWall(draft.decidedAt);
      this.#waiting.push({ entry: { lane, seq, item: draft.item, payload, decidedAt }, verdict, wanted });
      // Not at once: what the same turn of the event loop appends shares the transaction.
      if (this.#waiting.length === 1) queueMicrotask(() => this.#commitNext());
    }
    this.#recent.set(draft.item, taken);
    if (this.#recent.size > MAX_RECENT) this.#recent.delete(this.#recent.keys().next().value!);
    return taken;
  }

  /** The same; resolves, in the order of the calls, when it is on the disk. */
  append(draft: VerdictDraft): Promise<Appended> {
    return this.take(draft).durable;
  }

  /** Remembers that a sink has these rows; written with the next transaction. */
  ack(sink: string, ids: readonly number[]): void {
    const waiting = this.#acks.get(sink) ?? [];
    this.#acks.set(sink, waiting);
    for (const id of ids) waiting.push(id);
    if (waiting.length >= MAX_WAITING_ACKS && this.#problem === undefined) this.#commitNext();
    else this.#schedule(this.#problem === undefined ? ACK_DELAY_MS : this.#retryMs);
  }

  /**
   * Verdicts that a sink has not got, oldest first; what it has acknowledged is not among them.
   *
   * @param limit at most so many
   * @param after only those with a larger id
   */
  async pending(sink: string, limit: number, after = 0): Promise<readonly JournalRow[]> {
    await this.#committing;
    if (this.#acks.size > 0) this.#commitNext();
    await this.#committing;
    return (await this.#link.ask({ kind: "pending", sink, limit, after }, "rows")).rows;
  }

  /** Kept verdicts of a lane in the order of their numbers, those above `after`; also such as every sink has. */
  async select(of: Selection, limit: number, after = 0): Promise<readonly JournalRow[]> {
    return (await this.#link.ask({ kind: "select", of, limit, after }, "rows")).rows;
  }

  async count(of: Selection): Promise<number> {
    return (await this.#link.ask({ kind: "count", of }, "count")).count;
  }

  /** Writes what waits, if the disk takes it, and unlocks the file. What it does not take is counted at the next start. */
  async close(): Promise<void> {
    if (this.#closed) return;
    while (this.#committing !== undefined || ((this.#waiting.length > 0 || this.#acks.size > 0) && !this.#problem)) {
      this.#commitNext();
      await this.#committing;
    }
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      if (this.#waiting.length > 0) await this.#note();
      await this.#link.ask({ kind: "close" }, "closed");
    } catch {
      // The thread is gone already.
    }
    await this.#link.ended;
    const closed = new GradelineError("CLOSED", "the journal is closed", { cause: this.#problem });
    for (const { wanted } of this.#waiting.splice(0)) wanted.reject(closed);
  }

  #openLink(): ReturnType<typeof JournalLink.open> {
    return JournalLink.open({ config: this.#config, sinks: this.#sinks }, (stats, notices) => {
      this.#stats = stats ?? this.#stats;
      for (const notice of notices) {
        if (this.#opened) this.events.emit("notice", notice);
        else this.opening.push(notice);
      }
    });
  }

  #take({ link, opened }: { readonly link: JournalLink; readonly opened: JournalOpened }): void {
    this.#link = link;
    this.#epoch = opened.epoch;
    for (const [lane, seq] of opened.lanes) this.#numbers.set(lane, Math.max(seq, this.#numbers.get(lane) ?? 0));
  }

  #schedule(ms: number): void {
    if (this.#closed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#commitNext();
    }, ms);
  }

  #commitNext(): void {
    if (this.#committing !== undefined || this.#closed) return;
    if (this.#waiting.length === 0 && this.#acks.size === 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#committing = this.#commit().then(() => {
      this.#committing = undefined;
      if (this.#problem !== undefined) this.#schedule(this.#retryMs);
      else if (this.#waiting.length > 0) this.#commitNext();
      else if (this.#acks.size > 0) this.#schedule(ACK_DELAY_MS);
    });
  }

  async #commit(): Promise<void> {
    const group = this.#waiting.slice(0, MAX_GROUP);
    const acks = [...this.#acks];
    this.#acks.clear();
    try {
      const entries = group.map(({ entry }) => entry);
      const { ids } = await this.#link.ask({ kind: "commit", entries, acks, again: this.#again }, "committed");
      this.#waiting.splice(0, group.length);
      this.#again = false;
      this.#reopens = 0;
      if (this.#problem !== undefined) this.#become(undefined);
      for (const [index, { entry, verdict, wanted }] of group.entries()) {
        wanted.resolve({ row: { ...entry, id: ids[index]!, tick: 0 }, verdict });
      }
      for (const cursor of this.#cursors.values()) cursor.grew();
    } catch (error) {
      this.#again = true;
      for (const [sink, ids] of acks) this.#acks.set(sink, [...ids, ...(this.#acks.get(sink) ?? [])]);
      await this.#refused(asGradelineError(error, "JOURNAL"));
    }
  }

  /** Verdicts wait. A full disk is tried again; anything else may be mended by opening the file anew. */
  async #refused(problem: GradelineError): Promise<void> {
    // At once, before anything is tried.
    if (this.#problem?.message !== problem.message) this.#become(problem);
    try {
      if (!problem.retry) await this.#reopen();
      await this.#note();
    } catch (error) {
      if (this.#reopens >= MAX_REOPENS) this.events.emit("broken", asGradelineError(error, "JOURNAL"));
    }
  }

  #become(problem: GradelineError | undefined): void {
    this.#problem = problem;
    this.events.emit("problem", problem);
  }

  async #reopen(): Promise<void> {
    this.#reopens++;
    await this.#link.stop();
    this.#take(await this.#openLink());
  }

  async #note(): Promise<void> {
    const lost = this.#lost;
    await this.#link.ask({ kind: "note", given: [...this.#numbers], lost }, "noted");
    this.#lost -= lost;
  }
}

function tooMany(problem: GradelineError | undefined): GradelineError {
  return new GradelineError("JOURNAL", `${MAX_WAITING} verdicts wait for the disk, no more are taken`, {
    hint: problem?.hint ?? "the disk is too slow",
    cause: problem,
  });
}
