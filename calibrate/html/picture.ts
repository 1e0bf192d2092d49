import { encodeJpeg } from "../../device/capture/image.ts";
import { html, type Markup } from "./markup.ts";

/** A square crop as a picture within the document; where there is none, a frame that says so. */
export async function picture(crop: Uint8Array | undefined, alt: string): Promise<Markup> {
  if (crop === undefined) return html`<div class="none" role="img" aria-label="${alt}: no picture">no picture</div>`;
  return html`<img src="${await dataUri(crop)}" alt="${alt}" width="96" height="96">`;
}

/** @param crop square, RGB8 @returns a JPEG of a few kilobytes as an address */
export async function dataUri(crop: Uint8Array, quality = 82): Promise<string> {
  const side = Math.sqrt(crop.length / 3);
  const jpeg = await encodeJpeg({ widthPx: side, heightPx: side, data: crop }, quality);
  return `data:image/jpeg;base64,${jpeg.toString("base64")}`;
}
