import type { Emphasis } from "../base/emphasis.ts";
import { GradelineError } from "../base/errors.ts";

/** An enrolled item: its grade and its views as the model of the gallery saw them. */
export interface Reference {
  /** Unique in the gallery. */
  readonly id: string;
  readonly grade: string;
  /** Where it came from, for people: a path, a lane and item. */
  readonly origin: string;
  /** RFC 3339, UTC. */
  readonly enrolledAt: string;
  readonly views: number;
  /** (views, dimension) row-major, unit rows. */
  readonly embeddings: Float32Array;
  /** sha256 of its views' pixels, hex, by which the same pictures are known again; undefined in older galleries. */
  readonly digest?: string | undefined;
  /** Cameras that saw it, each once; undefined for photographs and in older galleries. */
  readonly cameras?: readonly string[] | undefined;
  /** Of several cameras the one that saw each view, by its index among them. */
  readonly from?: readonly number[] | undefined;
}

/** How a rule did on the gallery's own items, each judged by all others. */
export interface RuleFigure {
  readonly rule: string;
  /** Mean over the grades of the share of items whose grade was found, 0..1. */
  readonly itemBalancedAccuracy: number;
  /** Central 95 % over draws of the items. */
  readonly low: number;
  readonly high: number;
}

/** A calibration: what was decided about how to judge, and what it was decided on. Limits follow from the references. */
export interface GalleryFit {
  /** Name of the item rule. */
  readonly rule: string;
  /** Share of good fruit that may be called unknown, 0..1. */
  readonly alpha: number;
  /** RFC 3339, UTC. */
  readonly fittedAt: string;
  /** Identifies the references it was fitted on; others make it out of date. */
  readonly references: string;
  /** Of all rules that were compared, best first. */
  readonly figures: readonly RuleFigure[];
  /** Settings of each camera that took the references' place, by its id, as a hash; null where none was known. */
  readonly cameras: ReadonlyMap<string, string> | null;
}

/** What a gallery knows of its model. */
export interface GalleryModel {
  /** sha256, hex. */
  readonly hash: string;
  readonly dimension: number;
  readonly sizePx: number;
  readonly emphasis?: readonly Emphasis[] | undefined;
  readonly cropMargin?: number | undefined;
  readonly cropFill?: number | undefined;
}

/** How views were cut before a gallery could say it, and how it says nothing still. */
export const USUAL_CROP = { margin: 0.06, fill: 118 } as const;

/** All references, bound to the model that embedded them. Immutable: what changes it makes another one. */
export interface Gallery {
  /** Identity of the model, hex. */
  readonly modelHash: string;
  readonly dimension: number;
  readonly sizePx: number;
  /** How the views were cut; absent where as in {@link USUAL_CROP}. */
  readonly crop?: { readonly margin: number; readonly fill: number } | undefined;
  /** As the model asks for; undefined where all components count alike. */
  readonly emphasis?: readonly Emphasis[] | undefined;
  /** Best grade first; each has a reference or had one. */
  readonly grades: readonly string[];
  readonly references: readonly Reference[];
  /** By grade: the share of a lot that may be of another grade, 0..1, where people gave one. */
  readonly tolerances?: ReadonlyMap<string, number> | undefined;
  /** Undefined until somebody fits it. */
  readonly fit?: GalleryFit | undefined;
}

/** Names that people give to grades, best first; what is not among them comes after, by alphabet. */
const KNOWN_ORDER = [
  ["extra", "premium", "aa"],
  ["sound", "fresh", "good", "healthy", "ok", "a", "class1", "class-1", "class 1", "first", "i"],
  ["second", "mid", "b", "class2", "class-2", "class 2", "ii"],
  ["third", "industry", "juice", "c", "class3", "class-3", "class 3", "iii"],
  ["reject", "rotten", "late", "bad", "waste", "cull"],
];

/** Whether people usually call a grade so. */
export function isUsualGrade(name: string): boolean {
  return KNOWN_ORDER.some((group) => group.includes(name.toLowerCase()));
}

/**
 * Grades in the order best to worst: those of `order` first, then known names, then the rest by alphabet.
 */
export function orderGrades(names: Iterable<string>, order: readonly string[] = []): string[] {
  const rank = (name: string): number => {
    const given = order.indexOf(name);
    if (given >= 0) return given;
    const known = KNOWN_ORDER.findIndex((group) => group.includes(name.toLowerCase()));
    return order.length + (known >= 0 ? known : KNOWN_ORDER.length);
  };
  return [...new Set(names)].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

export function emptyGallery(model: GalleryModel): Gallery {
  const { hash, dimension, sizePx, emphasis } = model;
  const crop = cropOf(model);
  const asked = { ...(crop === undefined ? {} : { crop }), ...(emphasis === undefined ? {} : { emphasis }) };
  return { modelHash: hash, dimension, sizePx, ...asked, grades: [], references: [] };
}

/** What a gallery says of how its views were cut. */
export function cropOf({ cropMargin, cropFill }: GalleryModel): Gallery["crop"] {
  const { margin, fill } = { margin: cropMargin ?? USUAL_CROP.margin, fill: cropFill ?? USUAL_CROP.fill };
  return margin === USUAL_CROP.margin && fill === USUAL_CROP.fill ? undefined : { margin, fill };
}

/**
 * The gallery with more references; a grade that is new takes its place by the usual names.
 *
 * @throws {GradelineError} EMBEDDING_SHAPE when a reference does not have the gallery's shape
 */
export function withReferences(gallery: Gallery, added: readonly Reference[]): Gallery {
  for (const reference of added) {
    const { id, views, embeddings } = reference;
    if (views < 1 || embeddings.length !== views * gallery.dimension) {
      throw new GradelineError(
        "EMBEDDING_SHAPE",
        `reference ${id} has ${views} views and ${embeddings.length} values, wanted ${gallery.dimension} values a view`,
      );
    }
  }
  const ids = new Set(added.map(({ id }) => id));
  const references = [...gallery.references.filter(({ id }) => !ids.has(id)), ...added];
  const names = new Set([...gallery.grades, ...added.map(({ grade }) => grade)]);
  return {
    ...gallery,
    grades: orderGrades(names, gallery.grades.length > 0 ? knownOrder(gallery.grades, names) : []),
    references,
  };
}

/** An order that people gave stays; a new grade goes where its usual name puts it among them, else last. */
function knownOrder(given: readonly string[], names: ReadonlySet<string>): string[] {
  const order = [...given];
  for (const name of orderGrades([...names].filter((candidate) => !given.includes(candidate)))) {
    const usual = orderGrades([...order, name]);
    const next = usual.slice(usual.indexOf(name) + 1).find((other) => order.includes(other));
    if (next === undefined) order.push(name);
    else order.splice(order.indexOf(next), 0, name);
  }
  return order;
}
