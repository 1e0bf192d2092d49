import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import type { Verdict } from "../../device/contract/messages.ts";
import { draft } from "./verdicts.ts";

/*
 * Files as version 0.1.0 wrote them, by its own schema and in its own order. Nothing here is shared with the program: it
 * must be able to change.
 */

/** The journal's format up to version 0.5.0. */
export const JOURNAL_OF_V1 = `
  CREATE TABLE verdicts(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lane TEXT NOT NULL,
    seq INTEGER NOT NULL,
    item TEXT NOT NULL UNIQUE,
    payload TEXT NOT NULL,
    createdAt INTEGER NOT NULL,
    acked INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX pending ON verdicts(id) WHERE acked = 0;
  CREATE INDEX history ON verdicts(id) WHERE acked = 1;
  CREATE TABLE lanes(lane TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('dropped', 0);
  PRAGMA application_id = ${0x67_72_6c_6e};
  PRAGMA user_version = 1;
`;

/** A verdict as 0.1.0 published and kept it. */
export function messageOfV1(lane: string, n: number, seq: number): Record<string, unknown> {
  const { outcomeCode: _, gradeCode: __, v: ___, device, lane: ____, ...rest }: Partial<Verdict> = draft(lane, n);
  return { v: 1, device, lane, seq, ...rest };
}

export class JournalOfV1 {
  readonly #db: DatabaseSync;

  constructor(path: string) {
    this.#db = new DatabaseSync(path, { timeout: 0 });
    this.#db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    this.#db.exec("PRAGMA wal_autocheckpoint = 4000;");
    this.#db.exec(JOURNAL_OF_V1);
  }

  /** @returns the numbers of the items `from` to `to` */
  append(lane: string, from: number, to: number): number[] {
    const next = this.#db.prepare(
      "INSERT INTO lanes VALUES (?, 1) ON CONFLICT(lane) DO UPDATE SET seq = seq + 1 RETURNING seq",
    );
    const insert = this.#db.prepare("INSERT INTO verdicts(lane, seq, item, payload, createdAt) VALUES (?, ?, ?, ?, ?)");
    const numbers: number[] = [];
    for (let n = from; n <= to; n++) {
      const seq = Number(next.get(lane)!.seq);
      const message = messageOfV1(lane, n, seq);
      insert.run(lane, seq, String(message.item), JSON.stringify(message), 1_790_000_000_000_000 + n);
      numbers.push(seq);
    }
    return numbers;
  }

  /** The broker has these. */
  ack(lane: string, from: number, to: number): void {
    this.#db.prepare("UPDATE verdicts SET acked = 1 WHERE lane = ? AND seq BETWEEN ? AND ?").run(lane, from, to);
  }

  /** One bit of its text was flipped. */
  spoil(lane: string, seq: number): void {
    this.#db
      .prepare("UPDATE verdicts SET payload = replace(payload, '\"lane\"', '\"lana\"') WHERE lane = ? AND seq = ?")
      .run(lane, seq);
  }

  /** Only the newest so many of those that the broker has are kept. */
  forget(kept: number): void {
    this.#db.exec(
      `DELETE FROM verdicts WHERE acked = 1 AND id NOT IN (SELECT id FROM verdicts WHERE acked = 1 ORDER BY id DESC LIMIT ${kept})`,
    );
  }

  /** The oldest that nobody has got are given up for the bound. */
  evict(count: number): void {
    this.#db.exec(
      `DELETE FROM verdicts WHERE id IN (SELECT id FROM verdicts WHERE acked = 0 ORDER BY id LIMIT ${count});
       UPDATE meta SET value = value + ${count} WHERE key = 'dropped'`,
    );
  }

  close(): void {
    this.#db.close();
  }
}

/** The gallery's file: one view per item, a row of the same value each. */
export function galleryOfV1(model: { hash: string; name: string; dimension: number; sizePx: number }): Buffer {
  const { hash: modelHash, name: modelName, dimension, sizePx } = model;
  const references = ["sound", "reject"].map((grade) => ({
    id: `0a-${grade}`,
    grade,
    origin: `photos/${grade}/1.jpg`,
    enrolledAt: "2026-11-23T18:00:00.000000Z",
    views: 1,
  }));
  const header = Buffer.from(
    JSON.stringify({ modelHash, modelName, dimension, sizePx, grades: ["sound", "reject"], references }),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const rows = new Float32Array(2 * dimension);
  rows[0] = 1;
  rows[dimension + 1] = 1;
  const body = Buffer.concat([Buffer.from("GRDLGAL1"), length, header, new Uint8Array(rows.buffer)]);
  return Buffer.concat([body, createHash("sha256").update(body).digest()]);
}
