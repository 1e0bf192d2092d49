import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { GalleryWriter, readAnyGallery } from "../../../device/gallery/store.ts";
import { Child } from "../../support/child.ts";
import { seededRandom } from "../../support/random.ts";

/** 200 before a release. */
const KILLS = Number(process.env.GRADELINE_KILLS ?? 30);
const LANES = 3;

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-enroll-kill-"));
});
after(() => rm(folder, { recursive: true, force: true }));

test(`kill -9 at ${KILLS} random moments of enroll, remove, undo and redo: the gallery loads, whole, and no lock stays`, async (context) => {
  const random = seededRandom(11);
  const moments = Array.from({ length: KILLS }, () => ({ changes: Math.floor(random() * 8), laterMs: random() * 15 }));
  let changed = 0;
  await Promise.all(
    Array.from({ length: LANES }, async (_, lane) => {
      const own = join(folder, `${lane}`);
      await mkdir(own);
      for (let at = lane; at < KILLS; at += LANES) {
        const { changes, laterMs } = moments[at]!;
        const child = new Child("test/support/enroll-child.ts", [own]);
        // The first change of all makes the gallery that there must be from then on.
        await child.until(() => child.said.length > changes + 1);
        // Anywhere within the next change.
        await new Promise((resolve) => setTimeout(resolve, laterMs));
        await child.kill();
        changed += child.said.length - 1;

        const stored = await readAnyGallery(own);
        assert.ok(stored !== undefined, "there is no gallery");
        assert.equal(stored.warning, undefined);
        const { references, sizePx } = stored.gallery;
        assert.equal(references.length % 3, 0, `${references.length} items: an enrollment is there in part`);
        const writer = await GalleryWriter.open(own);
        for (const { id, views } of references) assert.equal((await writer.readCrops(id, sizePx)).length, views);
        // What can be gone back to has its views as well.
        const step = await writer.step("back");
        for (const { id, views } of step?.after.references ?? []) {
          assert.equal((await writer.readCrops(id, sizePx)).length, views);
        }
        if (step !== undefined) await writer.step("forth");
        writer.close();
      }
    }),
  );
  context.diagnostic(`${changed} changes were made between the kills`);
});
