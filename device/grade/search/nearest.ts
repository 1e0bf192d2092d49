import type { Reference } from "../gallery.ts";

/** The enrolled view that a view is nearest to. */
export interface Neighbour {
  /** Name of the enrolled item. */
  readonly reference: string;
  readonly grade: string;
  /** Which of the enrolled item's views, from 0, and how many it has. */
  readonly view: number;
  readonly views: number;
  /** Euclidean, 0..2. */
  readonly distance: number;
}

/**
 * Finds the enrolled view nearest to each view of one item, of every grade by itself. References are taken one by one,
 * so that the caller can let other work go on between them. For people who ask why; the hot path is `nearestByGrade`.
 *
 * @see Hadsell, Chopra, LeCun 2006, eq. 1 (the distance between embeddings)
 */
export class NeighbourSearch {
  readonly #embeddings: Float32Array;
  readonly #count: number;
  readonly #dimension: number;
  /** By view and grade. */
  readonly #found: Map<string, { reference: string; view: number; views: number; dot: number }>[];

  /**
   * @param embeddings (count, dimension) row-major, unit rows
   */
  constructor(embeddings: Float32Array, count: number) {
    this.#embeddings = embeddings;
    this.#count = count;
    this.#dimension = embeddings.length / count;
    this.#found = Array.from({ length: count }, () => new Map());
  }

  take({ id, grade, views, embeddings: rows }: Reference): void {
    for (let v = 0; v < this.#count; v++) {
      const found = this.#found[v]!;
      let best = found.get(grade)?.dot ?? Number.NEGATIVE_INFINITY;
      let bestView = -1;
      for (let r = 0; r < views; r++) {
        const dot = this.#dot(v, rows, r);
        if (dot <= best) continue;
        best = dot;
        bestView = r;
      }
      if (bestView >= 0) found.set(grade, { reference: id, view: bestView, views, dot: best });
    }
  }

  /** For each view, the nearest reference view of each grade that has one; nearest first. */
  neighbours(): Neighbour[][] {
    return this.#found.map((found) =>
      Array.from(found, ([grade, { reference, view, views, dot }]) => ({
        reference,
        grade,
        view,
        views,
        // Between unit vectors |x - y|² = 2 - 2 x·y.
        distance: Math.sqrt(Math.max(0, 2 - 2 * dot)),
      })).sort((a, b) => a.distance - b.distance),
    );
  }

  #dot(view: number, rows: Float32Array, row: number): number {
    let sum = 0;
    for (let d = 0, a = view * this.#dimension, b = row * this.#dimension; d < this.#dimension; d++, a++, b++) {
      sum += this.#embeddings[a]! * rows[b]!;
    }
    return sum;
  }
}
