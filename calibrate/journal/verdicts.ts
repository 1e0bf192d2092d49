import { closeSync, openSync } from "node:fs";
import { GradelineError } from "../../device/base/errors.ts";
import { parseWall } from "../../device/base/time.ts";
import { raised } from "../../device/contract/form.ts";
import type { Verdict } from "../../device/contract/messages.ts";
import { CeilingFile } from "../../device/publish/journal-ceiling.ts";
import { ceilingPath } from "../../device/publish/journal-file.ts";
import { type FoundRow, rowInFile, scanJournal, scanLog } from "../../device/publish/journal-scan.ts";

/** Which of them. */
export interface VerdictFilter {
  readonly lane?: string | undefined;
  /** A number, or a time of decision; included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** The newest so many. */
  readonly limit?: number | undefined;
}

/**
 * Verdicts of a journal in the order in which they were stored. Reads the bytes of the files and asks for no lock, so it
 * works beside the running daemon and never in its way; a row is taken only where its checksum fits.
 *
 * @throws {GradelineError} USAGE where `from` or `to` is neither a number nor a time, JOURNAL where there is no journal
 */
export function* journalVerdicts(path: string, wanted: VerdictFilter): Generator<Verdict> {
  const fits = test(wanted);
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (cause) {
    throw new GradelineError("JOURNAL", `${path} cannot be read: ${(cause as Error).message}`, {
      hint: "`journal.path` of the configuration names it; may this user read it?",
      cause,
    });
  }
  try {
    const firstId = CeilingFile.peek(ceilingPath(path))?.firstId ?? 1;
    // Those in the log may move at any moment and are few; of the others only the place is kept.
    const fresh = new Map<number, FoundRow>();
    for (const row of scanLog(`${path}-wal`)) if (row.id >= firstId && fits(row)) fresh.set(row.id, row);
    const places = new Map<number, number>();
    for (const row of scanJournal(path, false)) if (row.id >= firstId && fits(row)) places.set(row.id, row.at!);
    const ids = [...new Set([...fresh.keys(), ...places.keys()])].sort((a, b) => a - b);
    for (const id of wanted.limit === undefined ? ids : ids.slice(-wanted.limit)) {
      const row = fresh.get(id) ?? rowInFile(fd, places.get(id)!);
      if (row?.id !== id) continue;
      const verdict = JSON.parse(row.payload) as Verdict;
      yield Number(verdict.v) === 1 ? raised(verdict) : verdict;
    }
  } finally {
    closeSync(fd);
  }
}

function test({ lane, from, to }: VerdictFilter): (row: FoundRow) => boolean {
  const low = bound("--from", from);
  const high = bound("--to", to);
  return (row) =>
    (lane === undefined || row.lane === lane) &&
    (low === undefined || row[low.by] >= low.value) &&
    (high === undefined || row[high.by] <= high.value);
}

function bound(option: string, text: string | undefined): { by: "seq" | "decidedAt"; value: number } | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return { by: "seq", value: Number(text) };
  const value = parseWall(text);
  if (!Number.isNaN(value)) return { by: "decidedAt", value };
  throw new GradelineError("USAGE", `${option} is ${JSON.stringify(text)}, wanted a number or a time in UTC`, {
    hint: `${option} 1200, or ${option} 2026-11-23T15:04:05Z`,
  });
}
