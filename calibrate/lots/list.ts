import { GradelineError } from "../../device/base/errors.ts";
import type { Config } from "../../device/config/schema.ts";
import { outcomes } from "../../device/contract/messages.ts";
import { type Figures, fruitOf } from "../../device/lots/figures.ts";
import { lotsFolder } from "../../device/lots/lot-book.ts";
import { readLots } from "../../device/lots/read-figures.ts";
import { cell, type Form } from "../journal/print.ts";
import { type By, groups, perHour } from "./groups.ts";

/** `lot list`: what became of each lot, shift or day. */
export function listLots(config: Config, by: By, form: Form, write: (text: string) => void): void {
  const { spans, lots, grades } = readLots(lotsFolder(config));
  const seen = new Set(spans.flatMap(({ figures }) => [...figures.grades.keys()]));
  const names = [...grades, ...[...seen].filter((name) => !grades.includes(name))];
  const rows = [...groups(spans, by, config)].map(([name, figures]) => {
    const { grower = null, variety = null, bin = null } = by === "lot" ? (lots.get(name) ?? {}) : {};
    return { [by]: name, ...(by === "lot" ? { grower, variety, bin } : {}), ...rowOf(figures, names) };
  });
  if (form === "json") write(`${JSON.stringify({ by, rows })}\n`);
  else if (form === "jsonl") for (const row of rows) write(`${JSON.stringify(row)}\n`);
  else if (form === "csv") {
    const columns = columnsOf(rows, names);
    write(`${columns.map(cell).join(",")}\r\n`);
    for (const row of rows) write(`${columns.map((column) => cell(valueIn(row, column))).join(",")}\r\n`);
  } else write(table(rows, by));
}

type Row = Record<string, unknown> & { readonly grades: readonly { readonly grade: string; readonly fruit: number }[] };

function rowOf(figures: Figures, grades: readonly string[]) {
  const fruit = fruitOf(figures);
  const time = (us: number): string | null => (us === 0 ? null : new Date(us / 1000).toISOString());
  return {
    from: time(figures.firstUs),
    to: time(figures.lastUs),
    fruit,
    perHour: perHour(fruit, figures),
    late: figures.late,
    ...Object.fromEntries(outcomes.map((outcome) => [outcome, figures.outcomes.get(outcome) ?? 0])),
    downtimeS: Math.round([...figures.downtime.values()].reduce((sum, seconds) => sum + seconds, 0)),
    grades: grades.map((grade) => ({ grade, fruit: figures.grades.get(grade) ?? 0 })),
  };
}

/** Grades get a column each, told from the others by what stands before them. */
function columnsOf([first]: readonly Row[], grades: readonly string[]): string[] {
  const plain = first === undefined ? [] : Object.keys(first).filter((key) => key !== "grades");
  return [...plain, ...grades.map((grade) => `grade ${grade}`)];
}

function valueIn(row: Row, column: string): unknown {
  return column.startsWith("grade ") ? row.grades.find(({ grade }) => `grade ${grade}` === column)?.fruit : row[column];
}

function table(rows: readonly Row[], by: By): string {
  const lines = rows.map((row) => {
    const said = row.grades.map(({ grade, fruit }) => `${grade} ${fruit}`).join(", ");
    const name = String(row[by]);
    const from = String(row.from ?? "")
      .slice(0, 16)
      .replace("T", " ");
    return `${(name === "" ? "(no lot)" : name).padEnd(20)} ${from}  ${String(row.fruit).padStart(7)} fruit  ${said}\n`;
  });
  return `${lines.join("")}${rows.length} ${by === "lot" ? "lots" : `${by}s`}\n`;
}

/** @throws {GradelineError} USAGE */
export function byOf(text: string): By {
  if (text === "lot" || text === "shift" || text === "day" || text === "lane") return text;
  throw new GradelineError("USAGE", `--by is ${JSON.stringify(text)}, wanted lot, shift, day or lane`);
}
