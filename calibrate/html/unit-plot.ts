import { rounded } from "../../device/base/numbers.ts";
import { type Content, type Markup, svg } from "./markup.ts";

const SIDE = 300;
const LEFT = 52;
const TOP = 12;
const BOTTOM = 46;

/** Place of a share on the plot's axes, in its own units. */
export function plotX(share: number): number {
  return rounded(LEFT + share * SIDE, 2);
}

export function plotY(share: number): number {
  return rounded(TOP + (1 - share) * SIDE, 2);
}

export interface UnitPlot {
  /** What it shows, for those who do not see it. */
  readonly label: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly content: Content;
}

/** Both axes from 0 to 100 %, with a diagonal. */
export function unitPlot({ label, xTitle, yTitle, content }: UnitPlot): Markup {
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1];
  const width = LEFT + SIDE + 16;
  const height = TOP + SIDE + BOTTOM;
  return svg`<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${label}">
${ticks.map(
  (
    tick,
  ) => svg`<g stroke="currentColor" stroke-opacity=".15"><path d="M${plotX(0)} ${plotY(tick)}H${plotX(1)}"/><path d="M${plotX(tick)} ${plotY(0)}V${plotY(1)}"/></g>
<text x="${plotX(tick)}" y="${plotY(0) + 16}" text-anchor="middle">${Math.round(tick * 100)}</text>
<text x="${LEFT - 8}" y="${plotY(tick) + 4}" text-anchor="end">${Math.round(tick * 100)}</text>
`,
)}<path d="M${plotX(0)} ${plotY(0)}L${plotX(1)} ${plotY(1)}" stroke="currentColor" stroke-opacity=".5" stroke-dasharray="4 4"/>
<text x="${plotX(0.5)}" y="${height - 10}" text-anchor="middle">${xTitle}</text>
<text transform="translate(14 ${plotY(0.5)}) rotate(-90)" text-anchor="middle">${yTitle}</text>
${content}</svg>`;
}
