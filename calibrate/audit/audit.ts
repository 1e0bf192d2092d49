import { median } from "../../device/base/numbers.ts";
import { describeItems, type ItemDescriptors } from "../../device/grade/descriptors.ts";
import type { Gallery, Reference } from "../../device/grade/gallery.ts";
import { flatten, type ReferenceViews } from "../../device/grade/references.ts";
import { itemsNeeded } from "../evaluate/needed.ts";
import { aboutCameras } from "./by-camera.ts";
import { findDuplicates } from "./duplicates.ts";
import { aboutGrades, type Finding, sortFindings } from "./findings.ts";
import { findMisfits } from "./misfits.ts";
import { percent, pictureFaults } from "./picture-faults.ts";
import type { Qualities } from "./quality.ts";

export interface AuditOptions {
  /** Share of good fruit that is to be called unknown, for which there should be items enough. */
  readonly alpha: number;
  /** Only findings about these references, judged among all; undefined: all. */
  readonly only?: ReadonlySet<string>;
}

/** Fewer items than this are a guess, whatever is asked for. */
const LEAST_ITEMS = 5;
/** So many of an item's views must show it: one of many, as a fruit leaves the frame, does no harm. */
const SHARE_OF_VIEWS = 0.2;
/** Views of one item that differ less than this share of what is usual show one side. */
const ONE_SIDE = 0.15;
/** How much its views must usually differ for that to say anything: 1 - |mean|². */
const USUAL_SPREAD = 0.005;
/** Of a grade with few items so many are shown. */
const MOST_SHOWN = 6;
/** Items that have several views usually have so many. */
const SEVERAL_VIEWS = 3;

/**
 * Looks through references for what spoils verdicts. Pure: what the pictures show is measured before.
 *
 * @returns the worst first
 */
export function auditGallery(gallery: Gallery, qualities: Qualities, { alpha, only }: AuditOptions): Finding[] {
  const { references } = gallery;
  if (references.length === 0) return [];
  const flat = flatten(gallery);
  const items = describeItems(flat);
  const all = [
    ...findDuplicates(references, items, gallery.grades, qualities),
    ...findMisfits(gallery, flat),
    ...fewItems(gallery, alpha),
    ...oneSided(references, flat, items),
    ...badPictures(references, qualities),
    ...aboutCameras(gallery, qualities),
  ];
  const about = (finding: Finding): boolean => {
    if (only === undefined) return true;
    const whole = aboutGrades(finding);
    return whole.length === 0
      ? finding.items.some((id) => only.has(id))
      : references.some(({ id, grade }) => only.has(id) && whole.includes(grade));
  };
  return sortFindings(all.filter(about));
}

function fewItems({ grades, references }: Gallery, alpha: number): Finding[] {
  const wanted = itemsNeeded(alpha);
  return grades.flatMap((grade) => {
    const own = references.filter((reference) => reference.grade === grade);
    const count = own.length;
    if (count === 0 || count >= Math.max(LEAST_ITEMS, wanted)) return [];
    const severity = count < LEAST_ITEMS ? "problem" : "advice";
    const items = count === 1 ? "1 item" : `${count} items`;
    return [
      {
        kind: "few-items",
        severity,
        grade,
        items: own.slice(0, MOST_SHOWN).map(({ id }) => id),
        views: own.slice(0, MOST_SHOWN).map(({ views }) => views >> 1),
        found: `${grade} has ${items}: a limit that calls ${percent(alpha)} of good fruit unknown takes ${wanted}`,
        advice: `enroll ${Math.max(LEAST_ITEMS, wanted) - count} more ${grade}, as different from each other as they come`,
      },
    ];
  });
}

function oneSided(
  references: readonly Reference[],
  flat: ReferenceViews,
  { lengths, views }: ItemDescriptors,
): Finding[] {
  const many = median([...views]) >= SEVERAL_VIEWS;
  // Views that agree have a mean of length 1.
  const spreads = Array.from(lengths, (length, item) => (views[item]! > 1 ? 1 - length ** 2 : Number.NaN));
  const all = spreads.filter((spread) => !Number.isNaN(spread));
  return references.flatMap(({ id, grade, origin }, item) => {
    // Faults make views differ: a grade is its own measure where it has items enough.
    const own = spreads.filter((spread, i) => !Number.isNaN(spread) && references[i]!.grade === grade);
    const measured = own.length >= LEAST_ITEMS ? own : all;
    const usual = measured.length === 0 ? 0 : median(measured);
    const single = many && views[item] === 1;
    const alike = views[item]! > 1 && usual >= USUAL_SPREAD && spreads[item]! < ONE_SIDE * usual;
    if (flat.items < 3 || (!single && !alike)) return [];
    const found = single
      ? `${origin} has one view, others of this gallery have ${median([...views])}`
      : `the ${views[item]} views of ${origin} are almost the same: they differ ${Math.round((spreads[item]! / usual) * 100)} % as much as is usual`;
    return [
      {
        kind: "one-sided",
        severity: "advice",
        grade,
        items: [id],
        views: [0],
        found,
        advice: "enroll it from all sides, or a fault on the other side stays unknown",
      },
    ];
  });
}

function badPictures(references: readonly Reference[], qualities: Qualities): Finding[] {
  const sharp = [...qualities.values()].flat().map(({ sharpness }) => sharpness);
  const faults = pictureFaults(sharp.length > 1 ? median(sharp) : undefined);
  return references.flatMap(({ id, grade, origin }) => {
    const views = qualities.get(id) ?? [];
    return faults.flatMap(({ kind, bad, badness, found, advice }) => {
      const count = views.filter(bad).length;
      if (count === 0 || count < SHARE_OF_VIEWS * views.length) return [];
      const worst = views.reduce((a, view, i) => (badness(view) > badness(views[a]!) ? i : a), 0);
      const share = views.length === 1 ? "" : `${count} of ${views.length} views of `;
      const severity = count > views.length / 2 ? "problem" : "advice";
      return [
        {
          kind,
          severity,
          grade,
          items: [id],
          views: [worst],
          found: `${share}${origin} ${found(views[worst]!)}`,
          advice: `${advice}; remove it and enroll the fruit again`,
        },
      ] satisfies Finding[];
    });
  });
}
