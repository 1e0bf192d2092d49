import { GradelineError } from "../../device/base/errors.ts";
import { enroll, type Sample } from "../../device/gallery/enroll.ts";
import { GalleryWriter } from "../../device/gallery/store.ts";
import type { Context } from "../cli/context.ts";
import { openForWork } from "../cli/open-embedder.ts";
import { needConfig } from "../daemon/need-config.ts";
import { checkGrade } from "../pictures/images.ts";
import { tellEnrolled } from "./enroll.ts";
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
  const known: { origin: string; id: string }[] = [];
  const gallery = await enroll(writer, embedder, samples(), {
    signal: context.stop,
    onKnown: ({ origin }, id) => {
      // The one that came last: the recording was enrolled before.
      fruit.pop();
      known.push({ origin, id });
    },
  });
  if (count !== undefined && fruit.length + known.length < count && !context.json) {
    process.stderr.write(`the recording shows ${fruit.length + known.length} fruit, ${count} were asked for\n`);
  }
  const added = gallery.references.slice(gallery.references.length - fruit.length);
  writer.close();
  const items = added.map(({ id, views }, index) => {
    const { lane, exposedAt, sizeMm } = fruit[index]!;
    return { id, lane, exposedAt, sizeMm: sizeMm ?? null, views };
  });
  await tellEnrolled(context, {
    gallery,
    grade,
    added: fruit.length,
    views: added.reduce((sum, { views }) => sum + views, 0),
    known,
    fill: embedder.model.cropFill,
    more: { items },
  });

  async function* samples(): AsyncGenerator<Sample> {
    for await (const each of recordedFruit(path, lanes, embedder.model)) {
      context.stop.throwIfAborted();
      const { lane, exposedAt, sizeMm, crops, cameras } = each;
      fruit.push({ ...each, crops: [] });
      if (!context.json) {
        const size = sizeMm === undefined ? "" : `${sizeMm.toFixed(1)} mm`;
        process.stdout.write(
          `${String(fruit.length + known.length).padStart(5)}  lane ${lane}  ${exposedAt.slice(0, 23)}Z  ${size.padStart(8)}  ${each.views} views\n`,
        );
      }
      yield { grade, origin: `${path}, lane ${lane}, ${exposedAt}`, crops, cameras };
      if (fruit.length + known.length === count) return;
    }
    if (fruit.length + known.length === 0) {
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
