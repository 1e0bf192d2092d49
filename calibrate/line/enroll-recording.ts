import { GradelineError } from "../../device/base/errors.ts";
import { enrol, type Sample } from "../../device/enrol.ts";
import { GalleryWriter } from "../../device/gallery-store.ts";
import { checkGrade } from "../images.ts";
import type { Context } from "../main.ts";
import { openForWork } from "../open-embedder.ts";
import { needConfig } from "./need-config.ts";
import { lanesOfRecording, type RecordedFruit, recordedFruit } from "./recorded-fruit.ts";

export interface EnrollRecording {
  readonly grade: string;
  /** Folder of a recording, or of images in name order. */
  readonly path: string;
  readonly lane: string | undefined;
  /** Only the first so many fruit. */
  readonly count: number | undefined;
}

/** `enroll GRADE --recording DIR`: the fruit of a recording, followed as the configuration's lanes would. */
export async function enrollRecording(context: Context, wanted: EnrollRecording): Promise<void> {
  const { grade, path, count } = wanted;
  checkGrade(grade);
  const config = needConfig(context.config, "enroll --recording");
  const lanes = lanesOfRecording(config, wanted.lane);
  const embedder = await openForWork(context);
  const writer = context.scope.add(await GalleryWriter.open(context.gallery));
  const fruit: RecordedFruit[] = [];
  const gallery = await enrol(writer, embedder, samples(), { signal: context.stop });
  if (count !== undefined && fruit.length < count && !context.json) {
    process.stderr.write(`the recording shows ${fruit.length} fruit, ${count} were asked for\n`);
  }
  const added = gallery.references.slice(-fruit.length);
  const grades = gallery.grades.map((name) => ({
    grade: name,
    items: gallery.references.filter((reference) => reference.grade === name).length,
  }));
  const views = added.reduce((sum, reference) => sum + reference.views, 0);
  if (context.json) {
    const items = added.map(({ id, views: kept }, index) => {
      const { lane, exposedAt, sizeMm } = fruit[index]!;
      return { id, lane, exposedAt, sizeMm: sizeMm ?? null, views: kept };
    });
    process.stdout.write(`${JSON.stringify({ enrolled: fruit.length, views, grade, grades, items })}\n`);
    return;
  }
  process.stdout.write(`enrolled ${fruit.length} items (${views} views) as ${grade}\n`);
  for (const { grade: name, items } of grades) process.stdout.write(`  ${name}: ${items}\n`);

  async function* samples(): AsyncGenerator<Sample> {
    for await (const each of recordedFruit(path, lanes, embedder.model)) {
      context.stop.throwIfAborted();
      const { lane, exposedAt, sizeMm, crops } = each;
      fruit.push({ ...each, crops: [] });
      if (!context.json) {
        const size = sizeMm === undefined ? "" : `${sizeMm.toFixed(1)} mm`;
        process.stdout.write(
          `${String(fruit.length).padStart(5)}  lane ${lane}  ${exposedAt.slice(0, 23)}Z  ${size.padStart(8)}  ${each.views} views\n`,
        );
      }
      yield { grade, origin: `${path}, lane ${lane}, ${exposedAt}`, crops };
      if (fruit.length === count) return;
    }
    if (fruit.length === 0) {
      throw new GradelineError(
        "SOURCE_EMPTY",
        `no fruit passes in ${path} on lane ${lanes.map(({ id }) => id).join(", ")}`,
        {
          hint: "was it recorded by the camera of this configuration? mmPerPx, roi, fruitMm and the conveyor must fit",
        },
      );
    }
  }
}
