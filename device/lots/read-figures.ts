import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { GradelineError } from "../base/errors.ts";
import { type Lot, lotSchema } from "../contract/lot.ts";
import { parseFigures } from "./figures.ts";
import { figuresPath, type LotPicture, type Span } from "./figures-store.ts";

/** What became of lots, read beside the running daemon. */
export interface KnownLots {
  /** By lot, lane and time. */
  readonly spans: readonly Span[];
  readonly lots: ReadonlyMap<string, Lot>;
  readonly pictures: readonly LotPicture[];
  /** As they were last, best first. */
  readonly grades: readonly string[];
}

/**
 * @param lot undefined: all, without their pictures
 * @throws {GradelineError} FILE where nothing was ever counted, or the file cannot be read
 */
export function readLots(folder: string, lot?: string): KnownLots {
  const path = figuresPath(folder);
  if (!existsSync(path)) {
    throw new GradelineError("FILE", `${path} is not there: no fruit was ever counted`, {
      hint: "the daemon makes it; is --config the file that it runs with?",
    });
  }
  try {
    const db = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
    try {
      const [where, values] = lot === undefined ? ["", []] : ["WHERE lot = ?", [lot]];
      const spans = db.prepare(`SELECT * FROM figures ${where} ORDER BY bucket, lot, lane`).all(...values);
      const lots = db.prepare("SELECT body FROM lots ORDER BY seenAt").all();
      const pictures =
        lot === undefined ? [] : db.prepare("SELECT * FROM pictures WHERE lot = ? ORDER BY kind, margin").all(lot);
      const grades = db.prepare("SELECT value FROM meta WHERE key = 'grades'").get()?.value;
      return {
        grades: JSON.parse(String(grades ?? "[]")) as string[],
        spans: spans.map((row) => ({
          lot: String(row.lot),
          lane: String(row.lane),
          bucket: Number(row.bucket),
          figures: parseFigures(String(row.body)),
        })),
        lots: new Map(lots.map(({ body }) => lotSchema.parse(JSON.parse(String(body)))).map((each) => [each.id, each])),
        pictures: pictures as unknown as LotPicture[],
      };
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof GradelineError) throw error;
    throw new GradelineError("FILE", `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
