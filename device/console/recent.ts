import sharp from "sharp";
import type { ItemMessage, ItemShown, ViewShown } from "./view.ts";

/** Items kept of each lane; the page shows as many. */
export const ITEMS_PER_LANE = 24;
/** More than a configuration may have. */
const MAX_LANES = 64;

interface Kept {
  readonly message: ItemMessage;
  view: ViewShown | null;
  jpeg: Promise<Buffer> | undefined;
}

/** The last items of every lane, with their pictures. */
export class RecentItems {
  /** Oldest first. */
  readonly #lanes = new Map<string, Kept[]>();
  readonly #byId = new Map<string, Kept>();

  /** @returns what to tell about it */
  add(item: ItemShown): ItemMessage {
    const { verdict, view, spot } = item;
    const thumb = view === null ? null : `/thumb/${encodeURIComponent(verdict.item)}`;
    const message = { ...verdict, view: view?.index ?? null, thumb, spot };
    const lane = this.#laneOf(verdict.lane);
    if (lane === undefined) return { ...message, thumb: null };
    const kept: Kept = { message, view, jpeg: undefined };
    lane.push(kept);
    this.#byId.set(verdict.item, kept);
    if (lane.length > ITEMS_PER_LANE) {
      const gone = lane.shift()!;
      if (this.#byId.get(gone.message.item) === gone) this.#byId.delete(gone.message.item);
    }
    return message;
  }

  /** By lane, newest first. */
  list(): Record<string, ItemMessage[]> {
    return Object.fromEntries(
      Array.from(this.#lanes, ([lane, kept]) => [lane, kept.map(({ message }) => message).reverse()]),
    );
  }

  /** The picture of an item as JPEG, made when first asked for; undefined where it is not kept or has none. */
  thumb(id: string): Promise<Buffer> | undefined {
    const kept = this.#byId.get(id);
    if (kept === undefined) return undefined;
    if (kept.view !== null) {
      kept.jpeg = encode(kept.view);
      // The pixels are ten times the JPEG.
      kept.view = null;
    }
    return kept.jpeg;
  }

  #laneOf(id: string): Kept[] | undefined {
    const lane = this.#lanes.get(id);
    if (lane !== undefined || this.#lanes.size >= MAX_LANES) return lane;
    const made: Kept[] = [];
    this.#lanes.set(id, made);
    return made;
  }
}

function encode({ crop, sizePx }: ViewShown): Promise<Buffer> {
  return (
    sharp(crop, { raw: { width: sizePx, height: sizePx, channels: 3 } })
      // Small faults are colour: no subsampling.
      .jpeg({ quality: 85, chromaSubsampling: "4:4:4" })
      .toBuffer()
  );
}
