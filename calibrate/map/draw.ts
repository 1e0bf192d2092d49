import { median, rounded } from "../../device/base/numbers.ts";
import { colourOf } from "../html/colours.ts";
import { type Markup, svg } from "../html/markup.ts";
import { convexHull, type Place } from "./hull.ts";
import type { Layout } from "./layout.ts";
import type { MapPoint, PointKind } from "./points.ts";

/** The map's own units; it is drawn on white, for it goes into other people's documents. */
export const MAP_WIDTH = 960;
export const MAP_HEIGHT = 680;
const LEFT = 56;
const TOP = 16;
/** The plot ends where the legend begins. */
const RIGHT = 200;
export const PLOT_WIDTH = MAP_WIDTH - RIGHT + LEFT / 4;
const BOTTOM = 56;
const INK = "#1c2126";
const SOFT = "#5a636c";
const WAITING = "#4d4d4d";
const FONT = "DejaVu Sans, Verdana, sans-serif";
/** From so many points of a grade on only this share of them is outlined. */
const MANY = 12;
const INNER = 0.9;
/** Longer names would run out of the legend. */
const MOST_LETTERS = 20;

export interface LegendRow {
  /** Around the origin; empty where it is a remark. */
  readonly mark: Markup;
  readonly text: string;
}

export interface MapDrawing {
  readonly svg: Markup;
  /** The same as in the drawing, for where it is too narrow for one. */
  readonly legend: readonly LegendRow[];
  /** (points) places in the drawing's units. */
  readonly places: readonly Place[];
}

/**
 * @param grades enrolled ones, best first
 * @param fresh grades that are not enrolled
 */
export function drawMap(
  points: readonly MapPoint[],
  layout: Layout,
  grades: readonly string[],
  fresh: readonly string[],
): MapDrawing {
  const names = [...grades, ...fresh];
  const places = scale(layout.places);
  const indexOf = (point: MapPoint): number => (point.grade === undefined ? -1 : names.indexOf(point.grade));
  const groups = names.map((name, index) => {
    // What is enrolled makes a grade's place; a new one has only what was given.
    const kind = index < grades.length ? "reference" : "new";
    const own = places.filter((_, i) => points[i]!.grade === name && points[i]!.kind === kind);
    return { name, index, own };
  });
  // The new over the enrolled, and what waits over all.
  const rank: Record<PointKind, number> = { reference: 0, item: 1, new: 2, queue: 3 };
  const order = [...points.keys()].sort((a, b) => rank[points[a]!.kind] - rank[points[b]!.kind]);
  const small = points.length > 400;
  const legend = legendOf(points, names, grades.length);
  const drawing = svg`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${MAP_WIDTH} ${MAP_HEIGHT}" width="${MAP_WIDTH}" height="${MAP_HEIGHT}" role="img" aria-label="${labelOf(points, names)}" font-family="${FONT}" font-size="13">
<rect width="${MAP_WIDTH}" height="${MAP_HEIGHT}" fill="#fff"/>
<rect x="${LEFT}" y="${TOP}" width="${MAP_WIDTH - LEFT - RIGHT}" height="${MAP_HEIGHT - TOP - BOTTOM}" fill="none" stroke="#d5dae0"/>
${layout.method === "pca" ? groups.map(({ own, index }) => hullOf(own, index)) : null}
${order.map((i) => {
  const { kind, name, grade } = points[i]!;
  const title = grade === undefined ? `${name}, waits for its grade` : `${name}, ${grade}`;
  return svg`<g class="mark"><title>${title}</title>${markOf(kind, indexOf(points[i]!), places[i]!, small ? 3.2 : 5.5)}</g>
`;
})}${groups.map(({ name, own }) => titleOf(name, own))}
${axesOf(layout)}
${drawLegend(legend)}
</svg>`;
  return { svg: drawing, legend, places };
}

/** Both axes by the same measure, so that near is near in every direction; UMAP's have none, and fill the frame. */
function scale(places: Float32Array): Place[] {
  const count = places.length / 2;
  const bounds = [0, 1].map((axis) => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < count; i++) {
      low = Math.min(low, places[i * 2 + axis]!);
      high = Math.max(high, places[i * 2 + axis]!);
    }
    return { middle: (low + high) / 2, span: Math.max(high - low, 1e-6) };
  });
  const [width, height] = [MAP_WIDTH - LEFT - RIGHT, MAP_HEIGHT - TOP - BOTTOM];
  const unit = 0.9 * Math.min(width / bounds[0]!.span, height / bounds[1]!.span);
  return Array.from({ length: count }, (_, i) => [
    rounded(LEFT + width / 2 + (places[i * 2]! - bounds[0]!.middle) * unit, 2),
    rounded(TOP + height / 2 - (places[i * 2 + 1]! - bounds[1]!.middle) * unit, 2),
  ]);
}

/** Every grade has its own colour and its own form: either alone tells them apart. */
function markOf(kind: PointKind, index: number, [x, y]: Place, r: number): Markup {
  if (kind === "queue" || index < 0) {
    const path = `M${x - r} ${y - r}L${x + r} ${y + r}M${x - r} ${y + r}L${x + r} ${y - r}`;
    return svg`<path d="${path}" stroke="${WAITING}" stroke-width="2.2" fill="none"/>`;
  }
  const colour = colourOf(index);
  const path = formOf(index, x, y, kind === "new" ? r * 1.5 : r);
  if (kind === "item")
    return svg`<path d="${path}" fill="#fff" fill-opacity=".6" stroke="${colour}" stroke-width="2"/>`;
  const edge = kind === "new" ? INK : "#fff";
  return svg`<path d="${path}" fill="${colour}" stroke="${edge}" stroke-width="${kind === "new" ? 1.8 : 0.8}"/>`;
}

function formOf(index: number, x: number, y: number, r: number): string {
  const corners = (turned: number, radii: readonly number[]): string =>
    `M${radii
      .map((radius, i) => {
        const angle = turned + (2 * Math.PI * i) / radii.length;
        return `${rounded(x + radius * Math.sin(angle), 2)} ${rounded(y - radius * Math.cos(angle), 2)}`;
      })
      .join("L")}Z`;
  const all = (count: number, radius: number): number[] => new Array<number>(count).fill(radius);
  switch (index % 6) {
    case 0:
      return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
    case 1:
      return corners(Math.PI / 4, all(4, r * 1.25));
    case 2:
      return corners(0, all(3, r * 1.4));
    case 3:
      return corners(0, all(4, r * 1.35));
    case 4:
      return corners(Math.PI, all(3, r * 1.4));
    default:
      return corners(
        0,
        Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? r * 1.5 : r * 0.65)),
      );
  }
}

function hullOf(own: readonly Place[], index: number): Markup | null {
  if (own.length < 2) return null;
  const path = `M${convexHull(inner(own))
    .map((place) => place.join(" "))
    .join("L")}Z`;
  const colour = colourOf(index);
  return svg`<path d="${path}" fill="${colour}" fill-opacity=".1" stroke="${colour}" stroke-opacity=".45" stroke-width="2.5" stroke-linejoin="round"/>
`;
}

/** Without the few that lie farthest out: one odd view would make every grade cover the map. */
function inner(own: readonly Place[]): readonly Place[] {
  return own.length < MANY ? own : nearestToMiddle(own).slice(0, Math.ceil(own.length * INNER));
}

function nearestToMiddle(own: readonly Place[]): Place[] {
  const [x, y] = [median(own.map((place) => place[0])), median(own.map((place) => place[1]))];
  const far = (place: Place): number => Math.hypot(place[0] - x, place[1] - y);
  return [...own].sort((a, b) => far(a) - far(b));
}

/** The grade's name in the middle of its points. */
function titleOf(name: string, own: readonly Place[]): Markup | null {
  if (own.length === 0) return null;
  // At one of its points: the middle of several clusters may be another grade's.
  const [x, y] = nearestToMiddle(own)[0]!;
  const text = svg`x="${x}" y="${y - 10}" text-anchor="middle" font-size="16" font-weight="bold"`;
  return svg`<text ${text} stroke="#fff" stroke-width="4" stroke-opacity=".85" stroke-linejoin="round">${shorten(name)}</text><text ${text} fill="${INK}">${shorten(name)}</text>
`;
}

function axesOf({ method, explained }: Layout): Markup {
  const [x, y] =
    explained === null
      ? ["UMAP: neighbours are kept, distances are not", ""]
      : [axis("1st", explained[0]), axis("2nd", explained[1])];
  const [right, bottom] = [MAP_WIDTH - RIGHT, MAP_HEIGHT - BOTTOM];
  return svg`<g fill="${SOFT}"><text x="${(LEFT + right) / 2}" y="${bottom + 28}" text-anchor="middle">${x}</text>
<text transform="translate(${LEFT - 20} ${(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">${method === "pca" ? y : ""}</text></g>`;
}

function axis(which: string, share: number): string {
  return `${which} principal component, ${(share * 100).toFixed(0)} % of the variance`;
}

function legendOf(points: readonly MapPoint[], names: readonly string[], enrolled: number): LegendRow[] {
  const kinds = new Set(points.map(({ kind }) => kind));
  const count = (name: string): number => points.filter(({ grade }) => grade === name).length;
  const rows = names.map((name, index): LegendRow => {
    const fresh = points.some(({ grade, kind }) => grade === name && kind === "new");
    const kind = index < enrolled ? "reference" : fresh ? "new" : "item";
    const text = `${shorten(name)} (${count(name)})${kind === "new" ? ", new" : ""}`;
    return { mark: markOf(kind, index, [0, 0], 5.5), text };
  });
  if (kinds.has("item")) rows.push({ mark: svg``, text: "hollow: not enrolled" });
  if (kinds.has("queue")) {
    rows.push({ mark: markOf("queue", -1, [0, 0], 5.5), text: `waits for its grade (${countOf(points, "queue")})` });
  }
  return rows;
}

function drawLegend(rows: readonly LegendRow[]): Markup {
  const x = MAP_WIDTH - RIGHT + 24;
  return svg`<g class="legend">${rows.map(
    ({ mark, text }, row) => svg`<g transform="translate(${x} ${yOf(row)})">${mark}</g>
<text x="${x + 16}" y="${yOf(row) + 4}" fill="${INK}">${text}</text>
`,
  )}</g>`;
}

function yOf(row: number): number {
  return TOP + 14 + row * 24;
}

function countOf(points: readonly MapPoint[], kind: PointKind): number {
  return points.filter((point) => point.kind === kind).length;
}

function labelOf(points: readonly MapPoint[], names: readonly string[]): string {
  const counts = names.map((name) => `${points.filter(({ grade }) => grade === name).length} ${name}`);
  return `Map of ${points.length} points: ${counts.join(", ")}`;
}

function shorten(name: string): string {
  return name.length > MOST_LETTERS ? `${name.slice(0, MOST_LETTERS - 1)}…` : name;
}
