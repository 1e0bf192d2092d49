import { rm, writeFile } from "node:fs/promises";
import { GradelineError } from "../../device/base/errors.ts";
import type { Config } from "../../device/config/schema.ts";
import type { Lot } from "../../device/contract/lot.ts";
import { reasonTable } from "../../device/contract/reasons.ts";
import { addFigures, type Figures, fruitOf, noFigures, SIZE_CLASS_MM } from "../../device/lots/figures.ts";
import type { LotPicture } from "../../device/lots/figures-store.ts";
import { lotsFolder } from "../../device/lots/lot-book.ts";
import { type KnownLots, readLots } from "../../device/lots/read-figures.ts";
import { colourOf } from "../html/colours.ts";
import { type Content, html, type Markup } from "../html/markup.ts";
import { page } from "../html/page.ts";
import { type By, groups, perHour } from "./groups.ts";
import { sizeClasses, sizeHistogram } from "./histogram.ts";
import { printPdf } from "./pdf.ts";
import { type Held, holdLot, SOURCES } from "./tolerances.ts";

const STYLE = `
.swatch { display: inline-block; width: .8em; height: .8em; border-radius: .15em; margin-right: .4em; }
.fruit { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: .6rem 1rem; margin: .3rem 0 1rem; }
.fruit img { width: auto; max-width: 100%; height: auto; max-height: 6rem; }
figure svg { width: 100%; }
@page { size: A4; margin: 14mm; }
@media print { .numbers b { font-size: 1.3rem; } .numbers li { flex: 1 1 8rem; padding: .4rem .6rem; }
  .fruit { grid-template-columns: repeat(3, 1fr); } h3 { break-after: avoid; } }
`;

interface Lotted {
  readonly id: string;
  readonly lot: Lot | undefined;
  readonly figures: Figures;
  readonly known: KnownLots;
  /** Grades best first, then outcomes of fruit that have none. */
  readonly names: readonly string[];
  readonly held: readonly Held[];
}

/** @throws {GradelineError} REQUEST where no fruit of the lot was counted */
export function readLot(config: Config, id: string): Lotted {
  const known = readLots(lotsFolder(config), id);
  const figures = noFigures();
  for (const span of known.spans) addFigures(figures, span.figures);
  if (figures.items === 0) {
    throw new GradelineError("REQUEST", `no fruit of lot ${JSON.stringify(id)} was counted`, {
      hint: "gradeline-calibrate lot list shows the lots; fruit that passed a moment ago come in two seconds",
    });
  }
  const grades = known.grades.filter((grade) => figures.grades.has(grade));
  const others = [...figures.grades.keys()].filter((grade) => !grades.includes(grade));
  const without = [...figures.outcomes.keys()].filter((outcome) => outcome !== "graded" && outcome !== "empty");
  const held = holdLot(figures, [...known.grades, ...others], config.lots.tolerances);
  return { id, lot: known.lots.get(id), figures, known, names: [...grades, ...others, ...without], held };
}

/** `lot report`: as a file that opens anywhere, as a PDF, or its figures for a program. */
export async function reportLot(
  config: Config,
  id: string,
  files: { readonly html?: string | undefined; readonly pdf?: string | undefined },
): Promise<Lotted> {
  const lot = readLot(config, id);
  const path = files.html ?? (files.pdf === undefined ? undefined : `${files.pdf}.html`);
  if (path === undefined) return lot;
  try {
    await writeFile(path, reportPage(config, lot));
  } catch (cause) {
    throw new GradelineError("FILE", `${path} cannot be written: ${(cause as Error).message}`, { cause });
  }
  if (files.pdf !== undefined) {
    try {
      await printPdf(path, files.pdf);
    } finally {
      if (files.html === undefined) await rm(path, { force: true });
    }
  }
  return lot;
}

/** Its figures as text, or as one JSON object. */
export function describeLot({ id, lot, figures, names, held }: Lotted, json: boolean): string {
  const fruit = fruitOf(figures);
  const counts = names.map((name) => ({
    name,
    fruit: figures.grades.get(name) ?? figures.outcomes.get(name) ?? 0,
    sizes: [...(figures.sizes.get(name) ?? [])]
      .toSorted(([a], [b]) => a - b)
      .map(([fromMm, count]) => ({ fromMm, fruit: count })),
  }));
  if (json) {
    const downtimeS = [...figures.downtime].map(([code, seconds]) => ({ code, seconds: Math.round(seconds) }));
    const products = [...figures.products].map(([product, count]) => ({ product, fruit: count }));
    const { late } = figures;
    const about = { lot: id, ...(lot === undefined ? {} : { about: lot }) };
    return `${JSON.stringify({ ...about, fruit, late, counts, products, tolerances: held, downtimeS })}\n`;
  }
  const lines = counts.map(({ name, fruit: count }) => `  ${name.padEnd(14)} ${String(count).padStart(7)}`);
  const beyond = held.filter(({ within }) => !within);
  const told = beyond.map(({ rule, soldAs, share, limit }) => {
    const as = soldAs === null ? "" : ` sold as ${soldAs}`;
    return `  beyond ${rule}${as}: ${percent(share)}, allowed ${percent(limit)}`;
  });
  return `lot ${id}: ${fruit} fruit\n${[...lines, ...told].join("\n")}\n`;
}

export function reportPage(config: Config, lotted: Lotted): string {
  const { id, lot, figures, known, names, held } = lotted;
  const fruit = fruitOf(figures);
  const title = id === "" ? "Fruit without a lot" : `Lot ${id}`;
  const graded = figures.outcomes.get("graded") ?? 0;
  const hourly = perHour(fruit, figures);
  const body = html`<h1>${title}</h1>
<p class="soft">${aboutLot(lot)}${timeText(figures.firstUs)} to ${timeText(figures.lastUs)}, ${config.device}, lanes ${[...new Set(known.spans.map(({ lane }) => lane))].join(", ")}</p>
<ul class="numbers">
<li><b>${fruit}</b><span>fruit</span></li>
<li><b>${percent(graded / Math.max(1, fruit))}</b><span>have a grade</span></li>
${hourly === null ? null : html`<li><b>${hourly}</b><span>fruit an hour</span></li>`}
<li><b>${figures.late}</b><span>decided too late for their gate</span></li>
</ul>
<h2>Grades</h2>
${table(
  ["", "fruit", "share", "mean size"],
  names.map((name, index) => {
    const count = figures.grades.get(name) ?? figures.outcomes.get(name) ?? 0;
    return [html`${swatch(index)}${name}`, count, percent(count / Math.max(1, fruit)), meanSize(figures, name)];
  }),
)}
${
  figures.products.size === 0
    ? null
    : html`<h2>Products</h2>${table(
        ["", "fruit", "share"],
        [...figures.products].map(([name, count]) => [name, count, percent(count / Math.max(1, fruit))]),
      )}`
}
${sizesOf(figures, names)}
${tolerances(held)}
${pictures(known.pictures, names)}
${over("By lane", "lane", lotted, config)}
${over("By shift", "shift", lotted, config)}
${downtime(figures)}
<p class="soft">Sizes are the larger diameter as the cameras see it. Figures count every verdict of the lot once.
${SOURCES.map((source) => html`<br>${source}`)}</p>`;
  return page({ title: `${title}, ${config.device}`, body, style: STYLE });
}

function aboutLot(lot: Lot | undefined): string {
  if (lot === undefined) return "";
  const { id: _, fields = {}, ...rest } = lot;
  return [...Object.entries(rest), ...Object.entries(fields)].map(([name, value]) => `${name} ${value}, `).join("");
}

function sizesOf(figures: Figures, names: readonly string[]): Content {
  const classes = sizeClasses(figures);
  if (classes.length === 0) return null;
  const sized = names.filter((name) => figures.sizes.has(name));
  return html`<h2>Sizes</h2>
<figure>${sizeHistogram(figures, names)}</figure>
<div class="scroll">${table(
    ["mm", ...sized],
    classes.map((mm) => [
      `${mm} to ${mm + SIZE_CLASS_MM}`,
      ...sized.map((name) => figures.sizes.get(name)?.get(mm) ?? 0),
    ]),
  )}</div>`;
}

function tolerances(held: readonly Held[]): Content {
  if (held.length === 0) return null;
  return html`<h2>Tolerances</h2>
<p>What would be said of the lot if it were sold as it came: fruit of a worse grade, and such without one, do not
satisfy the grade that it is sold as.</p>
${table(
  ["limit", "sold as", "does not satisfy", "allowed", ""],
  held.map(({ rule, soldAs, share, limit, within }) => [
    rule,
    soldAs ?? "",
    percent(share),
    percent(limit),
    within ? html`<span class="good">within</span>` : html`<span class="bad">beyond</span>`,
  ]),
)}`;
}

function pictures(all: readonly LotPicture[], names: readonly string[]): Content {
  const shown = names.filter((name) => all.some(({ grade }) => grade === name));
  if (shown.length === 0) return null;
  return html`<h2>Fruit</h2>
<p class="soft">Up to four views of each. Typical: nearest to the mean margin of their grade; worst: with the least margin.</p>
${shown.map((name) =>
  (["typical", "worst"] as const).map((kind) => {
    const fruit = all.filter((picture) => picture.grade === name && picture.kind === kind);
    if (fruit.length === 0) return null;
    return html`<h3>${name}, ${kind}</h3><div class="fruit">${fruit.map(
      ({ item, margin, sizeMm, jpeg }) => html`<figure>
<img src="data:image/jpeg;base64,${Buffer.from(jpeg).toString("base64")}" alt="${name}, ${kind}: ${item}">
<figcaption>${sizeMm === null ? "" : `${sizeMm} mm, `}margin ${margin === null ? "none" : margin.toFixed(2)}</figcaption>
</figure>`,
    )}</div>`;
  }),
)}`;
}

function over(heading: string, by: By, { known, names }: Lotted, config: Config): Content {
  const parts = groups(known.spans, by, config);
  if (parts.size < 2) return null;
  return html`<h2>${heading}</h2><div class="scroll">${table(
    [by, "fruit", ...names],
    [...parts].map(([name, figures]) => [
      name,
      fruitOf(figures),
      ...names.map((each) => figures.grades.get(each) ?? figures.outcomes.get(each) ?? 0),
    ]),
  )}</div>`;
}

function downtime({ downtime: all }: Figures): Content {
  if (all.size === 0) return null;
  return html`<h2>Downtime</h2>${table(
    ["reason", "minutes"],
    [...all].map(([code, seconds]) => [
      code in reasonTable ? reasonTable[code as keyof typeof reasonTable].when : code,
      (seconds / 60).toFixed(1),
    ]),
  )}`;
}

function table(head: readonly string[], rows: readonly (readonly Content[])[]): Markup {
  return html`<table><thead><tr>${head.map((text) => html`<th scope="col">${text}</th>`)}</tr></thead>
<tbody>${rows.map(([first, ...cells]) => html`<tr><th scope="row">${first}</th>${cells.map((text) => html`<td>${text}</td>`)}</tr>`)}</tbody></table>`;
}

function swatch(index: number): Markup {
  return html`<span class="swatch" style="background:${colourOf(index)}"></span>`;
}

function meanSize({ sizes }: Figures, name: string): string {
  const classes = [...(sizes.get(name) ?? [])];
  const count = classes.reduce((sum, [, each]) => sum + each, 0);
  if (count === 0) return "";
  const sum = classes.reduce((all, [mm, each]) => all + (mm + SIZE_CLASS_MM / 2) * each, 0);
  return `${(sum / count).toFixed(0)} mm`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Local time, as the clock on the wall. */
function timeText(us: number): string {
  const at = new Date(us / 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}
