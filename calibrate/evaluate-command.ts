import { readGallery } from "../device/gallery-store.ts";
import { byGallery, byShots, type Evaluation, embedItems, leaveOneOut } from "./evaluate.ts";
import { listGradeFolders } from "./images.ts";
import type { Context } from "./main.ts";
import { openForWork } from "./open-embedder.ts";
import { Progress } from "./progress.ts";

export interface EvaluateFlags {
  readonly order: readonly string[];
  readonly shots: number | undefined;
  readonly repeats: number;
  readonly seed: number;
  readonly byGallery: boolean;
}

/** `evaluate DIR` */
export async function evaluateCommand(context: Context, folder: string, flags: EvaluateFlags): Promise<void> {
  const files = await listGradeFolders(folder);
  const embedder = await openForWork(context);
  const progress = new Progress("embedding", files.length);
  const items = await embedItems(files, embedder, (done) => {
    context.stop.throwIfAborted();
    progress.update(done);
  }).finally(() => progress.stop());
  const { dimension } = embedder.model;
  const { order, shots, repeats, seed } = flags;
  let evaluation: Evaluation;
  if (flags.byGallery) {
    evaluation = byGallery(items, (await readGallery(context.gallery, embedder.model)).gallery);
  } else if (shots !== undefined) {
    evaluation = byShots(items, dimension, order, { shots, repeats, seed });
  } else {
    evaluation = leaveOneOut(items, dimension, order);
  }
  process.stdout.write(context.json ? `${JSON.stringify(evaluation)}\n` : describe(evaluation));
}

function describe(evaluation: Evaluation): string {
  const { grades, confusion, verdicts } = evaluation;
  const percent = (share: number | null): string => (share === null ? "-" : `${(share * 100).toFixed(1)} %`);
  const range = (key: "itemBalancedAccuracy" | "viewBalancedAccuracy"): string => {
    const found = evaluation.interval?.[key];
    return found === undefined ? "" : `  (95 % of draws ${percent(found.low)} to ${percent(found.high)})`;
  };
  return [
    `${evaluation.items} items, ${evaluation.views} views, ${evaluation.method}; grades best to worst: ${grades.join(", ")}`,
    `best grade of items   ${percent(evaluation.itemBalancedAccuracy)} balanced${range("itemBalancedAccuracy")}`,
    `best grade of views   ${percent(evaluation.viewBalancedAccuracy)} balanced${range("viewBalancedAccuracy")}`,
    `strangers told apart  ${evaluation.unknownAuroc === null ? "-" : evaluation.unknownAuroc.toFixed(3)} AUROC`,
    `verdicts              ${percent(verdicts.right)} right, ${percent(verdicts.turnedAway)} turned away, strangers found ${percent(verdicts.strangersFound)}`,
    "",
    "best grade (rows: truth)",
    ...table(confusion),
    "",
    "verdicts (rows: truth)",
    ...table(verdicts.confusion),
    "",
  ].join("\n");
}

function table(confusion: Evaluation["confusion"]): string[] {
  const said = [...new Set(Object.values(confusion).flatMap((row) => Object.keys(row)))].sort();
  const width =
    Math.max(8, ...Object.keys(confusion).map((name) => name.length), ...said.map((name) => name.length)) + 2;
  const line = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(width)).join("");
  return [
    line(["", ...said]),
    ...Object.entries(confusion).map(([truth, row]) => line([truth, ...said.map((name) => String(row[name] ?? 0))])),
  ];
}
