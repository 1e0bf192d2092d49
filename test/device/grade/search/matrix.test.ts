import assert from "node:assert/strict";
import { test } from "node:test";
import { cholesky, invertLower, multiplyLower } from "../../../../device/grade/search/matrix.ts";
import { seededNormal } from "../../../support/random.ts";

const SIZE = 7;

/** A symmetric, positive definite matrix. */
function made(seed: number): Float64Array {
  const normal = seededNormal(seed);
  const factor = Float64Array.from({ length: SIZE * SIZE }, normal);
  const matrix = new Float64Array(SIZE * SIZE);
  for (let i = 0; i < SIZE; i++) {
    for (let j = 0; j < SIZE; j++) {
      for (let k = 0; k < SIZE; k++) matrix[i * SIZE + j]! += factor[i * SIZE + k]! * factor[j * SIZE + k]!;
    }
    matrix[i * SIZE + i]! += 0.1;
  }
  return matrix;
}

const lowerAt = (matrix: Float64Array, i: number, j: number): number => (j > i ? 0 : matrix[i * SIZE + j]!);

test("a matrix is its lower triangle times that transposed", () => {
  const matrix = made(1);
  const lower = cholesky(matrix.slice(), SIZE);
  for (let i = 0; i < SIZE; i++) {
    for (let j = 0; j < SIZE; j++) {
      let sum = 0;
      for (let k = 0; k < SIZE; k++) sum += lowerAt(lower, i, k) * lowerAt(lower, j, k);
      assert.ok(Math.abs(sum - matrix[i * SIZE + j]!) < 1e-9, `${i}, ${j}`);
    }
  }
});

test("the inverse of a lower triangle undoes it, whatever lies above its diagonal", () => {
  const lower = cholesky(made(2), SIZE);
  const inverse = invertLower(lower, SIZE);
  const vector = Float64Array.from({ length: SIZE }, (_, i) => i - 2.5);
  const there = new Float64Array(SIZE);
  const back = new Float64Array(SIZE);
  multiplyLower(lower, vector, there);
  multiplyLower(inverse, there, back);
  for (let i = 0; i < SIZE; i++) assert.ok(Math.abs(back[i]! - vector[i]!) < 1e-9, String(i));
});
