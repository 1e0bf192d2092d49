/** The daemon tells its status every second; so long without a word means that it is not there. */
const SILENCE_MS = 5000;
const RETRY_MS = 1000;

/** @import { PageEvents } from "../view.ts" */

/**
 * @typedef {{
 *   event: { [Name in keyof PageEvents]: (data: PageEvents[Name]) => void },
 *   lost: (why: string) => void,
 * }} Listener
 */

/**
 * Keeps the page fed with the daemon's events: connects again by itself for as long as the page is looked at.
 *
 * @param {Listener} listener
 */
export function follow(listener) {
  /** @type {AbortController | undefined} */
  let connection;

  async function run() {
    const mine = new AbortController();
    connection = mine;
    while (!mine.signal.aborted) {
      const why = await listen(mine.signal, listener);
      if (mine.signal.aborted) return;
      listener.lost(why);
      await pause(RETRY_MS);
    }
  }

  // A page in the background asks nothing of the board, and leaves its place to others.
  document.addEventListener("visibilitychange", () => {
    connection?.abort();
    if (document.visibilityState === "visible") void run();
  });
  if (document.visibilityState === "visible") void run();
}

/**
 * Resolves with the reason when the connection has ended.
 *
 * @param {AbortSignal} signal
 * @param {Listener} listener
 */
async function listen(signal, listener) {
  const silence = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_MS);
  };
  heard();
  try {
    const response = await fetch("/events", { signal: AbortSignal.any([signal, silence.signal]), cache: "no-store" });
    // The token has changed: the server shows its form instead of the page.
    if (response.status === 401) location.reload();
    if (!response.ok) return (await response.text()).trim();
    if (response.body === null) return "";
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "";
      heard();
      const messages = (rest + value).split("\n\n");
      rest = messages.pop() ?? "";
      for (const message of messages) tell(message, listener);
    }
  } catch {
    return "";
  } finally {
    clearTimeout(timer);
  }
}

/**
 * @param {string} message
 * @param {Listener} listener
 */
function tell(message, { event }) {
  const lines = message.split("\n");
  /** @param {string} name */
  const field = (name) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? "";
  const name = field("event");
  if (Object.hasOwn(event, name)) event[/** @type {keyof PageEvents} */ (name)](JSON.parse(field("data")));
}

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
