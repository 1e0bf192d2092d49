import type { EventEmitter } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { shortHash } from "../base/short-hash.ts";
import type { Crops, GradeReason, ItemDetail, QueueShown, ViewDetail, Why } from "../console/view.ts";
import type { Verdict } from "../contract/messages.ts";
import type { ProvenEmbedder } from "../embed/embedder.ts";
import { embedAll } from "../gallery/enroll.ts";
import { readKeptCrops } from "../gallery/store.ts";
import type { Gallery } from "../grade/gallery.ts";
import { Grader } from "../grade/grader.ts";
import { type Neighbour, NeighbourSearch } from "../grade/search/nearest.ts";
import type { Recipe } from "../recipes/load.ts";
import { camerasOfViews, type EnrollableItem, spreadViews } from "../teach/enrollable.ts";
import type { Teaching } from "../teach/teaching.ts";
import type { GradedItem, StationEvents } from "./hand-over.ts";

/** Items of the queue that are told at once; more appear as they are answered. */
const MAX_TOLD = 60;
/** Items whose embeddings are kept whole, so that what is told is what was decided by. */
const MAX_WHOLE = 128;
const MAX_WHOLE_BYTES = 4 * 1024 * 1024;
/** An item from the disk is embedded again, as much of it as does not hold the line up. */
const MAX_AGAIN = 32;
/** References compared between two turns of the event loop: about a millisecond. */
const REFERENCES_A_TURN = 32;

/** An item as it can be looked at. */
interface Looked {
  readonly verdict: Verdict;
  readonly crops: readonly Uint8Array[];
  /** Which views the crops are, of all that are explained. */
  readonly pictured: readonly number[];
  /** Of all views that are explained. */
  readonly embeddings: () => Promise<Float32Array>;
  readonly count: number;
  /** Which camera saw each of them, where the lane has several. */
  readonly cameras: readonly string[] | undefined;
}

export interface ItemsParts {
  readonly events: EventEmitter<StationEvents>;
  /** The active model. */
  readonly embedder: ProvenEmbedder;
  /** The active recipe. */
  readonly recipe: Recipe;
  readonly teaching: Pick<Teaching, "queue" | "latest">;
}

/** What the page looks at item by item: views, why a grade was given, the nearest references. */
export class StationItems {
  readonly #parts: ItemsParts;
  /** All embeddings of an item, by its name, with the hash of the model that made them. */
  readonly #whole = new Map<string, { readonly model: string; readonly rows: Float32Array }>();
  #bytes = 0;
  /** One item is embedded for people at a time: the line goes first. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: ItemsParts) {
    this.#parts = parts;
    parts.events.on("item", (item) => this.#seen(item));
  }

  async detail(id: string): Promise<ItemDetail | undefined> {
    const item = await this.#look(id);
    if (item === undefined) return undefined;
    const { verdict, pictured, count, cameras } = item;
    const { gallery, grader, galleryHash } = this.#parts.recipe;
    const queued = this.#parts.teaching.queue.get(id) !== undefined;
    const enrolled = gallery?.references.find((reference) => reference.id === id)?.grade ?? null;
    const viewOf = (view: number, near: readonly Neighbour[]): ViewDetail => ({
      nearest: near,
      ...(cameras?.[view] === undefined ? {} : { camera: cameras[view] }),
    });
    const blank = Array.from({ length: count }, (_, view) => viewOf(view, []));
    const detail = { verdict, queued, enrolled, views: blank, pictured, why: null };
    if (gallery === undefined || !(grader instanceof Grader) || count === 0) return detail;
    const embeddings = await item.embeddings();
    const nearest = await neighboursOf(embeddings, count, gallery);
    const { decision, like, rival, strangeness, limits } = grader.reasons(embeddings, count);
    const why: Why = {
      gallery: shortHash(galleryHash),
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
    return { ...detail, views: nearest.map((neighbours, view) => viewOf(view, neighbours)), why };
  }

  async views(id: string): Promise<Crops | undefined> {
    const item = await this.#look(id);
    const { sizePx, cropFill: fill } = this.#parts.embedder.model;
    return item === undefined ? undefined : { sizePx, fill, crops: item.crops };
  }

  /** Only names of enrolled items are looked for on disk. */
  async referenceViews(id: string): Promise<Crops | undefined> {
    const { gallery } = this.#parts.recipe;
    if (!gallery?.references.some((reference) => reference.id === id)) return undefined;
    const crops = await readKeptCrops(this.#parts.recipe.folder, id, gallery.sizePx);
    return { sizePx: gallery.sizePx, fill: this.#parts.embedder.model.cropFill, crops };
  }

  queue(): QueueShown {
    const items = this.#parts.teaching.queue.list();
    return { total: items.length, items: items.slice(0, MAX_TOLD).map(({ verdict }) => verdict) };
  }

  #seen({ verdict, decided: { crops, embeddings, embedded } }: GradedItem): void {
    if (embedded === crops.length && embedded > 0) this.#keep(verdict.item, verdict.model, embeddings.slice());
  }

  #keep(id: string, model: string, rows: Float32Array): void {
    this.#forget(id);
    this.#whole.set(id, { model, rows });
    this.#bytes += rows.byteLength;
    while (this.#whole.size > MAX_WHOLE || this.#bytes > MAX_WHOLE_BYTES)
      this.#forget(this.#whole.keys().next().value!);
  }

  #forget(id: string): void {
    this.#bytes -= this.#whole.get(id)?.rows.byteLength ?? 0;
    this.#whole.delete(id);
  }

  /** Only what the model in use made can be compared with its gallery. */
  #wholeOf(id: string): Float32Array | undefined {
    const kept = this.#whole.get(id);
    return kept?.model === this.#model ? kept.rows : undefined;
  }

  get #model(): string {
    return shortHash(this.#parts.embedder.model.hash);
  }

  async #look(id: string): Promise<Looked | undefined> {
    const { latest, queue } = this.#parts.teaching;
    const recent = latest.get(id);
    if (recent !== undefined) return this.#recent(recent);
    const queued = queue.get(id);
    if (queued === undefined) return undefined;
    const all = await queue.crops(id);
    const told = all.length <= MAX_AGAIN ? [...all.keys()] : spreadViews(all.length);
    const explained = told.map((view) => all[view]!);
    const seenBy = camerasOfViews(queued.verdict);
    const cameras = seenBy?.length === all.length ? told.map((view) => seenBy[view]!) : undefined;
    const pictured = spreadViews(explained.length);
    const crops = pictured.map((view) => explained[view]!);
    const embeddings = () => this.#embed(id, explained);
    return { verdict: queued.verdict, crops, pictured, embeddings, count: explained.length, cameras };
  }

  #recent({ verdict, crops, embeddings, cameras: keptBy }: EnrollableItem): Looked {
    const whole = this.#wholeOf(verdict.item);
    const count = whole === undefined ? crops.length : whole.length / this.#parts.embedder.model.dimension;
    const pictured = spreadViews(count);
    const seenBy = camerasOfViews(verdict);
    return {
      verdict,
      crops,
      pictured,
      embeddings: async () =>
        whole ?? (verdict.model === this.#model ? embeddings : undefined) ?? this.#embed(verdict.item, crops),
      count,
      cameras: seenBy === undefined ? undefined : seenBy.length === count ? seenBy : keptBy,
    };
  }

  async #embed(id: string, crops: readonly Uint8Array[]): Promise<Float32Array> {
    const there = this.#wholeOf(id);
    if (there?.length === crops.length * this.#parts.embedder.model.dimension) return there;
    const work = this.#last.then(async () => {
      // Another one may be in use when its turn has come.
      const { embedder } = this.#parts;
      const rows = await embedAll(embedder, crops);
      return { model: shortHash(embedder.model.hash), rows };
    });
    this.#last = work.catch(() => {});
    const { model, rows } = await work;
    this.#keep(id, model, rows);
    return rows;
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
