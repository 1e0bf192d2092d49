import type { EmbeddingPart } from "../../embed/embedder.ts";
import type { Gallery } from "../../grade/gallery.ts";
import { spreadOut } from "../../grade/thresholds.ts";

/** References as wholes, one direction each for the identity and the condition, to hold the line's fruit against. */
export interface DriftReferences {
  readonly parts: readonly Part[];
  /** How far a reference's identity is from the nearest other one's: the mean; undefined with fewer than five. */
  readonly identity: number | undefined;
}

interface Part {
  readonly name: "identity" | "condition";
  readonly from: number;
  readonly to: number;
  /** (items, to - from) unit rows. */
  readonly rows: Float32Array;
  readonly items: number;
}

/** Fewer say nothing about how far apart they usually are. */
const FEW = 5;

/**
 * @param parts of the model's embedding; without them all of it is the identity
 */
export function driftReferences(gallery: Gallery, parts: readonly EmbeddingPart[] | undefined): DriftReferences {
  const items = spreadOut(gallery.references.length).map((index) => gallery.references[index]!);
  const known = (parts ?? []).filter(({ name }) => name === "identity" || name === "condition");
  const wanted = known.length > 0 ? known : [{ name: "identity", from: 0, to: gallery.dimension }];
  const made = wanted.map(({ name, from, to }): Part => {
    const length = to - from;
    const rows = new Float32Array(items.length * length);
    for (const [item, { embeddings, views }] of items.entries()) {
      meanDirection(embeddings, views, gallery.dimension, from, rows.subarray(item * length, (item + 1) * length));
    }
    return { name: name as Part["name"], from, to, rows, items: items.length };
  });
  const identity = made.find(({ name }) => name === "identity");
  return {
    parts: made,
    identity: identity === undefined || identity.items < FEW ? undefined : usualDistance(identity),
  };
}

/**
 * Distances of an item to the nearest reference, 0..2, by part.
 *
 * @param embeddings (count, dimension) row-major
 */
export function distancesToReferences(
  { parts }: DriftReferences,
  embeddings: Float32Array,
  count: number,
): Partial<Record<"identity" | "condition", number>> {
  const dimension = embeddings.length / count;
  const distances: Partial<Record<"identity" | "condition", number>> = {};
  for (const part of parts) {
    const own = new Float32Array(part.to - part.from);
    meanDirection(embeddings, count, dimension, part.from, own);
    distances[part.name] = nearest(own, part, -1);
  }
  return distances;
}

function usualDistance(part: Part): number {
  const length = part.to - part.from;
  let sum = 0;
  for (let item = 0; item < part.items; item++) {
    sum += nearest(part.rows.subarray(item * length, (item + 1) * length), part, item);
  }
  return sum / part.items;
}

function nearest(own: Float32Array, { rows, items }: Part, leaveOut: number): number {
  const length = own.length;
  let best = -1;
  for (let item = 0; item < items; item++) {
    if (item === leaveOut) continue;
    let dot = 0;
    for (let d = 0; d < length; d++) dot += own[d]! * rows[item * length + d]!;
    if (dot > best) best = dot;
  }
  return Math.sqrt(Math.max(0, 2 - 2 * best));
}

function meanDirection(
  embeddings: Float32Array,
  count: number,
  dimension: number,
  from: number,
  out: Float32Array,
): void {
  out.fill(0);
  for (let view = 0; view < count; view++) {
    for (let d = 0; d < out.length; d++) out[d]! += embeddings[view * dimension + from + d]!;
  }
  const length = Math.hypot(...out);
  if (length > 0) for (let d = 0; d < out.length; d++) out[d]! /= length;
}
