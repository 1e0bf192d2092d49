export type Place = readonly [number, number];

/**
 * The convex hull of points, counter-clockwise where y points up; fewer than three points are their own hull.
 *
 * @see Andrew 1979, "Another efficient algorithm for convex hulls in two dimensions"
 */
export function convexHull(points: readonly Place[]): Place[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  if (sorted.length < 3) return sorted;
  const half = (ordered: readonly Place[]): Place[] => {
    const chain: Place[] = [];
    for (const point of ordered) {
      while (chain.length >= 2 && turn(chain.at(-2)!, chain.at(-1)!, point) <= 0) chain.pop();
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  const [lower, upper] = [half(sorted), half(sorted.reverse())];
  return [...lower, ...upper];
}

/** Above 0 where c lies to the left of the way from a to b. */
function turn(a: Place, b: Place, c: Place): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}
