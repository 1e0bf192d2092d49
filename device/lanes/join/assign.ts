/**
 * The cheapest assignment of rows to columns, each to one at most: the Hungarian method with potentials. A row stays
 * without a column where every way to give it one would cost more than `alone`.
 *
 * @param cost (rows, cols) row-major; Infinity where the two cannot be one
 * @param alone what it costs to leave a row without a column
 * @returns (rows) column of each row, -1 for none
 * @see Jonker, Volgenant 1987, shortest augmenting paths
 */
export function assign(cost: Float64Array, rows: number, cols: number, alone: number): Int32Array {
  // Each row has a column of its own in which it stays alone, so that an assignment always exists.
  const width = cols + rows;
  const at = (row: number, col: number): number => {
    if (col >= cols) return col - cols === row ? alone : Number.POSITIVE_INFINITY;
    return cost[row * cols + col]!;
  };
  const rowPotential = new Float64Array(rows);
  const colPotential = new Float64Array(width);
  const rowOf = new Int32Array(width).fill(-1);
  const from = new Int32Array(width);
  const shortest = new Float64Array(width);
  const done = new Uint8Array(width);
  for (let start = 0; start < rows; start++) {
    shortest.fill(Number.POSITIVE_INFINITY);
    done.fill(0);
    let row = start;
    let end = -1;
    let before = -1;
    let reached = 0;
    while (end < 0) {
      let next = -1;
      for (let col = 0; col < width; col++) {
        if (done[col] === 1) continue;
        const reduced = reached + at(row, col) - rowPotential[row]! - colPotential[col]!;
        if (reduced < shortest[col]!) {
          shortest[col] = reduced;
          from[col] = before;
        }
        if (next < 0 || shortest[col]! < shortest[next]!) next = col;
      }
      reached = shortest[next]!;
      done[next] = 1;
      before = next;
      if (rowOf[next]! < 0) end = next;
      else row = rowOf[next]!;
    }
    rowPotential[start]! += reached;
    for (let col = 0; col < width; col++) {
      if (done[col] === 0 || col === end) continue;
      rowPotential[rowOf[col]!]! += reached - shortest[col]!;
      colPotential[col]! -= reached - shortest[col]!;
    }
    for (let col = end; col >= 0; col = from[col]!) {
      const previous = from[col]!;
      rowOf[col] = previous < 0 ? start : rowOf[previous]!;
    }
  }
  const columnOf = new Int32Array(rows).fill(-1);
  for (let col = 0; col < cols; col++) if (rowOf[col]! >= 0) columnOf[rowOf[col]!] = col;
  return columnOf;
}
