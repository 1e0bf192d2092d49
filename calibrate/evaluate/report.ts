import type { Model } from "../../device/embed/embedder.ts";
import type { Reference } from "../../device/grade/gallery.ts";
import { html, type Markup, svg } from "../html/markup.ts";
import { page } from "../html/page.ts";
import { picture } from "../html/picture.ts";
import { shortName } from "../html/short-name.ts";
import { plotX, plotY, unitPlot } from "../html/unit-plot.ts";
import { UNKNOWN } from "../pictures/images.ts";
import { axesOf, figureText, intervalText, percent, rangeText, toleranceText } from "./describe.ts";
import type { Evaluation, Measure } from "./evaluation.ts";
import type { Confusion } from "./figures.ts";
import type { ShownMistake } from "./mistakes.ts";
import { nearestViews } from "./neighbours.ts";

/** What items were judged by, with pictures. */
export interface ReportReferences {
  readonly references: readonly Reference[];
  /** Whether a reference may stand beside an item: not where it is the item itself. */
  readonly counts: (reference: number, mistake: ShownMistake) => boolean;
  /** A reference's view as it was cropped; undefined where it is not kept. */
  readonly crop: (reference: number, view: number) => Promise<Uint8Array | undefined>;
}

export interface ReportParts {
  readonly folder: string;
  readonly model: Model;
  readonly madeAt: string;
  readonly evaluation: Evaluation;
  readonly mistakes: readonly ShownMistake[];
  /** Crop of the view that decided; undefined where its picture is gone. */
  readonly cropOf: (mistake: ShownMistake) => Promise<Uint8Array | undefined>;
  readonly by: ReportReferences;
}

/** More mistakes than this are told in numbers only. */
const MOST_PICTURES = 24;
const NEIGHBOURS = 2;

const MEASURES: readonly (readonly [Measure, string, string])[] = [
  ["itemBalancedAccuracy", "Items right", "share of items whose best grade is theirs, mean over the grades"],
  ["viewBalancedAccuracy", "Views right", "the same for each view on its own"],
  ["unknownAuroc", "Strangers told apart", "area under the curve: 0.5 is chance, 1 without fault"],
];

/** The report as one document. */
export async function reportPage(parts: ReportParts): Promise<string> {
  const { evaluation, folder, model, madeAt } = parts;
  const { items, views, grades } = evaluation;
  const body = html`<h1>How well fruit are graded</h1>
<p class="soft">${items} items, ${views} views in <code>${folder}</code>, ${methodText(evaluation)}. Grades best to worst:
${grades.join(", ")}. Model ${model.name} ${model.version} (${model.hash.slice(0, 12)}), ${madeAt.slice(0, 16).replace("T", " ")} UTC.</p>
${headlines(evaluation)}
${verdictsText(evaluation)}
${gradesSection(evaluation)}
<h2>What was taken for what</h2>
<div class="plots">
${confusionTable("Best grade, whatever the distance", evaluation.confusion, grades)}
${confusionTable("Verdicts at the fitted limits", evaluation.verdicts.confusion, grades)}
</div>
${plots(evaluation)}
${await mistakesSection(parts)}
${notes(evaluation)}`;
  return page({ title: `Grading of ${folder}`, body });
}

function methodText({ method, folds, verdicts }: Evaluation): string {
  const alpha = `limits for ${percent(verdicts.alpha)} of good fruit called unknown`;
  if (method === "gallery") return `judged by an enrolled gallery, ${alpha}`;
  if (method === "shots") return `a few drawn and enrolled, all others judged, many times over; ${alpha}`;
  return folds === null
    ? `each judged by all others, ${alpha}`
    : `each judged by all but one of ${folds} parts, its own; ${alpha}`;
}

function headlines({ interval, baseLine, ...evaluation }: Evaluation): Markup {
  const shown = MEASURES.filter(([measure]) => evaluation[measure] !== null);
  return html`<ul class="numbers">${shown.map(([measure, title, what]) => {
    const base = baseLine?.[measure] ?? null;
    return html`<li><span>${title}</span><b>${figureText(measure, evaluation[measure])}</b>
<span>95 %: ${intervalText(measure, interval[measure])}</span>
<span>colours alone: ${base === null ? "not measured" : html`<strong>${figureText(measure, base)}</strong> (${intervalText(measure, baseLine!.interval[measure])})`}</span>
<span class="soft">${what}</span></li>`;
  })}</ul>
<p class="soft">“Colours alone” is what a histogram of hue, saturation and value reaches on the same items${
    baseLine === null ? "" : ` (${baseLine.rule === "gradeMean" ? "nearest mean of a grade" : "nearest reference"})`
  }: what the model must beat.</p>`;
}

function verdictsText({ verdicts, pValues }: Evaluation): Markup {
  const { right, turnedAway, turnedAwayInterval, alpha, strangersFound, strangersFoundInterval } = verdicts;
  return html`<p>At the fitted limits ${percent(right)} of the items get their own grade and ${percent(turnedAway)} are turned
away as unknown or unsure (95 %: ${rangeText(turnedAwayInterval)}; wanted: at most ${percent(alpha)}).${
    strangersFound === null
      ? ""
      : ` Of the strangers ${percent(strangersFound)} are found (95 %: ${rangeText(strangersFoundInterval)}).`
  }${pValues.items > 0 && pValues.items < 20 ? " With so few items all of this is a first look, not a measurement." : ""}</p>`;
}

function gradesSection({ perGrade, contamination }: Evaluation): Markup {
  return html`<h2>Grade by grade</h2>
<div class="scroll" tabindex="0" role="region" aria-label="table"><table><caption>Precision: of what is nearest to the grade, the share that is of it. Recall: of what is of the grade, the
share that is nearest to it. Small print: 95 %.</caption>
<thead><tr><th scope="col">grade</th><th scope="col">items</th><th scope="col">precision</th><th scope="col">recall</th></tr></thead>
<tbody>${perGrade.map(
    ({ grade, items, precision, recall, interval }) =>
      html`<tr><th scope="row">${grade}</th><td>${items}</td><td>${percent(precision)} <small>${rangeText(interval.precision)}</small></td>
<td>${percent(recall)} <small>${rangeText(interval.recall)}</small></td></tr>`,
  )}</tbody></table></div>
<h2>Out of class</h2>
<p class="soft">Of the fruit that got a grade, how many are of a worse one or of none, in this mixture of items, against what the standard
for apples allows by number: UNECE FFV-50, Extra 5 %, Class I and II 10 %; or the grade's own tolerance where the gallery has one.</p>
<div class="scroll" tabindex="0" role="region" aria-label="table"><table>
<thead><tr><th scope="col">grade</th><th scope="col">given</th><th scope="col">out of class</th><th scope="col">tolerance</th><th scope="col"></th><th scope="col">too good for it</th></tr></thead>
<tbody>${contamination.map((row) => {
    const [tolerance, kept] = toleranceText(row);
    return html`<tr><th scope="row">${row.grade}</th><td>${row.given}</td><td>${percent(row.contamination)} <small>${rangeText(row.interval)}</small></td>
<td>${tolerance}</td><td class="${row.keeps === "over" ? "bad" : row.keeps === "within" ? "good" : "soft"}">${kept}</td><td>${percent(row.tooGood)}</td></tr>`;
  })}</tbody></table></div>`;
}

function confusionTable(title: string, confusion: Confusion, grades: readonly string[]): Markup {
  const { truths, said } = axesOf(confusion, grades);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="table"><table><caption>${title}; rows: what they are, columns: what they were called</caption>
<thead><tr><th scope="col"></th>${said.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${truths.map((truth) => {
    const row = confusion[truth]!;
    const whole = Object.values(row).reduce((sum, count) => sum + count, 0);
    return html`<tr><th scope="row">${truth}</th>${said.map((name) => {
      const share = (row[name] ?? 0) / whole;
      // Blue where it is right, vermilion where it is wrong; the numbers say the same.
      const colour = name === truth ? "0, 114, 178" : "213, 94, 0";
      return html`<td style="background: rgba(${colour}, ${(share * 0.45).toFixed(2)})">${row[name] ?? 0}</td>`;
    })}</tr>`;
  })}</tbody></table></div>`;
}

function plots({ roc, pValues, unknownAuroc }: Evaluation): Markup {
  const [curve, reliability] = [
    roc === null ? null : rocPlot(roc, unknownAuroc),
    pValues.points.length === 0 ? null : pValuePlot(pValues),
  ];
  if (curve === null && reliability === null) return html``;
  return html`<h2>Strangers and limits</h2><div class="plots">${curve}${reliability}</div>`;
}

function rocPlot({ points, atLimit }: NonNullable<Evaluation["roc"]>, area: number | null): Markup {
  const at = `${percent(atLimit.found)} of strangers found, ${percent(atLimit.falseAlarms)} of good fruit called strange`;
  const path = points.map(({ found, falseAlarms }, i) => `${i === 0 ? "M" : "L"}${plotX(falseAlarms)} ${plotY(found)}`);
  return html`<figure>${unitPlot({
    label: `Strangers found against good fruit called strange, area ${area?.toFixed(3)}; at the limit ${at}`,
    xTitle: "good fruit called strange, %",
    yTitle: "strangers found, %",
    content: svg`<path d="${path.join("")}" fill="none" stroke="var(--mark)" stroke-width="2.5"/>
<circle cx="${plotX(atLimit.falseAlarms)}" cy="${plotY(atLimit.found)}" r="6" fill="var(--bad)" stroke="var(--paper)" stroke-width="2"/>`,
  })}<figcaption>Unknown fruit: area ${area?.toFixed(3)}. Dot, the fitted limit: ${at}.</figcaption></figure>`;
}

function pValuePlot({ items, points }: Evaluation["pValues"]): Markup {
  const line = points.map(({ t, share }, i) => `${i === 0 ? "M" : "L"}${plotX(t)} ${plotY(share)}`).join("");
  return html`<figure>${unitPlot({
    label: `Share of ${items} good items with a p-value of at most t, against t: ${points.map(({ t, share }) => `${t}: ${percent(share)}`).join(", ")}`,
    xTitle: "t, %",
    yTitle: "good items with p ≤ t, %",
    content: svg`${points.map(({ t, low, high }) => svg`<path d="M${plotX(t)} ${plotY(low)}V${plotY(high)}" stroke="var(--mark)" stroke-width="1.5" stroke-opacity=".6"/>`)}
<path d="${line}" fill="none" stroke="var(--mark)" stroke-width="2.5"/>
${points.map(({ t, share }) => svg`<circle cx="${plotX(t)}" cy="${plotY(share)}" r="3.5" fill="var(--mark)"/>`)}`,
  })}<figcaption>Calibration of the p-values of ${items} good items, with 95 % bars: on the diagonal or below it keeps what it promises.</figcaption></figure>`;
}

async function mistakesSection(parts: ReportParts): Promise<Markup> {
  const { mistakes } = parts;
  if (mistakes.length === 0) return html`<h2>Mistakes</h2><p>None: every item got its own grade.</p>`;
  const shown = mistakes.slice(0, MOST_PICTURES);
  const cards: Markup[] = [];
  for (const mistake of shown) cards.push(await card(mistake, parts));
  const more = mistakes.length > shown.length ? `; ${mistakes.length - shown.length} more are not shown` : "";
  return html`<h2>The worst mistakes</h2>
<p class="soft">The view that decided, and the nearest references${more}. Distances: 0 the same, 1.41 nothing in common.</p>
<ul class="cards">${cards}</ul>`;
}

async function card(mistake: ShownMistake, { by, cropOf }: ReportParts): Promise<Markup> {
  const { truth, verdict, kind, item, times, judged, source, tellingView } = mistake;
  const dimension = source.embeddings.length / source.views;
  const view = source.embeddings.subarray(tellingView * dimension, (tellingView + 1) * dimension);
  // Beside it what it was taken for, and what it should have been like.
  const beside = new Set([verdict, truth].filter((name) => by.references.some(({ grade }) => grade === name)));
  const figures: Markup[] = [
    html`<figure>${await picture(await cropOf(mistake), `${item}, of grade ${truth}`)}<figcaption><b>view ${tellingView + 1} of ${source.views}</b><br>${truth === UNKNOWN ? "stranger" : truth}</figcaption></figure>`,
  ];
  const nearest = new Map<string, number>();
  for (const grade of beside.size > 0 ? beside : [undefined]) {
    const counts = (reference: Reference, index: number): boolean =>
      (grade === undefined || reference.grade === grade) && by.counts(index, mistake);
    for (const neighbour of nearestViews(view, by.references, counts, NEIGHBOURS)) {
      const { grade: name, origin } = by.references[neighbour.reference]!;
      if (!nearest.has(name)) nearest.set(name, neighbour.distance);
      const crop = await by.crop(neighbour.reference, neighbour.view);
      figures.push(
        html`<figure>${await picture(crop, `reference ${origin}, of grade ${name}`)}<figcaption>${name}, ${neighbour.distance.toFixed(2)}<br><span class="soft">${shortName(origin)}</span></figcaption></figure>`,
      );
    }
  }
  const often = judged > 1 ? ` (${times} of ${judged} times)` : "";
  return html`<li><h3>${truth === UNKNOWN ? "Stranger" : truth} called ${verdict}${often}</h3>
<div class="strip">${figures}</div>
<p>${why(mistake, nearest)}</p><p class="soft">${advice[kind](truth, verdict)} <code>${item}</code></p></li>`;
}

function why({ verdict, truth, margin, distances }: ShownMistake, nearest: ReadonlyMap<string, number>): string {
  const cover = (name: string): string => distances.find(({ grade }) => grade === name)?.distance?.toFixed(2) ?? "–";
  const views = [...nearest].map(([name, distance]) => `${distance.toFixed(2)} from the nearest ${name}`).join(", ");
  const inside =
    margin === null ? "" : `${Math.abs(margin * 100).toFixed(0)} % ${margin >= 0 ? "inside" : "outside"} the limit`;
  if (verdict === "unknown") {
    return `No grade covers it, ${inside}. Worst view from ${truth} and better: ${cover(truth)}; this view is ${views}.`;
  }
  if (verdict === "unsure") return `Two grades are equally near to it as a whole; this view is ${views}.`;
  const worst = `Worst view that counts is ${cover(verdict)} from ${verdict} and better, ${inside}`;
  return `${worst}; this view is ${views}.`;
}

const advice: Record<ShownMistake["kind"], (truth: string, verdict: string) => string> = {
  "stranger graded": () => "If such fruit do come, enroll them as a grade of their own, or turn more good fruit away.",
  "too good a grade": (truth) => `Check its label; if it is ${truth}, enroll this item and more that look like it.`,
  "too bad a grade": (truth) => `Check its label; if it is ${truth}, enroll more of that grade that look like it.`,
  "called unknown": (truth) => `Enroll more ${truth} that look like it.`,
};

function notes({ warnings, skipped }: Evaluation): Markup | null {
  if (warnings.length === 0 && skipped.length === 0) return null;
  return html`<h2>To mind</h2><ul>${warnings.map((warning) => html`<li>${warning}</li>`)}
${skipped.slice(0, 20).map(({ path, reason }) => html`<li>passed over: <code>${path}</code>: ${reason}</li>`)}
${skipped.length > 20 ? html`<li>and ${skipped.length - 20} more files</li>` : null}</ul>`;
}
