import type { Config } from "../../device/config/schema.ts";
import type { Verdict } from "../../device/contract/messages.ts";
import { journalVerdicts, type VerdictFilter } from "./verdicts.ts";

export type Form = "table" | "csv" | "jsonl" | "json";

const COLUMNS = [
  ...["epoch", "lane", "seq", "item", "outcome", "grade", "margin", "views", "sizeMm", "cup"],
  ...["exposedAt", "decidedAt", "gateAt", "late", "recipe", "model", "gallery"],
  ...["lot", "product", "outlet"],
] as const satisfies readonly (keyof Verdict)[] as readonly (keyof Verdict)[];

/** `verdicts`: what the journal keeps, for people, spreadsheets and programs. */
export function printVerdicts(
  { journal }: Config,
  wanted: VerdictFilter,
  form: Form,
  write: (text: string) => void,
): void {
  const verdicts = journalVerdicts(journal.path, wanted);
  switch (form) {
    case "jsonl":
      for (const verdict of verdicts) write(`${JSON.stringify(verdict)}\n`);
      return;
    case "json": {
      write(`{"journal":${JSON.stringify(journal.path)},"verdicts":[`);
      let between = "";
      for (const verdict of verdicts) {
        write(between + JSON.stringify(verdict));
        between = ",";
      }
      write("]}\n");
      return;
    }
    case "csv":
      write(`${COLUMNS.join(",")}\r\n`);
      for (const verdict of verdicts) write(`${COLUMNS.map((column) => cell(verdict[column])).join(",")}\r\n`);
      return;
    case "table": {
      let count = 0;
      for (const { lane, seq, decidedAt, outcome, grade, item } of verdicts) {
        const said = outcome === "graded" ? grade : outcome;
        write(
          `${decidedAt.slice(0, 23)}Z  ${lane.padEnd(8)} ${String(seq).padStart(8)}  ${(said ?? "").padEnd(12)} ${item}\n`,
        );
        count++;
      }
      write(`${count} verdicts of ${journal.path}\n`);
    }
  }
}

/** RFC 4180; a spreadsheet must not take a grade for a formula. */
export function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = String(value);
  if (typeof value !== "string") return text;
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
