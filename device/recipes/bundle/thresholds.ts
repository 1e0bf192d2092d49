import { rounded } from "../../base/numbers.ts";
import { VERSION } from "../../base/version.ts";
import type { GraderFit } from "../../grade/fit.ts";
import type { Gallery } from "../../grade/gallery.ts";
import { DEFAULT_ALPHA } from "../../grade/thresholds.ts";
import { labelOf, type Manifest } from "./manifest.ts";

/** Distances are told to six digits; another processor adds up in another order. */
const TOLERANCE = 1e-4;

/** What a manifest says of grades and thresholds. */
export function gradesOfManifest(gallery: Gallery, fit: GraderFit): Pick<Manifest, "grades" | "thresholds"> {
  return {
    grades: fit.names.map((grade, g) => ({
      grade,
      items: gallery.references.filter((reference) => reference.grade === grade).length,
      tolerance: gallery.tolerances?.get(grade) ?? null,
      limit: rounded(fit.thresholds.limit[g]!, 6),
    })),
    thresholds: {
      rule: fit.rule,
      alpha: gallery.fit?.alpha ?? DEFAULT_ALPHA,
      fittedAt: gallery.fit?.fittedAt ?? null,
      kinLimit: rounded(fit.novelty.limit, 6),
    },
  };
}

/**
 * Holds what this gradeline makes of a recipe's gallery against what was released: another release of the program, with
 * other limits, would grade otherwise under the same name.
 *
 * @returns what differs, for people; undefined where nothing does
 */
export function otherThresholds(manifest: Manifest, gallery: Gallery, fit: GraderFit): string | undefined {
  const found = difference(manifest, gradesOfManifest(gallery, fit));
  if (found === undefined) return undefined;
  return `${labelOf(manifest)} was released by gradeline ${manifest.madeWith} and grades otherwise by ${VERSION}: ${found}`;
}

function difference(
  { grades, thresholds }: Manifest,
  now: Pick<Manifest, "grades" | "thresholds">,
): string | undefined {
  const names = (all: Manifest["grades"]): string => all.map(({ grade }) => grade).join(", ");
  if (names(now.grades) !== names(grades)) return `found the grades ${names(now.grades)}, wanted ${names(grades)}`;
  if (now.thresholds.rule !== thresholds.rule) {
    return `found the item rule ${now.thresholds.rule}, wanted ${thresholds.rule}`;
  }
  const pairs = [
    ...grades.map(({ grade, limit }, g) => ({ of: grade, found: now.grades[g]!.limit, wanted: limit })),
    { of: "whole items", found: now.thresholds.kinLimit, wanted: thresholds.kinLimit },
  ];
  const odd = pairs.find(({ found, wanted }) => !(Math.abs(found - wanted) <= TOLERANCE));
  return odd === undefined ? undefined : `found the limit ${odd.found} of ${odd.of}, wanted ${odd.wanted}`;
}
