import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyGallery, orderGrades, withReferences } from "../../../device/grade/gallery.ts";
import { flatten, viewsOfItem } from "../../../device/grade/references.ts";
import { galleryOf, MADE_MODEL, randomReference } from "../../support/gallery-made.ts";

const empty = emptyGallery(MADE_MODEL);

test("grades are ordered by the names people use, and what is none of them comes last by alphabet", () => {
  assert.deepEqual(orderGrades(["reject", "zebra", "second", "Apple", "sound", "extra"]), [
    "extra",
    "sound",
    "second",
    "reject",
    "Apple",
    "zebra",
  ]);
  assert.deepEqual(orderGrades(["late", "early", "mid"]), ["mid", "late", "early"]);
  assert.deepEqual(orderGrades(["C", "A", "B"]), ["A", "B", "C"]);
  assert.deepEqual(orderGrades(["class 3", "Class 1", "CLASS 2"]), ["Class 1", "CLASS 2", "class 3"]);
});

test("an order that is given goes before known names, and names are there once", () => {
  assert.deepEqual(orderGrades(["sound", "reject", "second", "sound"], ["reject", "second"]), [
    "reject",
    "second",
    "sound",
  ]);
  assert.deepEqual(orderGrades([], ["a"]), []);
});

test("added references come after those that are there, and their grades take their places", () => {
  const first = withReferences(empty, [randomReference(1, "reject"), randomReference(2, "sound")]);
  assert.deepEqual(first.grades, ["sound", "reject"]);
  const second = withReferences(first, [randomReference(3, "second")]);
  assert.deepEqual(second.grades, ["sound", "second", "reject"]);
  assert.deepEqual(
    second.references.map(({ id }) => id),
    ["item-1", "item-2", "item-3"],
  );
  // What was made from is as it was.
  assert.deepEqual([first.references.length, first.grades, empty.references.length], [2, ["sound", "reject"], 0]);
});

test("an order that people gave stays when a grade is added", () => {
  const own = {
    ...galleryOf([randomReference(1, "reject"), randomReference(2, "sound")]),
    grades: ["reject", "sound"],
  };
  assert.deepEqual(withReferences(own, [randomReference(3, "ripe")]).grades, ["reject", "sound", "ripe"]);
  assert.deepEqual(withReferences(own, [randomReference(3, "sound")]).grades, ["reject", "sound"]);
  const usual = galleryOf([randomReference(1, "sound"), randomReference(2, "ripe")]);
  assert.deepEqual(withReferences(usual, [randomReference(3, "extra")]).grades, ["extra", "sound", "ripe"]);
});

test("a reference whose id is there replaces it", () => {
  const gallery = galleryOf([randomReference(1, "sound"), randomReference(2, "sound")]);
  const replaced = withReferences(gallery, [{ ...randomReference(1, "reject"), origin: "again" }]);
  assert.deepEqual(
    replaced.references.map(({ id, grade, origin }) => [id, grade, origin]),
    [
      ["item-2", "sound", "test/item-2"],
      ["item-1", "reject", "again"],
    ],
  );
});

test("a reference of another dimension, or without views, is refused by its id", () => {
  for (const wrong of [
    { ...randomReference(1, "sound", 3), views: 2 },
    { ...randomReference(1, "sound", 3), views: 0, embeddings: new Float32Array(0) },
    randomReference(1, "sound", 3, MADE_MODEL.dimension + 1),
  ]) {
    assert.throws(() => withReferences(empty, [wrong]), { code: "EMBEDDING_SHAPE", message: /item-1/ });
  }
});

test("flat references say of each view its grade and item, and of each item its views", () => {
  const items = [randomReference(1, "reject", 2), randomReference(2, "sound", 1), randomReference(3, "sound", 3)];
  const flat = flatten(galleryOf(items));
  assert.deepEqual([flat.count, flat.items, flat.grades, flat.dimension], [6, 3, 2, MADE_MODEL.dimension]);
  assert.deepEqual([...flat.gradeOf], [1, 1, 0, 0, 0, 0]);
  assert.deepEqual([...flat.itemOf], [0, 0, 1, 2, 2, 2]);
  assert.deepEqual([...flat.itemGrade], [1, 0, 0]);
  assert.deepEqual(
    [...flat.rows],
    items.flatMap(({ embeddings }) => [...embeddings]),
  );
  assert.deepEqual(viewsOfItem(flat), [
    { from: 0, count: 2 },
    { from: 2, count: 1 },
    { from: 3, count: 3 },
  ]);
});
