import { GradelineError } from "../../device/base/errors.ts";
import { writeAtomic } from "../../device/base/files.ts";
import { loadModel } from "../../device/embed/model.ts";
import { readAnyGallery, readKeptCrops } from "../../device/gallery/store.ts";
import type { Gallery } from "../../device/grade/gallery.ts";
import { DEFAULT_ALPHA } from "../../device/grade/thresholds.ts";
import type { Context } from "../cli/context.ts";
import { checkFolderOf } from "../cli/output.ts";
import { Progress } from "../cli/progress.ts";
import { auditGallery } from "./audit.ts";
import { auditPage } from "./audit-page.ts";
import { aboutGrades, type Finding, TITLES } from "./findings.ts";
import type { Qualities } from "./quality.ts";
import { contactSheet } from "./sheet.ts";
import { measureReferences } from "./view-quality.ts";

/** Letters of an id that are shown at least. */
const SHORT_ID = 8;

export interface AuditFlags {
  readonly html: string | undefined;
  readonly sheet: string | undefined;
  readonly strict: boolean;
  readonly alpha: number | undefined;
}

/** `audit`: looks through what is enrolled. @returns whether there are problems */
export async function auditCommand(context: Context, { html, sheet, strict, alpha }: AuditFlags): Promise<void> {
  for (const path of [html, sheet]) if (path !== undefined) await checkFolderOf(path);
  const stored = await readAnyGallery(context.gallery);
  if (stored === undefined || stored.gallery.references.length === 0) {
    throw new GradelineError("GALLERY_EMPTY", `there are no references in ${context.gallery} to look at`, {
      hint: `enroll some first: gradeline-calibrate enroll GRADE PATH… --gallery ${context.gallery}`,
    });
  }
  if (stored.warning !== undefined) process.stderr.write(`warning: ${stored.warning}\n`);
  const { gallery } = stored;
  const { model } = await loadModel(context.model);
  const findings = await findingsOf(context, gallery, { fill: model.cropFill, alpha });
  const summary = summaryOf(gallery, findings);
  if (html !== undefined || sheet !== undefined) {
    const crops = await cropsOf(context.gallery, gallery, findings);
    if (html !== undefined) {
      await writeAtomic(html, [Buffer.from(await auditPage(context.gallery, summary, findings, { gallery, crops }))]);
    }
    if (sheet !== undefined) await writeAtomic(sheet, [await contactSheet(findings, crops)]);
  }
  if (context.json) {
    const { references, grades } = gallery;
    process.stdout.write(
      `${JSON.stringify({ gallery: context.gallery, items: references.length, grades, findings })}\n`,
    );
  } else {
    process.stdout.write(`${context.gallery}: ${summary}\n${describeFindings(findings, gallery)}`);
  }
  if (strict && findings.length > 0) process.exitCode = 1;
}

export interface FindingsOptions {
  /** Grey level of the background of the crops. */
  readonly fill: number;
  readonly alpha?: number | undefined;
  /** About these alone, judged among all; undefined: all. */
  readonly only?: ReadonlySet<string> | undefined;
  /** Pictures that were measured before, by reference. */
  readonly seen?: Qualities | undefined;
}

/** What is to be said of references, by their embeddings and kept pictures. */
export async function findingsOf(
  { gallery: folder, stop }: Pick<Context, "gallery" | "stop">,
  gallery: Gallery,
  { fill, alpha = DEFAULT_ALPHA, only, seen }: FindingsOptions,
): Promise<Finding[]> {
  const progress = new Progress("looking", gallery.references.length);
  const some = only === undefined ? {} : { only };
  const onItem = (done: number): void => progress.update(done);
  const qualities = await measureReferences(folder, gallery, { fill, seen, ...some, onItem, signal: stop }).finally(
    () => progress.stop(),
  );
  return auditGallery(gallery, qualities, { alpha, ...some });
}

/** Findings of one kind together, with what to do about them once. */
export function describeFindings(findings: readonly Finding[], gallery: Gallery): string {
  const short = shortIds(gallery);
  const lines: string[] = [];
  for (const [kind, same] of Map.groupBy(findings, (finding) => finding.kind)) {
    const advices = new Set(same.map(({ advice }) => advice));
    const shared = advices.size === 1 ? same[0]!.advice : undefined;
    lines.push(`${TITLES[kind]}${shared === undefined ? "" : ` -> ${shared}`}`);
    for (const finding of same) {
      const { severity, found, items, advice } = finding;
      lines.push(`  ${severity === "problem" ? "!" : "-"} ${found}${shared === undefined ? ` -> ${advice}` : ""}`);
      if (aboutGrades(finding).length === 0) lines.push(`    ${items.map(short).join("  ")}`);
    }
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** Commands take the beginning of an id; so much of it names one item of the gallery alone. */
function shortIds({ references }: Gallery): (id: string) => string {
  const unique = (length: number): boolean =>
    new Set(references.map(({ id }) => id.slice(0, length))).size === references.length;
  let length = SHORT_ID;
  while (!unique(length) && references.some(({ id }) => id.length > length)) length++;
  return (id) => id.slice(0, length);
}

function summaryOf({ references, grades }: Gallery, findings: readonly Finding[]): string {
  const problems = findings.filter(({ severity }) => severity === "problem").length;
  const counts = `${references.length} items of ${grades.length} grades`;
  if (findings.length === 0) return `${counts}, nothing was found`;
  const advice = findings.length - problems;
  return `${counts}; ${problems === 1 ? "1 problem" : `${problems} problems`} (!), ${advice === 1 ? "1 piece" : `${advice} pieces`} of advice (-)`;
}

/** The views that show each finding. */
async function cropsOf(
  folder: string,
  { sizePx }: Gallery,
  findings: readonly Finding[],
): Promise<(Uint8Array | undefined)[][]> {
  const all: (Uint8Array | undefined)[][] = [];
  for (const { items, views } of findings) {
    const crops: (Uint8Array | undefined)[] = [];
    for (const [index, id] of items.entries()) {
      crops.push((await readKeptCrops(folder, id, sizePx).catch(() => undefined))?.[views[index] ?? 0]);
    }
    all.push(crops);
  }
  return all;
}
