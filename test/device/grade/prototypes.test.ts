import assert from "node:assert/strict";
import { test } from "node:test";
import { describeItem, describeItems } from "../../../device/grade/descriptors.ts";
import type { Reference } from "../../../device/grade/gallery.ts";
import { fitPrototypes, LeavingOut, prototypeDistances } from "../../../device/grade/prototypes.ts";
import { flatten } from "../../../device/grade/references.ts";
import { fruitLikeReference, galleryOf, MADE_MODEL, referenceOf, unitRows } from "../../support/gallery-made.ts";
import { seededNormal } from "../../support/random.ts";

/** Squared distance to the prototype of each grade. */
function distancesTo(references: readonly Reference[], rows: readonly (readonly number[])[]): Float64Array {
  const dimension = rows[0]!.length;
  const flat = flatten(galleryOf(references, { ...MADE_MODEL, dimension }));
  const descriptor = new Float64Array(dimension);
  describeItem(unitRows(rows), rows.length, descriptor);
  const out = new Float64Array(flat.grades);
  prototypeDistances(descriptor, fitPrototypes(flat, describeItems(flat).descriptors), out);
  return out;
}

test("an item is described by the mean of its views, of unit length, in whatever order they are", () => {
  const rows = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 1, 0],
  ];
  const [there, back] = [new Float64Array(3), new Float64Array(3)];
  describeItem(unitRows(rows), 3, there);
  describeItem(unitRows([...rows].reverse()), 3, back);
  for (const [d, value] of [1 / Math.sqrt(5), 2 / Math.sqrt(5), 0].entries()) {
    assert.ok(Math.abs(there[d]! - value) < 1e-6);
    assert.ok(Math.abs(back[d]! - value) < 1e-6);
  }
});

test("views that cancel out are as far from one grade as from another, not a number that is none", () => {
  const references = [referenceOf("a", "sound", [[1, 0]]), referenceOf("b", "reject", [[0, 1]])];
  const [sound, reject] = distancesTo(references, [
    [1, 1],
    [-1, -1],
  ]);
  assert.ok(Math.abs(sound! - 1) < 1e-9 && Math.abs(reject! - 1) < 1e-9);
});

test("with one item per grade the distances are those of the definition", () => {
  const references = [
    referenceOf("a", "sound", [[1, 0, 0]]),
    referenceOf("b", "second", [[0, 1, 0]]),
    referenceOf("c", "reject", [[-1, 0, 0]]),
  ];
  const distances = distancesTo(references, [[1, 0, 0]]);
  for (const [g, wanted] of [0, 2, 4].entries()) assert.ok(Math.abs(distances[g]! - wanted) < 1e-9);
});

test("a grade without items is infinitely far", () => {
  const gallery = galleryOf([referenceOf("a", "sound", [[1, 0]])], { ...MADE_MODEL, dimension: 2 });
  const flat = flatten({ ...gallery, grades: ["sound", "second"] });
  const out = new Float64Array(2);
  prototypeDistances(Float64Array.of(1, 0), fitPrototypes(flat, describeItems(flat).descriptors), out);
  assert.deepEqual([...out], [0, Number.POSITIVE_INFINITY]);
});

/** Fruit of many varieties: `variety` moves two components together, the fault moves one of them a little by itself. */
function orchard(items: number, seed: number): { readonly grade: string; readonly row: number[] }[] {
  const normal = seededNormal(seed);
  return Array.from({ length: items }, (_, item) => {
    const grade = item % 2 === 0 ? "sound" : "reject";
    const variety = 0.3 * normal();
    const fault = grade === "sound" ? -0.03 : 0.03;
    const noise = (): number => 0.01 * normal();
    return { grade, row: [2, variety + fault + noise(), variety - fault + noise(), noise()] };
  });
}

function shareRight(enrolled: number, seed: number): number {
  const references = orchard(enrolled, seed).map(({ grade, row }, i) => referenceOf(String(i), grade, [row]));
  const asked = orchard(60, seed + 1);
  const right = asked.filter(({ grade, row }) => {
    const [sound, reject] = distancesTo(references, [row]);
    return (sound! < reject! ? "sound" : "reject") === grade;
  });
  return right.length / asked.length;
}

test("a small fault is told from a large variation between varieties once there are items enough", () => {
  const share = shareRight(80, 1);
  // Weighted component by component 0.78 of them would be right.
  assert.ok(share > 0.9, String(share));
});

test("the order of the references changes nothing", () => {
  const references = orchard(30, 5).map(({ grade, row }, i) => referenceOf(String(i), grade, [row]));
  const [query] = orchard(1, 6);
  const there = distancesTo(references, [query!.row]);
  const back = distancesTo([...references].reverse(), [query!.row]);
  for (let g = 0; g < 2; g++) assert.ok(Math.abs(there[g]! - back[g]!) <= 1e-9 * there[g]!);
});

test("embeddings too long for a covariance are weighted component by component, and graded", () => {
  const dimension = 600;
  const normal = seededNormal(9);
  const row = (at: number): number[] =>
    Array.from({ length: dimension }, (_, d) => 0.05 * normal() + (d === at ? 3 : 0));
  const references = Array.from({ length: 6 }, (_, i) =>
    referenceOf(String(i), i % 2 === 0 ? "sound" : "reject", [row(i % 2)]),
  );
  const [sound, reject] = distancesTo(references, [row(1)]);
  assert.ok(reject! < sound!);
});

for (const dimension of [12, 600]) {
  test(`prototypes without some items are those of the others alone: ${dimension} numbers`, () => {
    const grades = ["sound", "sound", "sound", "sound", "second", "second", "second", "reject", "reject"];
    const references = grades.map((grade, n) => fruitLikeReference(n + 1, grade, 3, dimension));
    const flat = flatten(galleryOf(references, { ...MADE_MODEL, dimension }));
    const { descriptors } = describeItems(flat);
    const leaving = new LeavingOut(flat, descriptors);
    for (const left of [[0], [8], [1, 5], [0, 1, 2], [7, 8]]) {
      const kept = [...grades.keys()].filter((item) => !left.includes(item));
      const anew = fitPrototypes(
        { ...flat, items: kept.length, itemGrade: Uint8Array.from(kept, (item) => flat.itemGrade[item]!) },
        Float64Array.from(kept.flatMap((item) => [...rowOf(descriptors, item)])),
      );
      const [found, wanted] = [new Float64Array(flat.grades), new Float64Array(flat.grades)];
      for (const item of left) {
        prototypeDistances(rowOf(descriptors, item), leaving.without(left), found);
        prototypeDistances(rowOf(descriptors, item), anew, wanted);
        for (const [g, distance] of wanted.entries()) {
          const same = distance === found[g] || Math.abs(distance - found[g]!) < 1e-9 * distance;
          assert.ok(same, `without ${left}, item ${item}, grade ${g}: ${found[g]}, wanted ${distance}`);
        }
      }
    }

    function rowOf(rows: Float64Array, item: number): Float64Array {
      return rows.slice(item * dimension, (item + 1) * dimension);
    }
  });
}
