import assert from "node:assert/strict";
import { test } from "node:test";
import type { Gallery } from "../../../device/grade/gallery.ts";
import {
  changeOf,
  findReference,
  needGrade,
  relabelled,
  renamed,
  reordered,
  withoutGrade,
  withoutReferences,
  withTolerance,
} from "../../../device/grade/gallery-edit.ts";
import { galleryOf, randomReference } from "../../support/gallery-made.ts";

const made: Gallery = galleryOf(
  ["sound", "second", "reject", "sound"].map((grade, n) => ({ ...randomReference(n, grade), id: `abcd${n}-${grade}` })),
);
const ids = ({ references }: Gallery) => references.map(({ id }) => id);
const gradesOf = ({ references }: Gallery) => references.map(({ grade }) => grade);
const nothing = { added: [], removed: [], relabelled: [], settings: false, model: false };

test("an item is named by its id or four letters of it or more, where these are of no other", () => {
  assert.equal(findReference(made, "abcd1-second").id, "abcd1-second");
  assert.equal(findReference(made, "abcd1").id, "abcd1-second");
  assert.throws(() => findReference(made, "abcd"), { code: "USAGE", message: /found 4 items that begin with "abcd"/ });
  assert.throws(() => findReference(made, "abc"), { code: "USAGE", message: /wanted 4 letters of an id or more/ });
  assert.throws(() => findReference(made, "wxyz"), { code: "USAGE", message: /found no item "wxyz"/ });
  const short = galleryOf([{ ...randomReference(1, "sound"), id: "ab" }]);
  assert.equal(findReference(short, "ab").id, "ab");
});

test("what is taken out is gone, what is relabelled has the other grade, and the gallery given stays as it was", () => {
  const less = withoutReferences(made, new Set(["abcd1-second", "not there"]));
  assert.deepEqual(ids(less), ["abcd0-sound", "abcd2-reject", "abcd3-sound"]);
  assert.deepEqual(less.grades, ["sound", "second", "reject"]);
  assert.deepEqual(gradesOf(relabelled(made, new Set(["abcd0-sound"]), "reject")), [
    "reject",
    "second",
    "reject",
    "sound",
  ]);
  assert.deepEqual(gradesOf(made), ["sound", "second", "reject", "sound"]);
  assert.throws(() => relabelled(made, new Set(["abcd0-sound"]), "best"), { code: "GRADE" });
});

test("an order has each grade once", () => {
  assert.deepEqual(reordered(made, ["reject", "sound", "second"]).grades, ["reject", "sound", "second"]);
  for (const order of [
    ["sound", "second"],
    ["sound", "second", "best"],
    ["sound", "second", "second"],
  ]) {
    assert.throws(() => reordered(made, order), { code: "GRADE" }, order.join());
  }
  assert.throws(() => reordered(made, ["sound", "second", "reject", "sound"]), { code: "GRADE" });
});

test("a renamed grade keeps its place, its items and its tolerance", () => {
  const to = renamed(withTolerance(withTolerance(made, "second", 0.2), "sound", 0.1), "second", "Class II");
  assert.deepEqual(to.grades, ["sound", "Class II", "reject"]);
  assert.deepEqual(gradesOf(to), ["sound", "Class II", "reject", "sound"]);
  assert.deepEqual([...to.tolerances!].sort(), [
    ["Class II", 0.2],
    ["sound", 0.1],
  ]);
  assert.throws(() => renamed(made, "second", "sound"), { code: "GRADE", message: /there is a grade sound already/ });
  assert.throws(() => renamed(made, "best", "x"), { code: "GRADE" });
});

test("a grade goes with its tolerance once it has no items", () => {
  assert.throws(() => withoutGrade(made, "second"), { code: "GRADE", message: /second has 1 items/ });
  const empty = withTolerance(withoutReferences(made, new Set(["abcd1-second"])), "second", 0.2);
  const without = withoutGrade(empty, "second");
  assert.deepEqual([without.grades, [...without.tolerances!]], [["sound", "reject"], []]);
  assert.deepEqual([...empty.tolerances!], [["second", 0.2]]);
  assert.deepEqual([...withTolerance(empty, "second", undefined).tolerances!], []);
  assert.throws(() => withoutGrade(made, "best"), { code: "GRADE" });
  assert.throws(() => needGrade(galleryOf([]), "sound"), { code: "GRADE", hint: "nothing is enrolled yet" });
  assert.throws(() => needGrade(made, "best"), { hint: "its grades are sound, second, reject" });
});

test("a change is what was added, removed and relabelled, and whether settings or the model differ", () => {
  assert.deepEqual(changeOf(made, made), nothing);
  const less = withoutReferences(made, new Set(["abcd1-second"]));
  assert.deepEqual(changeOf(made, less), { ...nothing, removed: [made.references[1]] });
  assert.deepEqual(changeOf(less, made), { ...nothing, added: [made.references[1]] });
  const other = relabelled(made, new Set(["abcd3-sound"]), "reject");
  assert.deepEqual(changeOf(made, other), {
    ...nothing,
    relabelled: [{ reference: other.references[3], from: "sound" }],
  });
  assert.deepEqual(changeOf(made, withTolerance(made, "sound", 0.1)), { ...nothing, settings: true });
  assert.deepEqual(changeOf(made, reordered(made, ["reject", "second", "sound"])), { ...nothing, settings: true });
  assert.deepEqual(changeOf(made, { ...made, modelHash: "cd".repeat(32) }), { ...nothing, model: true });
});
