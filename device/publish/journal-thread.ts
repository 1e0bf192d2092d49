import { parentPort, workerData } from "node:worker_threads";
import { asGradelineError } from "../base/errors.ts";
import type { JournalConfig } from "../config/schema.ts";
import type { VerdictDraft } from "../contract/messages.ts";
import { type AppendedRow, type JournalRow, type JournalStats, JournalStore } from "./journal-store.ts";

/** What the main thread asks; answered in order. */
export type JournalCall =
  | { readonly kind: "commit"; readonly drafts: readonly VerdictDraft[]; readonly acks: readonly number[] }
  | { readonly kind: "pending"; readonly limit: number; readonly after: number }
  | { readonly kind: "close" };

export type JournalReply =
  | { readonly kind: "opened"; readonly stats: JournalStats; readonly setAside: string | undefined }
  | { readonly kind: "committed"; readonly rows: readonly AppendedRow[]; readonly stats: JournalStats }
  | { readonly kind: "rows"; readonly rows: readonly JournalRow[] }
  | { readonly kind: "closed" }
  | { readonly kind: "failed"; readonly message: string; readonly hint: string | undefined; readonly retry: boolean };

/** Bytes of payloads after which the log is emptied, between two commits. */
const CHECKPOINT_BYTES = 512 * 1024;

/** The journal's thread: fsync blocks here and nowhere else. */
function serve(config: JournalConfig): void {
  const port = parentPort!;
  const reply = (message: JournalReply) => port.postMessage(message);
  let store: JournalStore;
  try {
    store = JournalStore.open(config);
  } catch (error) {
    reply(failed(error));
    port.close();
    return;
  }
  let written = 0;
  reply({ kind: "opened", stats: store.stats, setAside: store.setAside });
  port.on("message", (call: JournalCall) => {
    try {
      switch (call.kind) {
        case "commit": {
          const rows = store.commit(call.drafts, call.acks);
          reply({ kind: "committed", rows, stats: store.stats });
          for (const row of rows) written += row.payload.length;
          if (written > CHECKPOINT_BYTES) {
            store.checkpoint();
            written = 0;
          }
          break;
        }
        case "pending":
          reply({ kind: "rows", rows: store.pending(call.limit, call.after) });
          break;
        case "close":
          store.close();
          reply({ kind: "closed" });
          port.close();
          break;
      }
    } catch (error) {
      reply(failed(error));
    }
  });
}

function failed(error: unknown): JournalReply {
  const { message, hint, retry } = asGradelineError(error, "JOURNAL");
  return { kind: "failed", message, hint, retry };
}

if (parentPort !== null) serve(workerData as JournalConfig);
