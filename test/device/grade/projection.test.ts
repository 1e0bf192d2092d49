import assert from "node:assert/strict";
import { test } from "node:test";
import { fitProjection, project } from "../../../device/grade/projection.ts";
import { seededNormal } from "../../support/random.ts";

function near(found: Iterable<number>, wanted: readonly number[], tolerance = 1e-6): void {
  const values = [...found];
  assert.equal(values.length, wanted.length);
  for (const [i, value] of values.entries()) {
    assert.ok(Math.abs(value - wanted[i]!) < tolerance, `${values} are not ${wanted}`);
  }
}

test("the corners of a rectangle lie along its sides, with the variance of each", () => {
  const rows = Float32Array.from([0, 0, 2, 0, 0, 1, 2, 1]);
  const projection = fitProjection(rows, 4, 2);
  near(projection.mean, [1, 0.5]);
  near(projection.axes, [1, 0, 0, 1]);
  // Variances 1 and 1/4.
  near(projection.explained, [0.8, 0.2]);
  near(project(rows, 4, projection), [-1, -0.5, 1, -0.5, -1, 0.5, 1, 0.5]);
});

test("points on a line through three dimensions have one axis, and a point off it lands at its foot", () => {
  // Along (2, 1, 2) / 3, at -3, 0 and 3 from (1, 1, 1).
  const rows = Float32Array.from([-1, 0, -1, 1, 1, 1, 3, 2, 3]);
  const projection = fitProjection(rows, 3, 3);
  near(projection.axes, [2 / 3, 1 / 3, 2 / 3, 0, 0, 0]);
  near(projection.explained, [1, 0]);
  near(project(rows, 3, projection), [-3, 0, 0, 0, 3, 0]);
  // (1, 1, 1) and 5 along (1, -2, 0), which is square to the line.
  near(project(Float32Array.from([6, -9, 1]), 1, projection), [0, 0]);
});

test("one point, and points that are all the same, lie at the origin and explain nothing", () => {
  for (const count of [1, 5]) {
    const rows = Float32Array.from({ length: count * 4 }, (_, i) => (i % 4) / 10);
    const projection = fitProjection(rows, count, 4);
    near(projection.explained, [0, 0]);
    near(project(rows, count, projection), new Array(count * 2).fill(0));
  }
});

test("more axes than dimensions are zeros", () => {
  const projection = fitProjection(Float32Array.from([1, 3]), 2, 1, 3);
  near(projection.axes, [1, 0, 0]);
  near(projection.explained, [1, 0, 0]);
});

test("known directions are found again among noise, alike however often", () => {
  const normal = seededNormal(4);
  const dimension = 128;
  const count = 600;
  const rows = new Float32Array(count * dimension);
  for (let row = 0; row < count; row++) {
    for (let d = 0; d < dimension; d++) rows[row * dimension + d] = 0.02 * normal();
    rows[row * dimension + 7]! += 3 * normal();
    rows[row * dimension + 90]! -= 2 * normal();
    rows[row * dimension + 33]! += normal();
  }
  const projection = fitProjection(rows, count, dimension, 3);
  for (const [c, at] of [7, 90, 33].entries()) assert.ok(projection.axes[c * dimension + at]! > 0.99);
  const { axes, explained } = projection;
  for (let a = 0; a < 3; a++) {
    for (let b = 0; b < 3; b++) {
      let dot = 0;
      for (let d = 0; d < dimension; d++) dot += axes[a * dimension + d]! * axes[b * dimension + d]!;
      assert.ok(Math.abs(dot - (a === b ? 1 : 0)) < 1e-9);
    }
  }
  assert.ok(explained[0]! > explained[1]! && explained[1]! > explained[2]!);
  assert.deepEqual(fitProjection(rows, count, dimension, 3), projection);
});

test("the variance along the axes is what they are said to explain", () => {
  const normal = seededNormal(9);
  const [count, dimension] = [300, 20];
  const rows = Float32Array.from({ length: count * dimension }, (_, i) => normal() * (1 + (i % dimension) / 5));
  const projection = fitProjection(rows, count, dimension, dimension);
  const points = project(rows, count, projection);
  const variances = Array.from({ length: dimension }, (_, c) => {
    let sum = 0;
    for (let row = 0; row < count; row++) sum += points[row * dimension + c]! ** 2;
    return sum / count;
  });
  const whole = variances.reduce((a, b) => a + b);
  near(
    projection.explained,
    variances.map((variance) => variance / whole),
    1e-5,
  );
  near([projection.explained.reduce((a, b) => a + b)], [1], 1e-9);
});

test("rows that do not fit are refused", () => {
  const projection = fitProjection(new Float32Array(6), 3, 2);
  assert.throws(() => fitProjection(new Float32Array(6), 0, 2), { code: "EMBEDDING_SHAPE" });
  assert.throws(() => fitProjection(new Float32Array(5), 3, 2), { code: "EMBEDDING_SHAPE" });
  assert.throws(() => project(new Float32Array(5), 3, projection), { code: "EMBEDDING_SHAPE" });
});

test("the unit in which rows are measured changes nothing but coordinates", () => {
  const rows = Float32Array.from([0, 0, 2, 0, 0, 1, 2, 1]);
  for (const unit of [1e-5, 1e5]) {
    const { axes, explained } = fitProjection(
      rows.map((value) => value * unit),
      4,
      2,
    );
    near(axes, [1, 0, 0, 1]);
    near(explained, [0.8, 0.2]);
  }
});
