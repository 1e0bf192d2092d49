/**
 * A process that changes the gallery of a folder without end: three items enrolled at once, removed when there are
 * many, taken back, done again. Argument: the folder. Standard output: one JSON line per change.
 */
import { randomBytes } from "node:crypto";
import { enroll } from "../../device/gallery/enroll.ts";
import { GalleryWriter } from "../../device/gallery/store.ts";
import { withoutReferences } from "../../device/grade/gallery-edit.ts";
import { openTiny } from "./embedder-tiny.ts";

const AT_ONCE = 3;
const MOST = 12;

const embedder = await openTiny(4);
const { name, sizePx } = embedder.model;
const writer = await GalleryWriter.open(process.argv[2]!);

function say(event: string): void {
  process.stdout.write(`${JSON.stringify({ event })}\n`);
}

function* samples() {
  for (let item = 0; item < AT_ONCE; item++) {
    // Never the same pictures twice, which would be passed over.
    const crops = Array.from({ length: 1 + item }, () => randomBytes(sizePx * sizePx * 3));
    yield { grade: ["sound", "second", "reject"][item]!, origin: `made ${item}`, crops };
  }
}

say("open");
for (;;) {
  const gallery = await enroll(writer, embedder, samples());
  say("enrolled");
  if (gallery.references.length > MOST) {
    const oldest = new Set(gallery.references.slice(0, AT_ONCE).map(({ id }) => id));
    await writer.save(withoutReferences(gallery, oldest), name);
    say("removed");
  }
  await writer.step("back");
  say("undone");
  await writer.step("forth");
  say("redone");
}
