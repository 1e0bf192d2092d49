import type { Verdict } from "../contract/messages.ts";
import type { JournalRow } from "../publish/journal-row.ts";

/** Columns beside the message itself: what people ask for, and what makes a row the only one of its kind. */
export const COLUMNS = [
  ["device", "text NOT NULL"],
  ["epoch", "text NOT NULL"],
  ["lane", "text NOT NULL"],
  ["seq", "bigint NOT NULL"],
  ["item", "text NOT NULL"],
  ["decided_at", "timestamptz NOT NULL"],
  ["outcome", "text NOT NULL"],
  ["grade", "text"],
  ["margin", "double precision"],
  ["size_mm", "double precision"],
  ["late", "boolean NOT NULL"],
  ["lot", "text"],
  ["product", "text"],
  ["outlet", "text"],
  ["verdict", "jsonb NOT NULL"],
] as const;

/** One line of COPY's text format. */
export function copyLine({ payload }: Pick<JournalRow, "payload">): string {
  const verdict = JSON.parse(payload) as Verdict;
  const { device, epoch = "", lane, seq, item, decidedAt, outcome, grade, margin, sizeMm, late } = verdict;
  const values = [device, epoch, lane, seq, item, decidedAt, outcome, grade, margin, sizeMm, late];
  const all = [...values, verdict.lot, verdict.product, verdict.outlet, payload];
  return `${all.map(copyText).join("\t")}\n`;
}

/** @see https://www.postgresql.org/docs/current/sql-copy.html, "Text Format" */
function copyText(value: string | number | boolean | null | undefined): string {
  if (value === null || value === undefined) return "\\N";
  if (typeof value !== "string") return String(value);
  return value.replace(/[\\\t\n\r]/g, (character) => ({ "\\": "\\\\", "\t": "\\t", "\n": "\\n" })[character] ?? "\\r");
}

/** UTC day of a row, `2026-11-23`: each has a table of its own, which can be dropped whole. */
export function dayOfRow({ decidedAt }: Pick<JournalRow, "decidedAt">): string {
  return new Date(decidedAt / 1000).toISOString().slice(0, 10);
}
