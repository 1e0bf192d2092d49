import { clearScreenDown, cursorTo, moveCursor } from "node:readline";
import type { Verdict } from "../contract/messages.ts";

/** What the live table shows. */
export interface TableRow {
  readonly lane: string;
  readonly items: number;
  readonly outcomes: Readonly<Record<Verdict["outcome"], number>>;
  readonly grades: ReadonlyMap<string, number>;
  readonly perMinute: number;
  readonly late: number;
  readonly last: Verdict | undefined;
}

export interface TableFooter {
  readonly passed: number;
  readonly wanted: number | undefined;
  readonly missed: number;
  readonly double: number;
  readonly agreement: number;
  readonly ackMs: { readonly p50: number; readonly p99: number };
  readonly page: string;
  readonly broker: string;
  readonly state: string;
  /** What keeps the machine from grading in time; undefined where nothing does. */
  readonly slow?: string | undefined;
}

/** Redraws in place on a terminal; elsewhere it is silent, a file does not want a thousand tables. */
export class Table {
  readonly #out: NodeJS.WriteStream;
  #lines = 0;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  draw(rows: readonly TableRow[], grades: readonly string[], footer: TableFooter): void {
    if (!this.#out.isTTY) return;
    const text = renderTable(rows, grades, footer, this.#out.columns);
    if (this.#lines > 0) {
      moveCursor(this.#out, 0, -this.#lines);
      cursorTo(this.#out, 0);
      clearScreenDown(this.#out);
    }
    this.#out.write(`${text}\n`);
    this.#lines = text.split("\n").length;
  }
}

/** @param columns of the terminal; no line is longer, as a line that it breaks would be drawn twice */
export function renderTable(
  rows: readonly TableRow[],
  grades: readonly string[],
  footer: TableFooter,
  columns = Number.POSITIVE_INFINITY,
): string {
  const wide = renderAll(rows, grades, ["unknown", "unsure", "empty", "no-image"], footer, columns);
  if (longest(wide) <= columns) return wide.join("\n");
  // What has not happened yet needs no column where there is little room; what is still too long is cut.
  const happened = (["unknown", "unsure", "empty", "no-image"] as const).filter((outcome) =>
    rows.some((row) => row.outcomes[outcome] > 0),
  );
  return renderAll(rows, grades, happened, footer, columns)
    .map((line) => (line.length <= columns ? line : `${line.slice(0, columns - 1)}…`))
    .join("\n");
}

function longest(lines: readonly string[]): number {
  return Math.max(...lines.map((line) => line.length));
}

function renderAll(
  rows: readonly TableRow[],
  grades: readonly string[],
  outcomes: readonly Verdict["outcome"][],
  footer: TableFooter,
  columns: number,
): string[] {
  const head = ["lane", "items", "/min", ...grades, ...outcomes, "late", "last verdict"];
  const body = rows.map((row) => [
    row.lane,
    String(row.items),
    String(row.perMinute),
    ...grades.map((grade) => String(row.grades.get(grade) ?? 0)),
    ...outcomes.map((outcome) => String(row.outcomes[outcome])),
    String(row.late),
    row.last === undefined ? "-" : lastVerdict(row.last),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...body.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column === 0 || column === cells.length - 1 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join("  ")
      .trimEnd();
  const passed = footer.wanted === undefined ? String(footer.passed) : `${footer.passed} of ${footer.wanted}`;
  return [
    line(head),
    ...body.map(line),
    "",
    ...inLines(
      [
        `passed ${passed}`,
        `missed ${footer.missed}`,
        `double ${footer.double}`,
        `agreement ${(footer.agreement * 100).toFixed(1)} %`,
        `exposure to acknowledgement p50 ${footer.ackMs.p50.toFixed(1)} ms, p99 ${footer.ackMs.p99.toFixed(1)} ms`,
      ],
      columns,
    ),
    ...inLines([footer.state, `page ${footer.page}`, `broker ${footer.broker}`, "Ctrl-C stops"], columns),
    ...(footer.slow === undefined ? [] : inLines(footer.slow.split(/(?<=[:,]) /), columns, " ")),
  ];
}

/** Parts beside each other, as many as a line holds. */
function inLines(parts: readonly string[], columns: number, between = "   "): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    const longer = last === undefined ? undefined : `${last}${between}${part}`;
    if (longer !== undefined && longer.length <= columns) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}

function lastVerdict(verdict: Verdict): string {
  const said = verdict.grade ?? verdict.outcome;
  const margin = verdict.margin === null ? "" : ` margin ${verdict.margin.toFixed(2)}`;
  const size = verdict.sizeMm === null ? "" : ` ${verdict.sizeMm.toFixed(0)} mm`;
  return `#${verdict.seq} ${said}${margin}${size} (${verdict.views} views)`;
}
