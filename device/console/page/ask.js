import { t } from "./words.js";

/** Long enough for a gallery that another process writes to. */
const PATIENCE_MS = 30_000;

/** @import { ActShown, EnrollDone, ItemDetail, MapShown, QueueShown } from "../view.ts" */

/**
 * What the board answers, by path; `/api/item/` stands for all of its items.
 *
 * @typedef {{
 *   "/api/item/": ItemDetail,
 *   "/api/map": MapShown | null,
 *   "/api/queue": QueueShown,
 *   "/api/enroll": EnrollDone,
 *   "/api/dismiss": { readonly dismissed: number },
 *   "/api/undo": ActShown,
 * }} Answers
 */

/**
 * Asks the board.
 *
 * @template {keyof Answers} P
 * @param {P} path
 * @param {{ readonly id?: string, readonly change?: unknown }} wanted `id` of one item; `change`: what to change, absent: only look
 * @returns {Promise<Answers[P] | undefined>} its answer; undefined where there is no such thing (any more)
 * @throws {Error} with words for people
 */
export async function ask(path, { id = "", change } = {}) {
  const body = change === undefined ? {} : { method: "POST", body: JSON.stringify(change) };
  /** @type {Record<string, string>} */
  const headers = change === undefined ? {} : { "content-type": "application/json" };
  /** @type {Response} */
  let response;
  try {
    response = await fetch(path + encodeURIComponent(id), {
      ...body,
      headers,
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new Error(t("ask.silent"));
  }
  // The token has changed: the server shows its form instead of the page.
  if (response.status === 401) location.reload();
  if (response.status === 404) return undefined;
  const json = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  if (response.ok) return response.json();
  if (!json) throw new Error((await response.text()).trim());
  const { message, hint } = (await response.json()).error;
  throw new Error(hint === null ? message : `${message} (${hint})`);
}
