import assert from "node:assert/strict";
import { test } from "node:test";
import { VERSION } from "../../../../device/base/version.ts";
import { fitGrader } from "../../../../device/grade/fit.ts";
import type { Manifest } from "../../../../device/recipes/bundle/manifest.ts";
import { gradesOfManifest, otherThresholds } from "../../../../device/recipes/bundle/thresholds.ts";
import { madeGallery } from "../../../support/gallery-made.ts";

const gallery = { ...madeGallery(1, 9), tolerances: new Map([["second", 0.05]]) };
const fit = fitGrader(gallery);
const said = gradesOfManifest(gallery, fit);

/** As it was released, with something changed. */
function otherwise(change: Partial<Pick<Manifest, "grades" | "thresholds">> = {}): string | undefined {
  const manifest = { name: "made", version: "7", madeWith: "0.5.0", ...said, ...change };
  return otherThresholds(manifest as Manifest, gallery, fit);
}

test("a manifest says each grade's items, tolerance and limit, and by what whole items are judged", () => {
  assert.deepEqual(
    said.grades.map(({ grade, items, tolerance }) => [grade, items, tolerance]),
    [
      ["sound", 3, null],
      ["second", 3, 0.05],
      ["reject", 3, null],
    ],
  );
  for (const [g, { limit }] of said.grades.entries()) assert.ok(Math.abs(limit - fit.thresholds.limit[g]!) < 1e-6);
  assert.deepEqual([said.thresholds.rule, said.thresholds.fittedAt], [fit.rule, null]);
  assert.ok(Math.abs(said.thresholds.kinLimit - fit.novelty.limit) < 1e-6);
});

test("what is made of the gallery as it was released is not told, nor what another processor rounds", () => {
  assert.equal(otherwise(), undefined);
  const [first, ...rest] = said.grades;
  assert.equal(otherwise({ grades: [{ ...first!, limit: first!.limit + 9e-5 }, ...rest] }), undefined);
});

test("another limit, rule, order of grades or limit of whole items is told with both", () => {
  const [first, ...rest] = said.grades;
  const begin = `made-7 was released by gradeline 0.5.0 and grades otherwise by ${VERSION}: `;
  const limit = first!.limit + 2e-4;
  assert.equal(
    otherwise({ grades: [{ ...first!, limit }, ...rest] }),
    `${begin}found the limit ${first!.limit} of sound, wanted ${limit}`,
  );
  assert.equal(
    otherwise({ grades: [{ ...first!, limit: Number.NaN }, ...rest] }),
    `${begin}found the limit ${first!.limit} of sound, wanted NaN`,
  );
  assert.equal(
    otherwise({ grades: [...rest, first!] }),
    `${begin}found the grades sound, second, reject, wanted second, reject, sound`,
  );
  const rule = said.thresholds.rule === "mean" ? "worst" : "mean";
  assert.match(
    otherwise({ thresholds: { ...said.thresholds, rule } as never })!,
    new RegExp(`found the item rule ${said.thresholds.rule}, wanted ${rule}$`),
  );
  assert.match(otherwise({ thresholds: { ...said.thresholds, kinLimit: 1.7 } })!, /of whole items, wanted 1\.7$/);
});
