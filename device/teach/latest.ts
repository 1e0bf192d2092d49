import { type EnrollableItem, keep, type SeenItem } from "./enrollable.ts";

/** Items kept in memory, whatever lane they passed. */
const MAX_ITEMS = 128;
/** Pixels of all of them: a hundred items of twelve views of 96 x 96. */
const MAX_BYTES = 32 * 1024 * 1024;

/** The newest items of all lanes, so that one that was just seen can be enrolled by its name. */
export class LatestItems {
  readonly #items = new Map<string, EnrollableItem>();
  #bytes = 0;

  add(item: SeenItem): void {
    if (item.decided.crops.length === 0) return;
    const kept = keep(item);
    this.#forget(kept.verdict.item);
    this.#items.set(kept.verdict.item, kept);
    this.#bytes += bytesOf(kept);
    while (this.#items.size > MAX_ITEMS || (this.#bytes > MAX_BYTES && this.#items.size > 1)) {
      this.#forget(this.#items.keys().next().value!);
    }
  }

  get(id: string): EnrollableItem | undefined {
    return this.#items.get(id);
  }

  /** Oldest first. */
  list(): EnrollableItem[] {
    return [...this.#items.values()];
  }

  #forget(id: string): void {
    const kept = this.#items.get(id);
    if (kept === undefined) return;
    this.#bytes -= bytesOf(kept);
    this.#items.delete(id);
  }
}

function bytesOf({ crops }: EnrollableItem): number {
  return crops.reduce((sum, { length }) => sum + length, 0);
}
