import { UMAP } from "umap-js";
import { GradelineError } from "../../device/base/errors.ts";
import { fitProjection, project } from "../../device/grade/projection.ts";
import { randomFrom } from "../evaluate/random.ts";
import { type MapPoint, rowsOf } from "./points.ts";

/** Where the points lie, and what the axes are. */
export interface Layout {
  readonly method: "pca" | "umap";
  /** (points, 2) in the order of the points. */
  readonly places: Float32Array;
  /** Share of the references' variance along each axis; null where axes mean nothing. */
  readonly explained: readonly [number, number] | null;
}

/** Fewer have no neighbourhood. */
const LEAST_FOR_UMAP = 5;
const NEIGHBOURS = 15;

/**
 * The plane is laid through the enrolled references alone; all others land on it where they belong.
 *
 * @throws {GradelineError} GALLERY_EMPTY where there are too few references
 */
export function layOut(points: readonly MapPoint[], dimension: number, umap: boolean, seed: number): Layout {
  const enrolled = points.filter(({ kind }) => kind === "reference");
  if (enrolled.length === 0) throw new GradelineError("GALLERY_EMPTY", "there are no references to draw a map of");
  if (umap) return byUmap(points, enrolled, seed);
  const projection = fitProjection(rowsOf(enrolled, dimension), enrolled.length, dimension, 2);
  return {
    method: "pca",
    places: project(rowsOf(points, dimension), points.length, projection),
    explained: [projection.explained[0]!, projection.explained[1]!],
  };
}

/** @see McInnes, Healy, Melville 2018, "UMAP: Uniform manifold approximation and projection" */
function byUmap(points: readonly MapPoint[], enrolled: readonly MapPoint[], seed: number): Layout {
  if (enrolled.length < LEAST_FOR_UMAP) {
    throw new GradelineError("GALLERY_EMPTY", `found ${enrolled.length} references, UMAP wants ${LEAST_FOR_UMAP}`, {
      hint: "enroll more, or leave --umap away",
    });
  }
  const umap = new UMAP({
    nComponents: 2,
    nNeighbors: Math.min(NEIGHBOURS, enrolled.length - 1),
    minDist: 0.2,
    random: randomFrom(seed),
  });
  const fitted = umap.fit(enrolled.map(({ embedding }) => [...embedding]));
  const others = points.filter(({ kind }) => kind !== "reference");
  const landed = others.length === 0 ? [] : umap.transform(others.map(({ embedding }) => [...embedding]));
  const places = new Float32Array(points.length * 2);
  let [reference, other] = [0, 0];
  for (const [index, { kind }] of points.entries()) {
    places.set(kind === "reference" ? fitted[reference++]! : landed[other++]!, index * 2);
  }
  return { method: "umap", places, explained: null };
}
