import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { asGradelineError, GradelineError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import { Serial } from "../base/serial.ts";
import { formatMicros, nowMicros } from "../base/time.ts";
import { laneNamed } from "../config/lane-names.ts";
import type { Config } from "../config/schema.ts";
import { type Lot, type LotOnLane, lotSchema } from "../contract/lot.ts";
import type { Handlers } from "../contract/verbs.ts";

const FILE = "current.json";

const entrySchema = z.strictObject({ lane: z.string(), lot: lotSchema.nullable(), since: z.string() });
const fileSchema = z.strictObject({ v: z.literal(1), lanes: z.array(entrySchema).max(1000) });

type Entry = z.output<typeof entrySchema>;

/** Folder of what is known of lots. */
export function lotsFolder(config: Config): string {
  return config.lots.path ?? join(dirname(config.journal.path), "lots");
}

/**
 * Which lot is on each lane. A change is on disk before it holds: after a loss of power the fruit that follow belong to
 * the same lot as those before.
 */
export class LotBook {
  readonly #folder: string;
  readonly #lanes: readonly string[];
  #entries: ReadonlyMap<string, Entry>;
  readonly #serial = new Serial();

  private constructor(folder: string, lanes: readonly string[], entries: ReadonlyMap<string, Entry>) {
    this.#folder = folder;
    this.#lanes = lanes;
    this.#entries = entries;
  }

  /**
   * @param lanes of the device; what the file says of others is kept for when they are there again
   * @param damaged told where the file cannot be read: no lot is on then
   * @throws {GradelineError} FILE when the folder cannot be made
   */
  static async open(folder: string, lanes: readonly string[], damaged: (reason: string) => void): Promise<LotBook> {
    try {
      await mkdir(folder, { recursive: true });
    } catch (error) {
      throw new GradelineError("FILE", `${folder} cannot be made: ${(error as Error).message}`, {
        hint: "lots.path names a folder that the daemon may write to",
        cause: error,
      });
    }
    const entries = new Map<string, Entry>();
    try {
      const text = await readFile(join(folder, FILE), "utf8");
      for (const entry of fileSchema.parse(JSON.parse(text)).lanes) entries.set(entry.lane, entry);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") damaged(asGradelineError(error).message);
    }
    return new LotBook(folder, lanes, entries);
  }

  /** The lot of a fruit that comes into view now. */
  idOn(lane: string): string | undefined {
    return this.#entries.get(lane)?.lot?.id;
  }

  on(lane: string): Lot | null {
    return this.#entries.get(lane)?.lot ?? null;
  }

  list(): LotOnLane[] {
    return this.#lanes.map((lane) => {
      const entry = this.#entries.get(lane);
      return { lane, lot: entry?.lot ?? null, since: entry?.since ?? null };
    });
  }

  /**
   * Holds once it is on disk.
   *
   * @param lane undefined: all of them
   * @param lot null: none
   * @throws {GradelineError} REQUEST for a lane that is not there; FILE where the disk takes nothing, and the lot stays
   */
  async set(lane: string | undefined, lot: Lot | null): Promise<readonly LotOnLane[]> {
    if (lane !== undefined) laneNamed({ lanes: this.#lanes.map((id) => ({ id })) }, lane, "REQUEST");
    const lanes = lane === undefined ? this.#lanes : [lane];
    return this.#serial.run(async () => {
      const since = formatMicros(nowMicros());
      const next = new Map(this.#entries);
      for (const each of lanes) next.set(each, { lane: each, lot, since });
      const text = JSON.stringify({ v: 1, lanes: [...next.values()] });
      await writeAtomic(join(this.#folder, FILE), [Buffer.from(text)]);
      this.#entries = next;
      return this.list().filter((each) => lanes.includes(each.lane));
    });
  }
}

/** Answers the request by which lots are set. */
export function lotHandlers(lots: () => LotBook): Pick<Handlers, "lot"> {
  return {
    lot: async ({ lane, lot }) => {
      if (lot !== undefined) return { lots: [...(await lots().set(lane, lot))] };
      return {
        lots: lots()
          .list()
          .filter((each) => lane === undefined || each.lane === lane),
      };
    },
  };
}
