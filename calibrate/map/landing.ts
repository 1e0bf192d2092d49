import { GradelineError } from "../../device/base/errors.ts";
import { median } from "../../device/base/numbers.ts";
import type { MapPoint } from "./points.ts";

/** Where a grade that is not enrolled lands among those that are. */
export interface Landing {
  readonly grade: string;
  readonly items: number;
  /** How many of its items are nearest to each enrolled grade, most first. */
  readonly nearest: readonly { readonly grade: string; readonly items: number }[];
  /** Median distance of its items to the nearest enrolled one. */
  readonly distance: number;
  /** Median distance of its items to each other; null for a single one. */
  readonly within: number | null;
  /** Median distance of enrolled items to the nearest other of their grade; null where no grade has two. */
  readonly usual: number | null;
}

/** @throws {GradelineError} GALLERY_EMPTY where nothing is enrolled */
export function landingsOf(points: readonly MapPoint[]): Landing[] {
  const enrolled = points.filter(({ kind }) => kind === "reference");
  if (enrolled.length === 0) throw new GradelineError("GALLERY_EMPTY", "there are no references to land among");
  const fresh = Map.groupBy(
    points.filter(({ kind }) => kind === "new"),
    ({ grade }) => grade!,
  );
  const usual = enrolled
    .map((point) =>
      nearestOf(
        point,
        enrolled.filter((other) => other.item !== point.item && other.grade === point.grade),
      ),
    )
    .filter((nearest) => nearest !== undefined)
    .map(({ distance }) => distance);
  return [...fresh].map(([grade, own]) => {
    const nearest = own.map((point) => nearestOf(point, enrolled)!);
    const counts = Map.groupBy(nearest, ({ point }) => point.grade!);
    const within = own
      .map(
        (point) =>
          nearestOf(
            point,
            own.filter((other) => other.item !== point.item),
          )?.distance,
      )
      .filter((distance) => distance !== undefined);
    return {
      grade,
      items: own.length,
      nearest: [...counts]
        .map(([name, some]) => ({ grade: name, items: some.length }))
        .sort((a, b) => b.items - a.items),
      distance: median(nearest.map(({ distance }) => distance)),
      within: within.length === 0 ? null : median(within),
      usual: usual.length === 0 ? null : median(usual),
    };
  });
}

function nearestOf(
  { embedding }: MapPoint,
  others: readonly MapPoint[],
): { point: MapPoint; distance: number } | undefined {
  let nearest: { point: MapPoint; distance: number } | undefined;
  for (const point of others) {
    let dot = 0;
    for (let d = 0; d < embedding.length; d++) dot += embedding[d]! * point.embedding[d]!;
    const distance = Math.sqrt(Math.max(0, 2 - 2 * dot));
    if (nearest === undefined || distance < nearest.distance) nearest = { point, distance };
  }
  return nearest;
}
