import type { Verdict } from "../contract/messages.ts";
import type { DecidedItem } from "../recipes/decided-item.ts";

/** An item as the line decided it. */
export interface SeenItem {
  readonly verdict: Verdict;
  readonly decided: DecidedItem;
}

/** An item that can still be enrolled. */
export interface EnrollableItem {
  readonly verdict: Verdict;
  /** Each (sizePx, sizePx, 3); at most {@link ENROLL_VIEWS}, evenly spread over its passage. */
  readonly crops: readonly Uint8Array[];
  /** (crops, D) row-major; undefined where they have to be embedded again. */
  readonly embeddings: Float32Array | undefined;
  /** Which camera saw each of them; undefined where it is not known any more. */
  readonly cameras?: readonly string[] | undefined;
}

/** Which camera saw each view of an item, in their order; undefined where its verdict does not say. */
export function camerasOfViews({ cameras, cameraViews }: Verdict): readonly string[] | undefined {
  if (cameras === undefined || cameraViews === undefined) return undefined;
  return cameras.flatMap((camera, i) => Array.from({ length: cameraViews[i] ?? 0 }, () => camera));
}

/** Views of one item that are enrolled: neighbouring ones are almost the same picture. */
export const ENROLL_VIEWS = 12;

/** Which of `count` views are enrolled, ascending: at most {@link ENROLL_VIEWS}, evenly spread. */
export function spreadViews(count: number): number[] {
  const kept = Math.min(ENROLL_VIEWS, count);
  return Array.from({ length: kept }, (_, i) => Math.floor(((i + 0.5) * count) / kept));
}

/** What of an item is kept for enrolling. */
export function keep({ verdict, decided }: SeenItem): EnrollableItem {
  const { crops, embeddings, embedded } = decided;
  const views = spreadViews(crops.length);
  const kept = views.map((view) => crops[view]!);
  const cameras = views.map((view) => decided.lane.cameras[decided.from?.[view] ?? 0]!.camera);
  // A view that could not be embedded leaves it open which row is whose.
  if (embedded !== crops.length || embedded === 0) return { verdict, crops: kept, cameras, embeddings: undefined };
  const dimension = embeddings.length / embedded;
  const rows = new Float32Array(views.length * dimension);
  for (const [row, view] of views.entries()) {
    rows.set(embeddings.subarray(view * dimension, (view + 1) * dimension), row * dimension);
  }
  return { verdict, crops: kept, cameras, embeddings: rows };
}
