import { t } from "./words.js";

/** @import { CameraLook } from "../view.ts" */
/** @import { Light } from "./light.js" */

/**
 * A picture of a camera with what is seen in it.
 *
 * @typedef {{ image: ImageBitmap, seen: Omit<CameraLook, "data">, light?: Light }} Shown
 */

const PATIENCE_MS = 8000;

/**
 * @param {string} camera
 * @returns {Promise<Shown>}
 * @throws {Error} with words for people
 */
export async function fetchLook(camera) {
  /** @type {Response} */
  let response;
  try {
    response = await fetch(`/look/${encodeURIComponent(camera)}`, {
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new Error(t("ask.silent"));
  }
  if (response.status === 401) location.reload();
  if (!response.ok) {
    const text = await response.text();
    if (!response.headers.get("content-type")?.startsWith("application/json")) throw new Error(text.trim());
    throw new Error(JSON.parse(text).error.message);
  }
  const seen = JSON.parse(decodeURIComponent(response.headers.get("x-seen") ?? ""));
  return { image: await createImageBitmap(await response.blob()), seen };
}
