import { readdirSync, readFileSync } from "node:fs";
import { raiseThread } from "../live/priority.ts";

/** What Aravis calls the threads that receive packets; Linux keeps 15 letters. */
const STREAM_THREAD = /^arv_(gv|uv)_stream/;

/**
 * Lets the threads that take packets off the network go before everything else. The kernel keeps some milliseconds of a
 * camera's packets, the library some frames; where their threads have to wait longer for a processor, they are lost.
 */
export function raiseReceivers(): void {
  for (const tid of receivers()) raiseThread(tid);
}

function receivers(): number[] {
  const own = "/proc/self/task";
  return readdirSync(own)
    .filter((tid) => {
      try {
        return STREAM_THREAD.test(readFileSync(`${own}/${tid}/comm`, "utf8"));
      } catch {
        // It ended between the two calls.
        return false;
      }
    })
    .map(Number);
}
