/*
 * Lower triangles of square matrices, row-major (size, size); what lies above the diagonal is neither read nor written.
 */

/**
 * L with L Lᵀ = the matrix, in place.
 *
 * @param matrix symmetric and positive definite
 * @see Golub, Van Loan, Matrix Computations, 4.2
 */
export function cholesky(matrix: Float64Array, size: number): Float64Array {
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j]!;
      for (let k = 0; k < j; k++) sum -= matrix[i * size + k]! * matrix[j * size + k]!;
      matrix[i * size + j] = i === j ? Math.sqrt(sum) : sum / matrix[j * size + j]!;
    }
  }
  return matrix;
}

/** The inverse of a lower triangle, freshly made. */
export function invertLower(lower: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array(size * size);
  for (let j = 0; j < size; j++) {
    inverse[j * size + j] = 1 / lower[j * size + j]!;
    for (let i = j + 1; i < size; i++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum += lower[i * size + k]! * inverse[k * size + j]!;
      inverse[i * size + j] = -sum / lower[i * size + i]!;
    }
  }
  return inverse;
}

/**
 * @param vector (size)
 * @param out (size) lower · vector, written in place
 */
export function multiplyLower(lower: Float64Array, vector: Float64Array, out: Float64Array): void {
  const size = vector.length;
  for (let i = 0; i < size; i++) {
    let sum = 0;
    for (let k = 0; k <= i; k++) sum += lower[i * size + k]! * vector[k]!;
    out[i] = sum;
  }
}
