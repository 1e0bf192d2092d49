import { setImmediate as turn } from "node:timers/promises";
import type { Crops, GradeReason, ItemDetail, QueueShown, Why } from "./console/view.ts";
import { embedAll } from "./enrol.ts";
import { readKeptCrops } from "./gallery-store.ts";
import type { Gallery } from "./grade/gallery.ts";
import { Grader } from "./grade/grader.ts";
import { type Neighbour, NeighbourSearch } from "./grade/nearest.ts";
import type { Station } from "./station.ts";
import { type KeptItem, spreadViews } from "./teach/kept.ts";

/** Items of the queue that are told at once; more appear as they are answered. */
const MAX_TOLD = 60;
/** Embeddings of items that had to be embedded again. */
const MAX_EMBEDDED = 32;
/** References compared between two turns of the event loop: about a millisecond. */
const REFERENCES_A_TURN = 32;

/** What the page looks at item by item: views, why a grade was given, the nearest references. */
export class StationItems {
  readonly #station: Station;
  readonly #embedded = new Map<string, Float32Array>();
  /** One item is embedded for people at a time: the line goes first. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(station: Station) {
    this.#station = station;
  }

  async detail(id: string): Promise<ItemDetail | undefined> {
    const kept = await this.#kept(id);
    if (kept === undefined) return undefined;
    const { recipe, teaching } = this.#station;
    const { verdict, crops } = kept;
    const queued = teaching.queue.get(id) !== undefined;
    const { gallery, grader, galleryHash } = recipe;
    const enrolled = gallery?.references.find((reference) => reference.id === id)?.grade ?? null;
    const blank = { verdict, queued, enrolled, views: crops.map(() => ({ nearest: [] })), why: null };
    if (gallery === undefined || !(grader instanceof Grader) || crops.length === 0) return blank;
    const embeddings = await this.#embeddingsOf(kept);
    const nearest = await neighboursOf(embeddings, crops.length, gallery);
    const { decision, like, rival, strangeness, limits } = grader.reasons(embeddings, crops.length);
    const why: Why = {
      gallery: galleryHash.slice(0, 16),
      outcome: decision.outcome,
      grade: decision.grade,
      like,
      rival,
      strangeness,
      grades: limits.map(({ grade, limit }, rank): GradeReason => {
        const { distance, pValue } = decision.grades[rank]!;
        const better = new Set(limits.slice(0, rank + 1).map((each) => each.grade));
        return { grade, limit, distance, pValue, uncovered: uncovered(nearest, better, limit) };
      }),
    };
    return { ...blank, views: nearest.map((neighbours) => ({ nearest: neighbours })), why };
  }

  async views(id: string): Promise<Crops | undefined> {
    const kept = await this.#kept(id);
    const { sizePx, cropFill: fill } = this.#station.embedder.model;
    return kept === undefined ? undefined : { sizePx, fill, crops: kept.crops };
  }

  /** Only names of enrolled items are looked for on disk. */
  async referenceViews(id: string): Promise<Crops | undefined> {
    const { gallery } = this.#station.recipe;
    if (!gallery?.references.some((reference) => reference.id === id)) return undefined;
    const crops = await readKeptCrops(this.#station.config.gallery, id, gallery.sizePx);
    return { sizePx: gallery.sizePx, fill: this.#station.embedder.model.cropFill, crops };
  }

  queue(): QueueShown {
    const items = this.#station.teaching.queue.list();
    return { total: items.length, items: items.slice(0, MAX_TOLD).map(({ verdict }) => verdict) };
  }

  async #kept(id: string): Promise<KeptItem | undefined> {
    const { latest, queue } = this.#station.teaching;
    const recent = latest.get(id);
    if (recent !== undefined) return recent;
    const queued = queue.get(id);
    if (queued === undefined) return undefined;
    const crops = await queue.crops(id);
    const kept = spreadViews(crops.length).map((view) => crops[view]!);
    return { verdict: queued.verdict, crops: kept, embeddings: undefined };
  }

  async #embeddingsOf({ verdict, crops, embeddings }: KeptItem): Promise<Float32Array> {
    const there = embeddings ?? this.#embedded.get(verdict.item);
    if (there !== undefined) return there;
    const work = this.#last.then(() => embedAll(this.#station.embedder, crops));
    this.#last = work.catch(() => {});
    const made = await work;
    this.#embedded.set(verdict.item, made);
    if (this.#embedded.size > MAX_EMBEDDED) this.#embedded.delete(this.#embedded.keys().next().value!);
    return made;
  }
}

async function neighboursOf(embeddings: Float32Array, count: number, gallery: Gallery): Promise<Neighbour[][]> {
  const search = new NeighbourSearch(embeddings, count);
  for (const [index, reference] of gallery.references.entries()) {
    search.take(reference);
    if (index % REFERENCES_A_TURN === REFERENCES_A_TURN - 1) await turn();
  }
  return search.neighbours();
}

function uncovered(nearest: readonly Neighbour[][], grades: ReadonlySet<string>, limit: number): number[] {
  return nearest.flatMap((neighbours, view) =>
    neighbours.some(({ grade, distance }) => grades.has(grade) && distance <= limit) ? [] : [view],
  );
}
