/** Long enough for a gallery that another process writes to. */
const PATIENCE_MS = 30_000;

/**
 * Asks the board.
 *
 * @param {string} path
 * @param {unknown} change what to change; nothing: only look
 * @returns its answer; undefined where there is no such thing (any more)
 * @throws {Error} with words for people
 */
export async function ask(path, change) {
  const body = change === undefined ? {} : { method: "POST", body: JSON.stringify(change) };
  const headers = change === undefined ? {} : { "content-type": "application/json" };
  let response;
  try {
    response = await fetch(path, { ...body, headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw new Error("no answer from the board");
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
