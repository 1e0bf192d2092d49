import assert from "node:assert/strict";
import { test } from "node:test";
import { flatten } from "../../../../device/grade/references.ts";
import { NO_ITEM, nearestByGrade } from "../../../../device/grade/search/distance.ts";
import { NeighbourSearch } from "../../../../device/grade/search/nearest.ts";
import { randomReference } from "../../../support/gallery-made.ts";

const DIMENSION = 24;
const GRADES = ["sound", "second", "reject"];

test("the nearest enrolled view of each grade is the one that grading measures by", () => {
  const references = Array.from({ length: 12 }, (_, i) => randomReference(i, GRADES[i % 3]!, 2 + (i % 4), DIMENSION));
  const item = randomReference(99, "sound", 5, DIMENSION);
  const search = new NeighbourSearch(item.embeddings, item.views);
  for (const reference of references) search.take(reference);
  const flat = flatten({ modelHash: "", dimension: DIMENSION, sizePx: 96, grades: GRADES, references });
  const wanted = new Float64Array(item.views * GRADES.length);
  nearestByGrade(item.embeddings, item.views, flat, NO_ITEM, wanted);
  for (const [view, neighbours] of search.neighbours().entries()) {
    assert.equal(neighbours.length, GRADES.length);
    for (const [rank, { reference, grade, view: at, views, distance }] of neighbours.entries()) {
      assert.ok(Math.abs(distance - wanted[view * GRADES.length + GRADES.indexOf(grade)]!) < 1e-5);
      assert.ok(rank === 0 || distance >= neighbours[rank - 1]!.distance);
      const named = references.find(({ id }) => id === reference)!;
      assert.deepEqual([named.grade, named.views], [grade, views]);
      const own = item.embeddings.subarray(view * DIMENSION, (view + 1) * DIMENSION);
      const other = named.embeddings.subarray(at * DIMENSION, (at + 1) * DIMENSION);
      assert.ok(Math.abs(Math.hypot(...own.map((value, d) => value - other[d]!)) - distance) < 1e-5);
    }
  }
});
