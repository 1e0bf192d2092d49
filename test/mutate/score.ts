import type { Found } from "./hunt.ts";
import { type Equivalent, moduleOf } from "./sources.ts";

/** How much of a sample the tests of a module noticed. */
export interface Score {
  readonly sample: number;
  readonly seed: number;
  readonly planted: number;
  readonly noticed: number;
  /** Noticed ones of a hundred. */
  readonly score: number;
  /** Names of those that no test noticed. */
  readonly survivors: readonly string[];
}

/** By module. */
export type Scores = Readonly<Record<string, Score>>;

/** A module may lose so much to a change. */
const ALLOWED_FALL = 5;
/** And so many mutations: of a sample that the time cuts short, one is more than five of a hundred. */
const ALLOWED_SURVIVORS = 1;

/** @returns the mutations that count: the compiler notices some before any test, and of some too little is known */
function counted(found: readonly Found[]): Found[] {
  return found.filter(({ outcome }) => outcome !== "refused" && outcome !== "not told");
}

function isNoticed({ outcome }: Found): boolean {
  return outcome === "noticed" || outcome === "timed out";
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 100 : Math.round((part / whole) * 1000) / 10;
}

export function scoresOf(found: readonly Found[], drawn: { readonly sample: number; readonly seed: number }): Scores {
  const scores = [...Map.groupBy(counted(found), ({ planted }) => moduleOf(planted.file))].map(([name, all]) => {
    const survivors = all.filter((one) => !isNoticed(one)).map(({ planted }) => planted.name);
    const noticed = all.length - survivors.length;
    const score = { ...drawn, planted: all.length, noticed, score: percent(noticed, all.length) };
    return [name, { ...score, survivors: survivors.sort() }] as const;
  });
  return Object.fromEntries(scores);
}

/**
 * Compares with the scores kept, over the same mutations: a sample that was cut short by the time, or that a change added
 * lines to, is still measured with its own measure.
 *
 * @returns a line for each module that fell by more than it may
 */
export function fallen(found: readonly Found[], kept: Scores): string[] {
  const lines: string[] = [];
  for (const [name, all] of Map.groupBy(counted(found), ({ planted }) => moduleOf(planted.file))) {
    const survived = new Set(kept[name]?.survivors);
    const noticedThen = all.filter(({ planted }) => !survived.has(planted.name)).length;
    const noticed = all.filter(isNoticed).length;
    const was = percent(noticedThen, all.length);
    const is = percent(noticed, all.length);
    if (is >= was - ALLOWED_FALL || noticed >= noticedThen - ALLOWED_SURVIVORS) continue;
    lines.push(
      `${name}: the tests notice ${is} % of the mutations planted, ${was} % at the last count. Add tests for the survivors ` +
        `above, or, where nothing can be noticed, name them in test/mutate/equivalent.json.`,
    );
  }
  return lines;
}

/** The table by file, then what no test noticed. */
export function tableOf(found: readonly Found[], equivalent: readonly Equivalent[]): string {
  const rows = [["", "planted", "noticed", "score"]];
  const add = (name: string, all: readonly Found[]) => {
    const noticed = all.filter(isNoticed).length;
    rows.push([name, String(all.length), String(noticed), `${percent(noticed, all.length).toFixed(1)} %`]);
  };
  const all = counted(found);
  for (const [name, ofModule] of Map.groupBy(all, ({ planted }) => moduleOf(planted.file))) {
    const files = [...Map.groupBy(ofModule, ({ planted }) => planted.file)].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [file, ofFile] of files) add(`  ${file}`, ofFile);
    add(name, ofModule);
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join("  "),
  );
  const survivors = all.filter((one) => !isNoticed(one)).sort((a, b) => (a.planted.name < b.planted.name ? -1 : 1));
  if (survivors.length > 0) lines.push("", "Not noticed:");
  for (const { planted, outcome } of survivors) {
    const where = outcome === "not run" ? " (no test that belongs to it comes here)" : "";
    lines.push(`  ${planted.file}:${planted.line}${where}`, `    ${planted.key}`);
  }
  if (equivalent.length > 0) lines.push("", "Not counted, as nothing can be noticed:");
  for (const { name, reason } of equivalent) lines.push(`  ${name}`, `    ${reason}`);
  const count = (wanted: Found["outcome"]) => found.filter(({ outcome }) => outcome === wanted).length;
  const refused = count("refused");
  if (refused > 0) lines.push("", `${refused} more are not counted: the compiler refuses them.`);
  const notTold = count("not told");
  if (notTold > 0)
    lines.push("", `${notTold} more are not counted: a test that belongs to them was left out, see above.`);
  return lines.join("\n");
}
