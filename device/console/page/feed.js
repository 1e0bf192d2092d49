/** The daemon tells its status every second; so long without a word means that it is not there. */
const SILENCE_MS = 5000;
const RETRY_MS = 1000;

/**
 * Keeps the page fed with the daemon's events: connects again by itself for as long as the page is looked at.
 *
 * @param {{ event: (name: string, data: any) => void, lost: (why: string) => void }} listener
 */
export function follow(listener) {
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

/** Resolves with the reason when the connection has ended. */
async function listen(signal, listener) {
  const silence = new AbortController();
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
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "";
      heard();
      const messages = (rest + value).split("\n\n");
      rest = messages.pop();
      for (const message of messages) tell(message, listener);
    }
  } catch {
    return "";
  } finally {
    clearTimeout(timer);
  }
}

function tell(message, listener) {
  const lines = message.split("\n");
  const field = (name) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  listener.event(field("event"), JSON.parse(field("data")));
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
