import { shortHash } from "../base/short-hash.ts";
import { formatMicros, readClock } from "../base/time.ts";
import { type Codes, codesFor } from "../contract/codes.ts";
import type { VerdictDraft } from "../contract/messages.ts";
import type { DecidedItem } from "../recipes/decided-item.ts";
import type { ProductMap } from "./products.ts";

/** The message of a decided item, before the journal gives it its sequence number. */
export function draftVerdict(device: string, codes: Codes, item: DecidedItem, products?: ProductMap): VerdictDraft {
  const { decision, passed, by } = item;
  // All its times by the same clock, also where that was set a moment ago.
  readClock();
  const { outcomeCode, gradeCode } = codesFor(codes, decision);
  const sizeMm = passed.sizeMm === undefined ? null : Math.round(passed.sizeMm * 10) / 10;
  const leaving = products?.leaving({ outcome: decision.outcome, grade: decision.grade, sizeMm }, item.lane);
  const gateAt = passed.gateAt + (leaving?.laterUs ?? 0);
  return {
    v: 2,
    device,
    lane: item.lane.id,
    item: item.id,
    outcome: decision.outcome,
    outcomeCode,
    ...(decision.reason === undefined ? {} : { reason: decision.reason }),
    grade: decision.grade,
    gradeCode,
    margin: decision.margin === null ? null : sixDigits(decision.margin),
    grades: decision.grades.map(({ grade, distance, pValue }) => ({
      grade,
      distance: distance === null ? null : sixDigits(distance),
      pValue: pValue === null ? null : sixDigits(pValue),
    })),
    views: passed.views,
    ...(item.sides === undefined ? {} : { sides: item.sides }),
    ...camerasIn(item),
    sizeMm,
    ...(item.lot === undefined ? {} : { lot: item.lot }),
    ...(leaving === undefined ? {} : { product: leaving.product }),
    ...(leaving?.outlet === undefined ? {} : { outlet: leaving.outlet }),
    cup: passed.cup ?? null,
    exposedAt: formatMicros(passed.exposedAt),
    decidedAt: formatMicros(item.decidedAt),
    gateAt: formatMicros(gateAt),
    late: item.decidedAt > gateAt,
    recipe: by.recipe,
    model: shortHash(by.modelHash),
    gallery: shortHash(by.galleryHash),
    ms: item.ms,
  };
}

/** Which cameras of a lane of several it is made of, and which it had to do without. */
function camerasIn({ lane, cameras, camerasMissing = [], from = [] }: DecidedItem): Partial<VerdictDraft> {
  if (cameras === undefined) return {};
  const views = cameras.map((name) => from.filter((index) => lane.cameras[index]!.camera === name).length);
  return {
    cameras: [...cameras],
    cameraViews: views,
    ...(camerasMissing.length === 0 ? {} : { camerasMissing: [...camerasMissing] }),
  };
}

/** Six digits say all that a float32 distance holds. */
function sixDigits(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
