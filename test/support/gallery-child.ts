/**
 * A process that holds the lock of a gallery's folder. Arguments: the folder, generations to save (0: without end,
 * -1: none, until its standard input ends). Standard output: one JSON line per event.
 */
import { asGradelineError } from "../../device/base/errors.ts";
import { GalleryWriter } from "../../device/gallery/store.ts";
import { MADE_MODEL, madeCrops, madeGallery } from "./gallery-made.ts";

const [folder, count] = process.argv.slice(2);

function say(event: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

try {
  const writer = await GalleryWriter.open(folder!);
  say({ event: "open" });
  if (Number(count) < 0) for await (const _ of process.stdin);
  const from = Number((await writer.read())?.gallery.references[0]?.origin.split(" ")[1] ?? 0) + 1;
  const to = Number(count) === 0 ? Number.POSITIVE_INFINITY : from + Number(count);
  for (let generation = from; generation < to; generation++) {
    // Ids of its own in each generation: pictures of old ones are to go.
    const made = madeGallery(generation, 24);
    const references = made.references.map((item) => ({ ...item, id: `${item.id}-${generation % 3}` }));
    try {
      for (const [index, { id, views }] of references.slice(0, 3).entries()) {
        await writer.saveCrops(id, madeCrops(index + generation, views), MADE_MODEL.sizePx);
      }
      await writer.save({ ...made, references }, "made");
      say({ event: "saved", generation });
    } catch (error) {
      const { code, hint, retry } = asGradelineError(error);
      say({ event: "failed", generation, code, hint, retry });
      break;
    }
  }
  writer.close();
  say({ event: "closed" });
} catch (error) {
  const { code, message, retry } = asGradelineError(error);
  say({ event: "refused", code, message, retry });
}
process.stdin.destroy();
