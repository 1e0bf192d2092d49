import { GradelineError } from "../base/errors.ts";
import type { GraderFit } from "../grade/fit.ts";
import type { Gallery } from "../grade/gallery.ts";
import { DEFAULT_ALPHA } from "../grade/thresholds.ts";
import { labelOf, type Manifest } from "./manifest.ts";

/** Distances are told to six digits; another processor adds up in another order. */
const TOLERANCE = 1e-4;

/** What a manifest says of grades and thresholds. */
export function gradesOfManifest(gallery: Gallery, fit: GraderFit): Pick<Manifest, "grades" | "thresholds"> {
  return {
    grades: fit.names.map((grade, g) => ({
      grade,
      items: gallery.references.filter((reference) => reference.grade === grade).length,
      tolerance: gallery.tolerances?.[grade] ?? null,
      limit: rounded(fit.thresholds.limit[g]!),
    })),
    thresholds: {
      rule: fit.rule,
      alpha: gallery.fit?.alpha ?? DEFAULT_ALPHA,
      fittedAt: gallery.fit?.fittedAt ?? null,
      kinLimit: rounded(fit.kin.limit),
    },
  };
}

/**
 * Holds what this gradeline makes of a recipe's gallery against what was released: another release of the program, with
 * other limits, would grade otherwise under the same name.
 *
 * @throws {GradelineError} RECIPE
 */
export function checkThresholds(manifest: Manifest, gallery: Gallery, fit: GraderFit): void {
  const { grades, thresholds } = gradesOfManifest(gallery, fit);
  const differ = (a: number, b: number): boolean => !(Math.abs(a - b) <= TOLERANCE);
  const refuse = (found: string): never => {
    throw new GradelineError(
      "RECIPE",
      `${labelOf(manifest)} was released by gradeline ${manifest.madeWith} and would grade otherwise here: ${found}`,
      { hint: "release it again with this version of gradeline, from the same gallery" },
    );
  };
  const names = (all: Manifest["grades"]): string => all.map(({ grade }) => grade).join(", ");
  if (names(grades) !== names(manifest.grades)) {
    refuse(`found the grades ${names(grades)}, wanted ${names(manifest.grades)}`);
  }
  if (thresholds.rule !== manifest.thresholds.rule) {
    refuse(`found the item rule ${thresholds.rule}, wanted ${manifest.thresholds.rule}`);
  }
  for (const [g, { grade, limit }] of grades.entries()) {
    const wanted = manifest.grades[g]!.limit;
    if (differ(limit, wanted)) refuse(`found the limit ${limit} of ${grade}, wanted ${wanted}`);
  }
  if (differ(thresholds.kinLimit, manifest.thresholds.kinLimit)) {
    refuse(`found the limit ${thresholds.kinLimit} of whole items, wanted ${manifest.thresholds.kinLimit}`);
  }
}

function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
