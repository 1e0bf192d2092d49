import sharp from "sharp";
import { type Image, readImage } from "../../device/capture/image.ts";
import type { Model } from "../../device/embed/embedder.ts";
import { StillCropper } from "../../device/vision/still.ts";
import type { Remarks } from "./remarks.ts";

/** Longer sides are shrunk to this, or to so many crops: a fruit that covers a twentieth still fills a crop. */
const LARGE_PX = 512;
const LARGE_CROPS = 5;

/** A picture with a shorter side shows nothing. */
const MIN_SIDE_PX = 16;
/** Something beside the fruit that is so large, as a share of it, may be another one. */
const SECOND_SHARE = 0.3;

/** Pictures that are decoded at the same time; each may have tens of megabytes. */
const AT_ONCE = 4;

export interface ReadOptions {
  /** Called after each picture. */
  readonly onPicture?: () => void;
  readonly signal?: AbortSignal;
}

/** Reads pictures from disk and crops each to the fruit before its plain background, as a model wants its views. */
export class StillReader {
  readonly #cropper: StillCropper;
  readonly #sidePx: number;
  readonly #remarks: Remarks | undefined;
  #reading = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param remarks takes pictures that show a second fruit, and files that hold several */
  constructor({ sizePx, cropMargin, cropFill }: Pick<Model, "sizePx" | "cropMargin" | "cropFill">, remarks?: Remarks) {
    this.#remarks = remarks;
    this.#cropper = new StillCropper({ sizePx, margin: cropMargin, fill: cropFill });
    this.#sidePx = Math.max(LARGE_PX, LARGE_CROPS * sizePx);
  }

  /**
   * One picture. Calls may overlap: more than a few wait for their turn.
   *
   * @returns (sizePx, sizePx, 3)
   * @throws {GradelineError} IMAGE, IMAGE_SIZE, FILE
   */
  async crop(path: string): Promise<Uint8Array> {
    if (this.#reading === AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#reading++;
    try {
      const image = await readImage(path, { minSidePx: MIN_SIDE_PX });
      if (image.pages !== undefined) this.#remarks?.several(path, image.pages);
      const { crop, secondShare } = this.#cropper.cut(await shrink(image, this.#sidePx));
      if (secondShare > SECOND_SHARE) this.#remarks?.second(path, secondShare);
      return crop;
    } finally {
      // Whoever waits takes this one's place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#reading--;
      else next();
    }
  }

  /**
   * The views of an item, a picture each.
   *
   * @throws {GradelineError} IMAGE, IMAGE_SIZE, FILE
   */
  async crops(files: readonly string[], { onPicture, signal }: ReadOptions = {}): Promise<Uint8Array[]> {
    const read = async (path: string): Promise<Uint8Array> => {
      signal?.throwIfAborted();
      const crop = await this.crop(path);
      onPicture?.();
      return crop;
    };
    const crops: Uint8Array[] = [];
    for (let from = 0; from < files.length; from += AT_ONCE) {
      crops.push(...(await Promise.all(files.slice(from, from + AT_ONCE).map(read))));
    }
    return crops;
  }
}

/** Finding a fruit among sixteen million pixels takes seconds, and shows nothing that a crop keeps. */
async function shrink(image: Image, sidePx: number): Promise<Image> {
  const { widthPx, heightPx, data } = image;
  if (Math.max(widthPx, heightPx) <= sidePx) return image;
  const { data: small, info } = await sharp(data, { raw: { width: widthPx, height: heightPx, channels: 3 } })
    .resize(sidePx, sidePx, { fit: "inside" })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { widthPx: info.width, heightPx: info.height, data: small };
}
