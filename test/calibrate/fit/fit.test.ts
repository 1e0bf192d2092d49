import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { percent } from "../../../calibrate/commands/share.ts";
import { itemsNeeded } from "../../../calibrate/evaluate/needed.ts";
import { GalleryWriter, readAnyGallery } from "../../../device/gallery/store.ts";
import { RULES } from "../../../device/grade/rules/rule.ts";
import { runCalibrate } from "../../support/calibrate-cli.ts";
import { fruitLikeReference, galleryOf, MADE_MODEL, unitRows } from "../../support/gallery-made.ts";
import type { Ran } from "../../support/gallery-photos.ts";

const DIMENSION = 16;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-fit-"));
});
after(() => rm(folder, { recursive: true, force: true }));

function calibrate(...args: string[]): Promise<Ran> {
  return runCalibrate(folder, args);
}

/** Items of two grades that lie apart along one direction, by `apart`. */
async function saveGallery(name: string, items: number, apart: number): Promise<string> {
  const references = ["sound", "reject"].flatMap((grade, g) =>
    Array.from({ length: items }, (_, n) => {
      const made = fruitLikeReference(1 + n + g * 1000, grade, 4, DIMENSION);
      const rows = Array.from({ length: 4 }, (_row, v) =>
        [...made.embeddings.subarray(v * DIMENSION, (v + 1) * DIMENSION)].map((x, d) => (d === 1 ? x + g * apart : x)),
      );
      return { ...made, embeddings: unitRows(rows) };
    }),
  );
  const path = join(folder, name);
  const writer = await GalleryWriter.open(path);
  await writer.save(galleryOf(references, { ...MADE_MODEL, dimension: DIMENSION }), "made");
  writer.close();
  return path;
}

test("a share of p needs 2 / p items less one, for each of two tests has half of it", () => {
  assert.deepEqual([0.05, 0.1, 0.01, 0.5].map(itemsNeeded), [39, 19, 199, 3]);
});

test("a share is given in percent, with or without the sign, and a bare share is not taken for it", () => {
  assert.deepEqual(
    ["5", "5%", " 2.5 % ", "0.1%"].map((text) => percent(text, "between")),
    [0.05, 0.05, 0.025, 0.001],
  );
  assert.deepEqual([percent("0", "with 0 and 100"), percent("100", "with 0 and 100")], [0, 1]);
  assert.throws(() => percent("0.05", "between"), /5% if it is a share, 0\.05% if it is not/);
  for (const wrong of ["", " ", "%", "-5", "5%%", "1e2%"]) assert.throws(() => percent(wrong, "with 0 and 100"));
});

describe("fit", { concurrency: 3 }, () => {
  test("compares the rules, says what is missing, and keeps it in the gallery", async () => {
    const gallery = await saveGallery("kept", 12, 3);
    const { status, stdout, stderr } = await calibrate("fit", "--alpha", "10", "--gallery", gallery, "--json");
    assert.deepEqual([status, stderr], [0, ""]);
    const said = JSON.parse(stdout);
    assert.deepEqual([said.alpha, said.rule, said.chosenBy, said.saved], [0.1, "prototypes", "figures", true]);
    assert.deepEqual(said.rules.map(({ rule }: { rule: string }) => rule).sort(), [...RULES].sort());
    for (const { itemBalancedAccuracy, low, high } of said.rules) {
      assert.ok(low <= itemBalancedAccuracy && itemBalancedAccuracy <= high);
    }
    assert.ok(said.rules[0].itemBalancedAccuracy > 0.9, "grades that lie apart are told apart");
    const [sound, reject] = said.perGrade;
    assert.deepEqual([sound.items, sound.needed, sound.missing, sound.pLeast], [12, 19, 7, 1 / 13]);
    assert.equal(reject.grade, "reject");
    const { fit } = (await readAnyGallery(gallery))!.gallery;
    assert.deepEqual([fit!.alpha, fit!.rule, fit!.cameras], [0.1, "prototypes", null]);
    assert.deepEqual(fit!.figures, said.rules);
  });

  test("a rule by hand, a share given before, and a dry run that changes nothing", async () => {
    const gallery = await saveGallery("hand", 6, 1);
    assert.equal((await calibrate("fit", "--alpha", "20", "--rule", "majority", "--gallery", gallery)).status, 0);
    const dry = await calibrate("fit", "--dry-run", "--gallery", gallery);
    assert.equal(dry.status, 0, dry.stderr);
    assert.match(dry.stdout, /at most 20 % of good fruit called unknown/);
    assert.match(dry.stdout, /what was asked for holds once there are 3 more sound, 3 more reject/);
    assert.match(dry.stdout, /nothing was changed\n$/);
    assert.equal((await readAnyGallery(gallery))!.gallery.fit!.rule, "majority");
  });

  test("one grade alone, no gallery, and a share that is none are refused with what is wanted", async () => {
    const gallery = await saveGallery("alone", 3, 1);
    const writer = await GalleryWriter.open(gallery);
    const stored = (await writer.read())!.gallery;
    await writer.save({ ...stored, references: stored.references.slice(0, 3) }, "made");
    writer.close();
    const alone = await calibrate("fit", "--gallery", gallery);
    assert.deepEqual([alone.status, /wanted two to tell apart/.test(alone.stderr)], [1, true], alone.stderr);
    const none = await calibrate("fit", "--gallery", join(folder, "none"));
    assert.deepEqual([none.status, /there is no gallery/.test(none.stderr)], [1, true], none.stderr);
    for (const share of ["0", "100", "x", "0.05", "5 %x"]) {
      assert.equal((await calibrate("fit", "--alpha", share, "--gallery", gallery)).status, 2);
    }
  });
});
