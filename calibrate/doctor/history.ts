import { statSync } from "node:fs";
import type { Config } from "../../device/config/schema.ts";
import { CeilingFile } from "../../device/publish/journal-ceiling.ts";
import { ceilingPath } from "../../device/publish/journal-file.ts";
import { type Finding, ok } from "./finding.ts";

/** Of a verdict with its indexes, where none are kept to measure. */
const VERDICT_BYTES = 1000;
/** A fast lane, where the line has not run for long enough to say more. */
const VERDICTS_PER_S = 10;
/** Running time and verdicts that say how fast the line is. */
const LEAST_S = 600;
const LEAST_ROWS = 1000;

/** How many hours of verdicts the bytes hold that may be kept, at the rate of the line so far. */
export function checkHistory({ journal, lanes }: Config): Finding {
  const { perS, bytes, measured } = rateOf(journal.path) ?? {
    perS: VERDICTS_PER_S * Math.max(1, lanes.length),
    bytes: VERDICT_BYTES,
    measured: false,
  };
  const hours = journal.keepBytes / bytes / perS / 3600;
  const size = `${Number((journal.keepBytes / 1e9).toFixed(2))} GB`;
  const rate = `${perS.toFixed(1)} verdicts/s${measured ? "" : ", were it a fast line"}`;
  const days = hours < journal.keepDays * 24 ? "" : ` (journal.keepDays ends them after ${journal.keepDays} days)`;
  return ok(`history: ${size} hold ${hours < 10 ? hours.toFixed(1) : Math.round(hours)} hours at ${rate}${days}`);
}

/** By what the journal's files say of its life; undefined where that is too short. */
function rateOf(path: string): { perS: number; bytes: number; measured: boolean } | undefined {
  const record = CeilingFile.peek(ceilingPath(path));
  if (record === undefined || record.tick < LEAST_S) return undefined;
  const rows = record.lastId - record.firstId + 1;
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (rows < LEAST_ROWS) return undefined;
  return { perS: record.lastId / record.tick, bytes: Math.max(200, size / rows), measured: true };
}
