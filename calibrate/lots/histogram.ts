import { type Figures, SIZE_CLASS_MM } from "../../device/lots/figures.ts";
import { colourOf } from "../html/colours.ts";
import { type Markup, svg } from "../html/markup.ts";

const WIDTH = 640;
const HEIGHT = 220;
const LEFT = 48;
const BOTTOM = 40;
const TOP = 10;

/** Size classes that occur, without a gap: lower bounds in millimetres. */
export function sizeClasses({ sizes }: Figures): number[] {
  const all = [...sizes.values()].flatMap((classes) => [...classes.keys()]);
  if (all.length === 0) return [];
  const first = Math.min(...all);
  const count = Math.min(100, (Math.max(...all) - first) / SIZE_CLASS_MM + 1);
  return Array.from({ length: count }, (_, i) => first + i * SIZE_CLASS_MM);
}

/** Fruit by size class, the names stacked on each other. */
export function sizeHistogram(figures: Figures, names: readonly string[]): Markup {
  const classes = sizeClasses(figures);
  const countOf = (name: string, mm: number): number => figures.sizes.get(name)?.get(mm) ?? 0;
  const sums = classes.map((mm) => names.reduce((sum, name) => sum + countOf(name, mm), 0));
  const most = Math.max(1, ...sums);
  const step = niceStep(most / 4);
  const top = Math.ceil(most / step) * step;
  const y = (count: number): number => TOP + HEIGHT * (1 - count / top);
  const barWidth = (WIDTH - LEFT) / classes.length;
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step);
  return svg`<svg viewBox="0 0 ${WIDTH} ${TOP + HEIGHT + BOTTOM}" width="${WIDTH}" height="${TOP + HEIGHT + BOTTOM}" role="img" aria-label="Fruit by size class">
${ticks.map(
  (tick) => svg`<path d="M${LEFT} ${y(tick)}H${WIDTH}" stroke="currentColor" stroke-opacity=".15"/>
<text x="${LEFT - 6}" y="${y(tick) + 4}" text-anchor="end">${tick}</text>`,
)}
${classes.map((mm, i) => {
  let below = 0;
  const x = LEFT + i * barWidth;
  return svg`${names.map((name, index) => {
    const count = countOf(name, mm);
    below += count;
    if (count === 0) return null;
    const height = y(0) - y(count);
    return svg`<rect x="${x + barWidth * 0.08}" y="${y(below)}" width="${barWidth * 0.84}" height="${height}" fill="${colourOf(index)}"><title>${name}, ${mm} to ${mm + SIZE_CLASS_MM} mm: ${count}</title></rect>`;
  })}<text x="${x + barWidth / 2}" y="${y(0) + 16}" text-anchor="middle">${mm}</text>`;
})}
<text x="${(LEFT + WIDTH) / 2}" y="${TOP + HEIGHT + BOTTOM - 6}" text-anchor="middle">diameter from, mm (classes of ${SIZE_CLASS_MM} mm)</text>
</svg>`;
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? 10 * power;
}
