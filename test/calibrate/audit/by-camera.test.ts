import assert from "node:assert/strict";
import { test } from "node:test";
import { aboutCameras } from "../../../calibrate/audit/by-camera.ts";
import type { Qualities, ViewQuality } from "../../../calibrate/audit/quality.ts";
import type { Reference } from "../../../device/grade/gallery.ts";
import { camerasOfReference, seenBy, taughtBy } from "../../../device/grade/gallery-cameras.ts";
import { galleryOf, randomReference } from "../../support/gallery-made.ts";

const GOOD: ViewQuality = { sharpness: 0.4, bright: 180, clipped: 0, edge: 0.25, thumb: new Uint8Array(256) };
let seed = 0;

function item(grade: string, names: readonly string[] | undefined): Reference {
  return { ...randomReference(++seed, grade, names?.length ?? 4), ...seenBy(names) };
}

function audit(references: readonly Reference[], odd: Partial<Record<string, Partial<ViewQuality>>> = {}) {
  const qualities: Qualities = new Map(
    references.map((reference) => {
      const names = camerasOfReference(reference) ?? Array.from({ length: reference.views }, () => "");
      return [reference.id, names.map((name) => ({ ...GOOD, ...odd[name] }))];
    }),
  );
  return aboutCameras(galleryOf(references), qualities);
}

const BOTH = ["top", "top", "left", "left"];

test("a reference knows which camera saw each of its views, a gallery which cameras taught it", () => {
  const references = [item("sound", BOTH), item("sound", ["left"]), item("sound", undefined)];
  assert.deepEqual(references.map(camerasOfReference), [BOTH, ["left"], undefined]);
  assert.deepEqual(
    [...taughtBy({ references })],
    [
      ["top", 1],
      ["left", 2],
    ],
  );
  assert.deepEqual(seenBy([]), {});
});

test("a grade that a camera has not seen is advised to be shown to it", () => {
  const references = [...Array.from({ length: 5 }, () => item("sound", BOTH)), item("reject", ["top", "top"])];
  const [finding, ...more] = audit(references);
  assert.deepEqual(more, []);
  assert.deepEqual([finding!.kind, finding!.severity, finding!.grade], ["cameras", "advice", "reject"]);
  assert.equal(finding!.found, "reject was taught by top; left saw none of it");
  assert.deepEqual(finding!.items, [references.at(-1)!.id]);
});

test("a camera whose pictures are darker and less sharp than those of the others is a problem", () => {
  const references = Array.from({ length: 6 }, () => item("sound", BOTH));
  const [finding, ...more] = audit(references, { left: { bright: 90, sharpness: 0.2 } });
  assert.deepEqual(more, []);
  assert.deepEqual([finding!.kind, finding!.severity], ["cameras", "problem"]);
  assert.equal(finding!.found, "pictures of camera left are 50 % darker and 50 % less sharp than those of the others");
  assert.deepEqual(finding!.views, Array(6).fill(2));
});

test("nothing is said of cameras that are alike, of one alone, and of photographs", () => {
  assert.deepEqual(audit(Array.from({ length: 6 }, () => item("sound", BOTH))), []);
  assert.deepEqual(audit([item("sound", ["top"]), item("reject", ["top"])]), []);
  assert.deepEqual(audit([item("sound", BOTH), item("reject", undefined)]), []);
});
