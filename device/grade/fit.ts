import { GradelineError } from "../base/errors.ts";
import { describeItems } from "./descriptors.ts";
import type { Gallery } from "./gallery.ts";
import { fitNovelty, type Novelty } from "./novelty.ts";
import { fitPrototypes, type Prototypes } from "./prototypes.ts";
import { flatten, type ReferenceViews } from "./references.ts";
import { isRule, RULES, type RuleName } from "./rules/rule.ts";
import { describeTellingItems, fitLens, type Lens } from "./telling.ts";
import { DEFAULT_ALPHA, fitThresholds, type Thresholds } from "./thresholds.ts";

/** What is computed of a gallery before an item is decided by it: numbers alone, so that another thread may do it. */
export interface GraderFit {
  /** Best grade first. */
  readonly names: readonly string[];
  readonly references: ReferenceViews;
  readonly lens: Lens;
  /** Of the items as the lens shows them. */
  readonly prototypes: Prototypes;
  readonly thresholds: Thresholds;
  readonly novelty: Novelty;
  /** By which an item's views say what it is most like. */
  readonly rule: RuleName;
}

export interface FitOptions {
  /** Share of good fruit that may be called unknown, 0..1; else as the gallery was calibrated, else the usual one. */
  readonly alpha?: number | undefined;
  /** Likewise. */
  readonly rule?: RuleName | undefined;
}

/**
 * Seconds for thousands of references: each is held against all others.
 *
 * @throws {GradelineError} GALLERY_EMPTY when there is nothing to compare with
 */
export function fitGrader(gallery: Gallery, options: FitOptions = {}): GraderFit {
  const { fit } = gallery;
  const alpha = options.alpha ?? fit?.alpha ?? DEFAULT_ALPHA;
  // A rule of a newer release that is not known here: the usual one.
  const rule = options.rule ?? (fit !== undefined && isRule(fit.rule) ? fit.rule : RULES[0]);
  if (gallery.references.length === 0) throw new GradelineError("GALLERY_EMPTY", "the gallery has no references");
  // A grade whose references were all removed cannot be given.
  const names = gallery.grades.filter((name) => gallery.references.some(({ grade }) => grade === name));
  const references = flatten({ ...gallery, grades: names });
  const items = describeItems(references);
  const lens = fitLens(references, gallery.emphasis);
  return {
    names,
    references,
    lens,
    prototypes: fitPrototypes(references, describeTellingItems(references, lens)),
    // Good fruit may fail either test, so each has half of what may be called unknown.
    thresholds: fitThresholds(references, alpha / 2),
    novelty: fitNovelty(items, references.dimension, alpha / 2),
    rule,
  };
}
