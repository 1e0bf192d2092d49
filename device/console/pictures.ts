import { encodeJpeg } from "../capture/image.ts";
import { laySheet } from "../gallery/sheet.ts";
import type { Crops } from "./view.ts";

/** Pictures that are kept made. */
const MAX_KEPT = 128;
/** Small faults must be seen. */
const QUALITY = 90;
const MAX_BYTES = 4 * 1024 * 1024;

/** JPEGs made when they are first asked for, the newest of them kept. */
export class Pictures {
  readonly #kept = new Map<string, Promise<Buffer | undefined>>();
  readonly #bytes = new Map<string, number>();
  #total = 0;

  /**
   * @param key names the picture for as long as it is the same
   * @returns undefined where `read` finds nothing
   */
  async get(key: string, read: () => Promise<Crops | undefined>, lay: Layout): Promise<Buffer | undefined> {
    const there = this.#kept.get(key);
    if (there !== undefined) return there;
    const made = read().then((crops) => (crops === undefined ? undefined : lay(crops)));
    this.#kept.set(key, made);
    try {
      const jpeg = await made;
      if (jpeg === undefined) this.#forget(key);
      else this.#count(key, jpeg.length);
      return jpeg;
    } catch (error) {
      this.#forget(key);
      throw error;
    }
  }

  #count(key: string, bytes: number): void {
    this.#bytes.set(key, bytes);
    this.#total += bytes;
    while (this.#bytes.size > MAX_KEPT || (this.#total > MAX_BYTES && this.#bytes.size > 1)) {
      this.#forget(this.#bytes.keys().next().value!);
    }
  }

  #forget(key: string): void {
    this.#kept.delete(key);
    this.#total -= this.#bytes.get(key) ?? 0;
    this.#bytes.delete(key);
  }
}

export type Layout = (crops: Crops) => Promise<Buffer | undefined>;

/** All views side by side, in rows of {@link sheetColumns}. */
export const sheet: Layout = async ({ crops, sizePx, fill }) =>
  crops.length === 0 ? undefined : encodeJpeg(laySheet(crops, sizePx, fill), QUALITY);

/** The view from the middle. */
export const single: Layout = async ({ crops, sizePx }) => {
  const data = crops[Math.floor(crops.length / 2)];
  return data === undefined ? undefined : encodeJpeg({ widthPx: sizePx, heightPx: sizePx, data }, QUALITY);
};
