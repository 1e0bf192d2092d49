import { enroll, type Sample } from "../../device/gallery/enroll.ts";
import { GalleryWriter } from "../../device/gallery/store.ts";
import type { Gallery } from "../../device/grade/gallery.ts";
import type { Qualities, ViewQuality } from "../audit/quality.ts";
import { describeFindings, findingsOf } from "../audit/run.ts";
import { viewQualities } from "../audit/view-quality.ts";
import type { Context } from "../cli/context.ts";
import { openForWork } from "../cli/open-embedder.ts";
import { Progress } from "../cli/progress.ts";
import { describeTold, tellDaemon } from "../gallery/change.ts";
import { checkGrade, type ItemFiles, listPaths } from "../pictures/images.ts";
import { readAhead } from "../pictures/read-ahead.ts";
import { Remarks } from "../pictures/remarks.ts";
import { StillReader } from "../pictures/still-reader.ts";

/** More of them at the end of an enrollment would hide what was enrolled. */
const MOST_FINDINGS = 10;

/** Items that are read before they are embedded: decoding runs in threads of its own, and the session must not wait. */
const READ_AHEAD = 3;

/** A fruit that is photographed so often is rather many fruit in one folder. */
const MANY_VIEWS = 500;

/** `enroll GRADE PATH…` */
export async function enrollCommand(context: Context, grade: string, paths: readonly string[]): Promise<void> {
  checkGrade(grade);
  const remarks = new Remarks();
  const items = await listPaths(grade, paths, remarks);
  const embedder = await openForWork(context);
  const writer = context.scope.add(await GalleryWriter.open(context.gallery));
  for (const { name, files } of items) {
    if (files.length < MANY_VIEWS) continue;
    process.stderr.write(`warning: the ${files.length} pictures in ${name} are taken for views of one fruit\n`);
  }
  const progress = new Progress(
    `enrolling ${grade}, pictures`,
    items.reduce((sum, { files }) => sum + files.length, 0),
  );
  let pictures = 0;
  const known: { origin: string; id: string }[] = [];
  const seen = new Map<string, ViewQuality[]>();
  const gallery = await enroll(writer, embedder, samplesOf(items), {
    onSample: ({ crops }, id) => seen.set(id, viewQualities(crops, embedder.model)),
    onKnown: ({ origin }, id) => known.push({ origin, id }),
    signal: context.stop,
  }).finally(() => progress.stop());
  const passedOver = new Set(known.map(({ origin }) => origin));
  const added = items.filter(({ name }) => !passedOver.has(name));
  const views = added.reduce((sum, { files }) => sum + files.length, 0);
  writer.close();
  remarks.print();
  const { passedOver: leftOut } = remarks;
  await tellEnrolled(context, {
    gallery,
    grade,
    ...(leftOut.length === 0 ? {} : { more: { passedOver: leftOut } }),
    added: added.length,
    views,
    known,
    fill: embedder.model.cropFill,
    seen,
  });

  async function* samplesOf(files: readonly ItemFiles[]): AsyncGenerator<Sample> {
    const onPicture = (): void => progress.update(++pictures);
    const reader = new StillReader(embedder.model, remarks);
    const read = (item: ItemFiles) => reader.crops(item.files, { onPicture, signal: context.stop });
    for await (const [{ grade: own, name }, crops] of readAhead(files, read, READ_AHEAD)) {
      yield { grade: own, origin: name, crops };
    }
  }
}

export interface EnrolledItems {
  readonly gallery: Gallery;
  readonly grade: string;
  /** How many were added; they are the newest. */
  readonly added: number;
  readonly views: number;
  /** Those whose pictures the grade had already. */
  readonly known: readonly { readonly origin: string; readonly id: string }[];
  /** Grey of the crops' background. */
  readonly fill: number;
  /** What is known of the pictures of those added already, by id. */
  readonly seen?: Qualities;
  /** What else `--json` tells. */
  readonly more?: object;
}

/** Says what was enrolled and what is odd about it, and has a daemon that runs grade by it. */
export async function tellEnrolled(context: Context, enrolled: EnrolledItems): Promise<void> {
  const { gallery, grade, added, views, known, fill, seen, more } = enrolled;
  const grades = gallery.grades.map((name) => ({
    grade: name,
    items: gallery.references.filter((reference) => reference.grade === name).length,
  }));
  // What was there before stays; what is newest is what was added.
  const newest = new Set(gallery.references.slice(gallery.references.length - added).map(({ id }) => id));
  const findings = await findingsOf(context, gallery, { fill, only: newest, seen }).catch((error: unknown) => {
    // Who stops now stops the looking through: what is enrolled is.
    if (!context.stop.aborted) throw error;
    process.exitCode = 130;
    return undefined;
  });
  const told = await tellDaemon(context);
  if (context.json) {
    const summary = { enrolled: added, views, grade, grades, known, findings: findings ?? null, told, ...more };
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  for (const { origin, id } of known) process.stdout.write(`${origin} is enrolled already, as ${id}\n`);
  process.stdout.write(`enrolled ${added} items (${views} views) as ${grade}\n`);
  for (const { grade: name, items: count } of grades) process.stdout.write(`  ${name}: ${count}\n`);
  const audit = `gradeline-calibrate audit --gallery ${context.gallery}`;
  process.stdout.write(
    findings === undefined
      ? `not looked through: ${audit}\n`
      : describeFindings(findings.slice(0, MOST_FINDINGS), gallery),
  );
  const left = (findings?.length ?? 0) - MOST_FINDINGS;
  if (left > 0) process.stdout.write(`and ${left} more: ${audit}\n`);
  process.stdout.write(describeTold(told));
}
