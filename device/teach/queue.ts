import { mkdir, readFile } from "node:fs/promises";
import { asGradelineError, GradelineError } from "../base/errors.ts";
import { freeBytes, sha256, writeAtomic } from "../base/files.ts";
import type { Closable } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { readImage } from "../capture/image.ts";
import type { Verdict } from "../contract/messages.ts";

import { cutSheet, encodeSheet, sheetColumns } from "../gallery/sheet.ts";
import type { SeenItem } from "./enrollable.ts";
import {
  type Entry,
  entryOf,
  entrySchema,
  moveAside,
  moveFiles,
  pictureOf,
  readEntries,
  removeFiles,
  removeLeftOver,
  TAKEN,
} from "./queue-files.ts";

/** Items that were taken out and can be put back. */
const MAX_TAKEN = 200;
/** Items that wait for the disk; what comes meanwhile is dropped and counted. */
const MAX_WAITING = 16;
/** Damaged items that are told by name. */
const MAX_NAMED = 8;
/** Items kept per minute over time, and at once: a line of strangers must not wear out a memory card. */
const RATE = { perMinute: 30, burst: 60 };
/** Room on the disk that pictures leave to the journal, bytes: thousands of verdicts. */
export const LEFT_BYTES = 8 * 1024 * 1024;

/** An item that waits for somebody who knows its grade. */
export interface QueuedItem {
  readonly id: string;
  readonly verdict: Verdict;
  readonly views: number;
  /** Side of one view. */
  readonly sizePx: number;
  /** Views beside each other in the picture. */
  readonly columns: number;
  /** PNG of all its views. */
  readonly picture: string;
}

export interface QueueLimits {
  readonly maxItems: number;
  readonly maxBytes: number;
}

export interface QueueStats {
  readonly items: number;
  readonly bytes: number;
  /** Not kept because too many came at once or the disk took none, since the start. */
  readonly dropped: number;
  /** Why the disk takes none. */
  readonly problem: string | null;
}

/** Items that were unknown or unsure, on disk with all their views until somebody says their grade or dismisses them. */
export class UnknownQueue implements Closable {
  readonly folder: string;
  readonly #limits: QueueLimits;
  readonly #fill: number;
  readonly #log: Log;
  /** Oldest first. */
  readonly #entries: Map<string, Entry>;
  readonly #waiting: SeenItem[] = [];
  /** Taken out, the oldest first; they count for no limit but their own. */
  readonly #taken = new Map<string, Entry>();
  #bytes = 0;
  #dropped = 0;
  #problem: string | undefined;
  #busy = false;
  #writing: Promise<void> | undefined;
  #held = false;
  readonly #rate: typeof RATE;
  #allowance: number;
  #allowedAt = performance.now();

  private constructor(
    folder: string,
    limits: QueueLimits,
    fill: number,
    log: Log,
    rate: typeof RATE,
    entries: readonly Entry[],
  ) {
    this.folder = folder;
    this.#limits = limits;
    this.#fill = fill;
    this.#log = log;
    this.#rate = rate;
    this.#allowance = rate.burst;
    this.#entries = new Map(entries.map((entry) => [entry.verdict.item, entry]));
    for (const { bytes } of entries) this.#bytes += bytes;
  }

  /**
   * Makes the folder where it is missing and reads what is in it.
   *
   * @param fill grey of the crops' background
   * @param damage is told of items that were damaged and are set aside
   * @throws {GradelineError} FILE when the folder cannot be made or read
   */
  static async open(
    folder: string,
    limits: QueueLimits,
    fill: number,
    log: Log,
    rate = RATE,
    damage = (text: string): void => log.warn(text),
  ): Promise<UnknownQueue> {
    try {
      await mkdir(folder, { recursive: true });
      await removeLeftOver(folder);
    } catch (error) {
      throw new GradelineError("FILE", `${folder} cannot be used: ${(error as Error).message}`, {
        hint: "queue.path names a folder that the daemon may write to",
        cause: error,
      });
    }
    const { entries, damaged } = await readEntries(folder);
    if (damaged.length > 0) {
      const aside = await moveAside(folder, damaged);
      const more = damaged.length > MAX_NAMED ? ` and ${damaged.length - MAX_NAMED} more` : "";
      damage(`damaged unknown items are set aside in ${aside}: ${damaged.slice(0, MAX_NAMED).join(", ")}${more}`);
    }
    const queue = new UnknownQueue(folder, limits, fill, log, rate, entries);
    await queue.#makeRoom();
    return queue;
  }

  get stats(): QueueStats {
    const { size } = this.#entries;
    return { items: size, bytes: this.#bytes, dropped: this.#dropped, problem: this.#problem ?? null };
  }

  /** Newest first. */
  list(): QueuedItem[] {
    return [...this.#entries.values()].map((entry) => shown(this.folder, entry)).reverse();
  }

  get(id: string): QueuedItem | undefined {
    const entry = this.#entries.get(id);
    return entry === undefined ? undefined : shown(this.folder, entry);
  }

  /** Takes an item to be written; never waits for the disk. */
  offer(item: SeenItem): void {
    if (item.decided.crops.length === 0) return;
    if (this.#held || this.#waiting.length >= MAX_WAITING || !this.#isAllowed()) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(item);
    if (!this.#busy) this.#writing = this.#writeAll();
  }

  /** The disk is full: verdicts need the space more. Half of what is kept goes, the oldest first, and nothing is added. */
  hold(held: boolean): void {
    if (held && !this.#held) {
      for (const id of [...this.#taken.keys()]) void this.#forgetTaken(id).catch(() => {});
      const oldest = [...this.#entries.keys()].slice(0, Math.ceil(this.#entries.size / 2));
      this.remove(oldest).catch((error: Error) => this.#log.warn({ reason: error.message }, "unknown items stay"));
    }
    this.#held = held;
  }

  /**
   * The views of an item, each (sizePx, sizePx, 3).
   *
   * @throws {GradelineError} REQUEST when it is not kept, IMAGE or FILE when its picture is damaged or gone
   */
  async crops(id: string): Promise<Uint8Array[]> {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw notKept(id);
    const path = pictureOf(this.folder, id);
    const image = await readImage(path, { maxPixels: (entry.views + entry.columns) * entry.sizePx ** 2 });
    return cutSheet(image, entry);
  }

  /** The PNG of all views. @throws {GradelineError} REQUEST when it is not kept, FILE when it is damaged or gone */
  async picture(id: string): Promise<Buffer> {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw notKept(id);
    const path = pictureOf(this.folder, id);
    const bytes = await readFile(path).catch((error: Error) => {
      throw new GradelineError("FILE", `${path} cannot be read: ${error.message}`, { cause: error });
    });
    if (sha256(bytes) === entry.sha256) return bytes;
    throw new GradelineError("FILE", `${path} was changed: its sha256 does not fit`, { hint: "dismiss the item" });
  }

  /** Forgets items; those that are not here are passed over. @returns how many were here */
  async remove(ids: readonly string[]): Promise<number> {
    let removed = 0;
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry === undefined) continue;
      this.#entries.delete(id);
      this.#bytes -= entry.bytes;
      removed++;
      await removeFiles(this.folder, id);
    }
    return removed;
  }

  /**
   * Takes items out of the queue, so that they can be put back; those that are not here are passed over.
   *
   * @returns those that were here
   */
  async takeOut(ids: readonly string[]): Promise<string[]> {
    const taken: string[] = [];
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry === undefined) continue;
      this.#entries.delete(id);
      this.#bytes -= entry.bytes;
      taken.push(id);
      if (!(await moveFiles(this.folder, id, "", TAKEN))) continue;
      this.#taken.set(id, entry);
      while (this.#taken.size > MAX_TAKEN) await this.#forgetTaken(this.#taken.keys().next().value!);
    }
    return taken;
  }

  /** Puts back what was taken out and is still kept. @returns how many wait again */
  async putBack(ids: readonly string[]): Promise<number> {
    let back = 0;
    for (const id of ids) {
      const entry = this.#taken.get(id);
      if (entry === undefined) continue;
      this.#taken.delete(id);
      if (!(await moveFiles(this.folder, id, TAKEN, ""))) continue;
      this.#entries.set(id, entry);
      this.#bytes += entry.bytes;
      back++;
    }
    await this.#makeRoom();
    return back;
  }

  async #forgetTaken(id: string): Promise<void> {
    this.#taken.delete(id);
    await removeFiles(this.folder, id, TAKEN);
  }

  /** Resolves when everything that was offered is written or given up. */
  async settled(): Promise<void> {
    while (this.#busy) await this.#writing;
  }

  close(): Promise<void> {
    return this.settled();
  }

  async #writeAll(): Promise<void> {
    this.#busy = true;
    // Items appear and go while this one is written: each is taken when its turn comes.
    for (let item = this.#waiting.shift(); item !== undefined; item = this.#waiting.shift()) {
      try {
        await this.#write(item);
        this.#problem = undefined;
      } catch (error) {
        const { message, hint } = asGradelineError(error, "FILE");
        if (this.#problem === undefined) this.#log.warn({ hint }, `an unknown item is not kept: ${message}`);
        this.#problem = message;
        this.#dropped++;
      }
    }
    // In the same turn in which nothing was left: what comes from now on begins anew.
    this.#busy = false;
  }

  async #write({ verdict, decided: { crops } }: SeenItem): Promise<void> {
    const sizePx = Math.round(Math.sqrt(crops[0]!.length / 3));
    const png = await encodeSheet(crops, sizePx, this.#fill);
    const entry = entrySchema.parse({
      v: 1,
      sizePx,
      views: crops.length,
      columns: sheetColumns(crops.length),
      sha256: sha256(png),
      bytes: png.length,
      verdict,
    } satisfies Entry);
    await this.#checkRoom(png.length);
    await writeAtomic(pictureOf(this.folder, verdict.item), [png]);
    await writeAtomic(entryOf(this.folder, verdict.item), [new TextEncoder().encode(JSON.stringify(entry))]);
    this.#entries.set(verdict.item, entry);
    this.#bytes += entry.bytes;
    await this.#makeRoom();
  }

  /** What the journal gave back to a full disk is for the next verdicts: pictures must not take it. */
  async #checkRoom(bytes: number): Promise<void> {
    const free = await freeBytes(this.folder);
    if (free === undefined || free - bytes >= LEFT_BYTES) return;
    throw new GradelineError("FILE", `${(free / 1e6).toFixed(1)} MB are free on the disk of ${this.folder}`, {
      hint: `make room: the last ${Math.round(LEFT_BYTES / 1e6)} MB are left to verdicts`,
      retry: true,
    });
  }

  async #makeRoom(): Promise<void> {
    const { maxItems, maxBytes } = this.#limits;
    while (this.#entries.size > maxItems || this.#bytes > maxBytes) {
      await this.remove([this.#entries.keys().next().value!]);
    }
  }

  #isAllowed(): boolean {
    const now = performance.now();
    const { perMinute, burst } = this.#rate;
    this.#allowance = Math.min(burst, this.#allowance + ((now - this.#allowedAt) * perMinute) / 60_000);
    this.#allowedAt = now;
    if (this.#allowance < 1) return false;
    this.#allowance--;
    return true;
  }
}

/**
 * What waits in a queue's folder, newest first, also while a daemon writes to it or none runs.
 *
 * @throws {GradelineError} FILE when it cannot be read
 */
export async function readQueue(folder: string): Promise<QueuedItem[]> {
  const { entries } = await readEntries(folder);
  return entries.map((entry) => shown(folder, entry)).reverse();
}

export function notKept(id: string): GradelineError {
  return new GradelineError("REQUEST", `item ${JSON.stringify(id)} is not kept (any more)`, {
    hint: "enroll one of the newest items of a lane or of the unknown queue: gradeline-calibrate queue list",
  });
}

function shown(folder: string, { verdict, views, sizePx, columns }: Entry): QueuedItem {
  return { id: verdict.item, verdict, views, sizePx, columns, picture: pictureOf(folder, verdict.item) };
}
