import { GradelineError } from "../base/errors.ts";
import type { Gallery, Reference } from "./gallery.ts";

/*
 * What people change about a gallery that is there. Each makes another gallery; none touches the one it is given.
 */

/** Fewest letters of an id that name an item. */
const SHORTEST_PREFIX = 4;

/**
 * The reference with this id, or the only one whose id begins so.
 *
 * @throws {GradelineError} USAGE when there is none, or more than one
 */
export function findReference(gallery: Gallery, name: string): Reference {
  const exact = gallery.references.find(({ id }) => id === name);
  if (exact !== undefined) return exact;
  if (name.length < SHORTEST_PREFIX) {
    throw new GradelineError(
      "USAGE",
      `found ${JSON.stringify(name)}, wanted ${SHORTEST_PREFIX} letters of an id or more`,
      {
        hint: "gradeline-calibrate list shows them",
      },
    );
  }
  const found = gallery.references.filter(({ id }) => id.startsWith(name));
  if (found.length === 1) return found[0]!;
  const what =
    found.length === 0
      ? `found no item ${JSON.stringify(name)}, wanted one that is enrolled`
      : `found ${found.length} items that begin with ${JSON.stringify(name)}, wanted one`;
  throw new GradelineError("USAGE", what, {
    hint: `gradeline-calibrate list shows them; ${SHORTEST_PREFIX} letters or more of an id are enough`,
  });
}

/** Without some references. A grade that loses its last one stays, in its place, for the next. */
export function withoutReferences(gallery: Gallery, ids: ReadonlySet<string>): Gallery {
  return { ...gallery, references: gallery.references.filter(({ id }) => !ids.has(id)) };
}

/** @throws {GradelineError} GRADE when the gallery does not have the grade */
export function relabelled(gallery: Gallery, ids: ReadonlySet<string>, grade: string): Gallery {
  needGrade(gallery, grade);
  return {
    ...gallery,
    references: gallery.references.map((reference) => (ids.has(reference.id) ? { ...reference, grade } : reference)),
  };
}

/**
 * Grades in another order, best first.
 *
 * @throws {GradelineError} GRADE when the order leaves one out or names one that is not there
 */
export function reordered(gallery: Gallery, order: readonly string[]): Gallery {
  const same = new Set(order).size === order.length && order.length === gallery.grades.length;
  if (!same || order.some((name) => !gallery.grades.includes(name))) {
    throw new GradelineError(
      "GRADE",
      `found the order ${order.join(", ")}, wanted each grade once: ${gallery.grades.join(", ")}`,
    );
  }
  return { ...gallery, grades: [...order] };
}

/** @throws {GradelineError} GRADE when there is no such grade, or one of the new name */
export function renamed(gallery: Gallery, from: string, to: string): Gallery {
  needGrade(gallery, from);
  if (gallery.grades.includes(to)) {
    throw new GradelineError("GRADE", `there is a grade ${to} already`, {
      hint: `to put the items of both together: gradeline-calibrate relabel ITEM… ${to}`,
    });
  }
  const tolerances = new Map(
    [...(gallery.tolerances ?? [])].map(([name, share]) => [name === from ? to : name, share]),
  );
  return {
    ...gallery,
    grades: gallery.grades.map((name) => (name === from ? to : name)),
    tolerances,
    references: gallery.references.map((reference) =>
      reference.grade === from ? { ...reference, grade: to } : reference,
    ),
  };
}

/** Without a grade that has no references any more. @throws {GradelineError} GRADE */
export function withoutGrade(gallery: Gallery, grade: string): Gallery {
  needGrade(gallery, grade);
  const items = gallery.references.filter((reference) => reference.grade === grade).length;
  if (items > 0) {
    throw new GradelineError("GRADE", `${grade} has ${items} items, wanted none before it goes`, {
      hint: "remove or relabel them first",
    });
  }
  const tolerances = new Map(gallery.tolerances);
  tolerances.delete(grade);
  return { ...gallery, grades: gallery.grades.filter((name) => name !== grade), tolerances };
}

/**
 * @param share of a lot that may be of another grade, 0..1; undefined: the usual one again
 * @throws {GradelineError} GRADE when there is no such grade
 */
export function withTolerance(gallery: Gallery, grade: string, share: number | undefined): Gallery {
  needGrade(gallery, grade);
  const tolerances = new Map(gallery.tolerances);
  if (share === undefined) tolerances.delete(grade);
  else tolerances.set(grade, share);
  return { ...gallery, tolerances };
}

/** @throws {GradelineError} GRADE */
export function needGrade(gallery: Gallery, grade: string): void {
  if (gallery.grades.includes(grade)) return;
  throw new GradelineError("GRADE", `found the grade ${JSON.stringify(grade)}, wanted one of the gallery's`, {
    hint: gallery.grades.length === 0 ? "nothing is enrolled yet" : `its grades are ${gallery.grades.join(", ")}`,
  });
}

/** What became of the items from one gallery to the next. */
export interface GalleryChange {
  readonly added: readonly Reference[];
  readonly removed: readonly Reference[];
  readonly relabelled: readonly { readonly reference: Reference; readonly from: string }[];
  /** The order, a name, a tolerance or the calibration. */
  readonly settings: boolean;
  /** By the embeddings of another model. */
  readonly model: boolean;
}

export function changeOf(before: Gallery, after: Gallery): GalleryChange {
  const old = new Map(before.references.map((reference) => [reference.id, reference]));
  const kept = new Set(after.references.map(({ id }) => id));
  const settingsOf = ({ grades, tolerances = new Map(), fit }: Gallery): string =>
    JSON.stringify([grades, [...tolerances], { ...fit, cameras: [...(fit?.cameras ?? [])] }]);
  return {
    added: after.references.filter(({ id }) => !old.has(id)),
    removed: before.references.filter(({ id }) => !kept.has(id)),
    relabelled: after.references.flatMap((reference) => {
      const from = old.get(reference.id)?.grade;
      return from === undefined || from === reference.grade ? [] : [{ reference, from }];
    }),
    settings: settingsOf(before) !== settingsOf(after),
    model: before.modelHash !== after.modelHash,
  };
}
