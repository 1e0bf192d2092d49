import { rounded } from "../base/numbers.ts";
import { shortHash } from "../base/short-hash.ts";
import type { MapShown, Point } from "../console/view.ts";
import { describeItem } from "../grade/descriptors.ts";
import type { Gallery, Reference } from "../grade/gallery.ts";
import { fitProjection, type Projection, project } from "../grade/projection.ts";
import type { Recipe } from "../recipes/load.ts";
import type { Teaching } from "../teach/teaching.ts";

/** More points than this on a phone are a blot; of more references an even part is shown. */
const MAX_REFERENCES = 500;
const COMPONENTS = 2;
/** Finer than a pixel of any screen. */
const DIGITS = 4;

export interface MapParts {
  /** The active recipe. */
  readonly recipe: Recipe;
  readonly teaching: Pick<Teaching, "latest">;
}

interface Plane {
  readonly gallery: Gallery;
  readonly projection: Projection;
  readonly references: MapShown["references"];
}

/** References and items in the plane in which the references differ most. */
export class StationMap {
  readonly #parts: MapParts;
  #plane: Plane | undefined;

  constructor(parts: MapParts) {
    this.#parts = parts;
  }

  /** Lays the plane anew where the gallery has changed; undefined where nothing is enrolled. */
  shown(): MapShown | undefined {
    const { recipe, teaching } = this.#parts;
    const { gallery } = recipe;
    if (gallery === undefined || gallery.references.length === 0) {
      this.#plane = undefined;
      return undefined;
    }
    if (this.#plane?.gallery !== gallery) this.#plane = planeOf(gallery);
    const { references, projection } = this.#plane;
    return {
      gallery: shortHash(recipe.galleryHash),
      references,
      enrolled: gallery.references.length,
      explained: [...projection.explained],
      items: teaching.latest.list().flatMap(({ verdict, embeddings, crops }) => {
        const spot = embeddings === undefined ? null : this.spotOf(verdict.model, embeddings, crops.length);
        return spot === null ? [] : [{ verdict, ...spot }];
      }),
    };
  }

  /**
   * @param model that made them, as verdicts name it
   * @param embeddings (count, D) row-major
   * @returns null while nobody looks at a map, or where the plane is one of another gallery or model
   */
  spotOf(model: string, embeddings: Float32Array, count: number): Point | null {
    if (this.#plane === undefined || this.#plane.gallery !== this.#parts.recipe.gallery || count === 0) return null;
    if (!this.#plane.gallery.modelHash.startsWith(model)) return null;
    const { projection } = this.#plane;
    const [x, y] = project(meanOf(embeddings, count, projection.dimension), 1, projection);
    return { x: rounded(x!, DIGITS), y: rounded(y!, DIGITS) };
  }
}

function planeOf(gallery: Gallery): Plane {
  const { dimension } = gallery;
  const shown = evenPart(gallery.references);
  const rows = new Float32Array(shown.length * dimension);
  for (const [row, { embeddings, views }] of shown.entries()) {
    rows.set(meanOf(embeddings, views, dimension), row * dimension);
  }
  const projection = fitProjection(rows, shown.length, dimension, COMPONENTS);
  const spots = project(rows, shown.length, projection);
  const references = shown.map(({ id, grade }, row) => ({
    id,
    grade,
    x: rounded(spots[row * COMPONENTS]!, DIGITS),
    y: rounded(spots[row * COMPONENTS + 1]!, DIGITS),
  }));
  return { gallery, projection, references };
}

/** Of each grade as large a part. */
function evenPart(references: readonly Reference[]): Reference[] {
  const step = Math.max(1, references.length / MAX_REFERENCES);
  const sorted = [...references].sort((a, b) => (a.grade < b.grade ? -1 : a.grade > b.grade ? 1 : 0));
  return Array.from({ length: Math.floor(sorted.length / step) }, (_, index) => sorted[Math.floor(index * step)]!);
}

function meanOf(embeddings: Float32Array, count: number, dimension: number): Float32Array {
  const mean = new Float64Array(dimension);
  describeItem(embeddings, count, mean);
  return Float32Array.from(mean);
}
