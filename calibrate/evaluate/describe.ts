import type { Contamination, Evaluation, Measure } from "./evaluation.ts";
import type { Confusion, Range } from "./figures.ts";

const METHODS = {
  "leave-one-item-out": "each judged by all others",
  gallery: "judged by the gallery",
  shots: "a few drawn and enrolled, all others judged",
};

/** An evaluation for people at a terminal. */
export function describeEvaluation(evaluation: Evaluation): string {
  const { verdicts, grades, items, views, method, folds } = evaluation;
  const how = folds !== null ? `each judged by all but one part of ${folds}, its own` : METHODS[method];
  return [
    `${items} items, ${views} views, ${how}; grades best to worst: ${grades.join(", ")}`,
    "",
    ...aligned([
      ["", "measured", "95 %", "colours alone"],
      headline(evaluation, "best grade of items", "itemBalancedAccuracy"),
      headline(evaluation, "best grade of views", "viewBalancedAccuracy"),
      ...(evaluation.unknownAuroc === null
        ? []
        : [headline(evaluation, "strangers told apart (AUROC)", "unknownAuroc")]),
    ]),
    "",
    `verdicts at the fitted limits: ${percent(verdicts.right)} right, ${percent(verdicts.turnedAway)} called unknown ` +
      `(${rangeText(verdicts.turnedAwayInterval)}; wanted at most ${percent(verdicts.alpha)})` +
      (verdicts.strangersFound === null
        ? ""
        : `, strangers found ${percent(verdicts.strangersFound)} (${rangeText(verdicts.strangersFoundInterval)})`),
    ...pValueLine(evaluation),
    "",
    ...aligned([
      ["grade", "items", "precision", "95 %", "recall", "95 %", "out of class", "95 %", "tolerance", ""],
      ...evaluation.contamination.map((row) => gradeRow(evaluation, row)),
    ]),
    "",
    "best grade (rows: truth)",
    ...table(evaluation.confusion, grades),
    "",
    "verdicts (rows: truth)",
    ...table(verdicts.confusion, grades),
    "",
  ].join("\n");
}

export function percent(share: number | null): string {
  return share === null ? "-" : `${(share * 100).toFixed(1)} %`;
}

export function rangeText(range: Range | null): string {
  return range === null ? "-" : `${(range.low * 100).toFixed(0)}–${(range.high * 100).toFixed(0)} %`;
}

/** How a share out of class stands to its tolerance, in words. */
export function toleranceText({ class: of, tolerance, keeps }: Contamination): [string, string] {
  if (tolerance === null) return ["none", ""];
  const words = { within: "kept", over: "NOT kept", unclear: "too few to say" };
  return [`${percent(tolerance)} (${of})`, keeps === null ? "" : words[keeps]];
}

export function figureText(measure: Measure, value: number | null): string {
  return measure === "unknownAuroc" ? (value === null ? "-" : value.toFixed(3)) : percent(value);
}

export function intervalText(measure: Measure, range: Range | null): string {
  if (range === null) return "-";
  return measure === "unknownAuroc" ? `${range.low.toFixed(2)}–${range.high.toFixed(2)}` : rangeText(range);
}

function headline(evaluation: Evaluation, title: string, measure: Measure): string[] {
  const base = evaluation.baseLine;
  return [
    title,
    figureText(measure, evaluation[measure]),
    intervalText(measure, evaluation.interval[measure]),
    base === null ? "-" : `${figureText(measure, base[measure])} (${intervalText(measure, base.interval[measure])})`,
  ];
}

function pValueLine({ pValues }: Evaluation): string[] {
  if (pValues.points.length === 0) return [];
  const at = (t: number): string => {
    const point = pValues.points.find((one) => one.t === t)!;
    return `${percent(point.share)} (${rangeText(point)}) have p <= ${t}`;
  };
  return [`p-values of ${pValues.items} good items: ${at(0.05)}, ${at(0.1)}, ${at(0.5)}`];
}

function gradeRow({ perGrade }: Evaluation, contamination: Contamination): string[] {
  const figures = perGrade.find(({ grade }) => grade === contamination.grade);
  return [
    contamination.grade,
    String(figures?.items ?? 0),
    percent(figures?.precision ?? null),
    rangeText(figures?.interval.precision ?? null),
    percent(figures?.recall ?? null),
    rangeText(figures?.interval.recall ?? null),
    percent(contamination.contamination),
    rangeText(contamination.interval),
    ...toleranceText(contamination),
  ];
}

/** Columns side by side, the first to the left. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}

/** Rows and columns of a confusion, the best grade first, what is no grade last. */
export function axesOf(confusion: Confusion, grades: readonly string[]): { truths: string[]; said: string[] } {
  const rank = (name: string): number => (grades.includes(name) ? grades.indexOf(name) : grades.length);
  const sorted = (names: Iterable<string>): string[] =>
    [...new Set(names)].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return {
    truths: sorted(Object.keys(confusion)),
    said: sorted([...grades, ...Object.values(confusion).flatMap((row) => Object.keys(row))]),
  };
}

function table(confusion: Confusion, grades: readonly string[]): string[] {
  const { truths, said } = axesOf(confusion, grades);
  return aligned([
    ["", ...said],
    ...truths.map((truth) => [truth, ...said.map((name) => String(confusion[truth]![name] ?? 0))]),
  ]).map((line) => `  ${line}`);
}
