import { parentPort, workerData } from "node:worker_threads";
import { asGradelineError } from "../base/errors.ts";
import type { JournalConfig } from "../config/schema.ts";
import type { Notice } from "./journal-file.ts";
import type { JournalEntry, JournalRow } from "./journal-row.ts";
import type { Selection } from "./journal-statements.ts";
import { type JournalStats, JournalStore } from "./journal-store.ts";

export type Acks = readonly (readonly [sink: string, ids: number[]])[];

/** What the main thread asks; answered in order. */
export type JournalCall =
  | { readonly kind: "commit"; readonly entries: readonly JournalEntry[]; readonly acks: Acks; readonly again: boolean }
  | { readonly kind: "pending"; readonly sink: string; readonly limit: number; readonly after: number }
  | { readonly kind: "select"; readonly of: Selection; readonly limit: number; readonly after: number }
  | { readonly kind: "count"; readonly of: Selection }
  | { readonly kind: "note"; readonly given: readonly (readonly [string, number])[]; readonly lost: number }
  | { readonly kind: "close" };

export interface JournalOpened {
  readonly kind: "opened";
  readonly epoch: string;
  readonly lanes: readonly (readonly [lane: string, seq: number])[];
}

export type JournalAnswer =
  | JournalOpened
  | { readonly kind: "committed"; readonly ids: readonly number[] }
  | { readonly kind: "rows"; readonly rows: readonly JournalRow[] }
  | { readonly kind: "count"; readonly count: number }
  | { readonly kind: "noted" }
  | { readonly kind: "closed" }
  | { readonly kind: "failed"; readonly message: string; readonly hint: string | undefined; readonly retry: boolean };

export interface JournalReply {
  /** Undefined where nothing was asked and only the rest is told. */
  readonly answer: JournalAnswer | undefined;
  readonly stats: JournalStats | undefined;
  readonly notices: readonly Notice[];
}

export interface JournalSetup {
  readonly config: JournalConfig;
  readonly sinks: readonly string[];
}

/** How often the thread looks by itself whether the file is still there. */
const LOOK_MS = 2000;

/** The journal's thread: fsync blocks here and nowhere else. */
function serve({ config, sinks }: JournalSetup): void {
  const port = parentPort!;
  let store: JournalStore;
  try {
    store = JournalStore.open(config, sinks);
  } catch (error) {
    port.postMessage({ answer: failed(error), stats: undefined, notices: [] } satisfies JournalReply);
    port.close();
    return;
  }
  const reply = (answer: JournalAnswer | undefined, closed = false): void => {
    const notices = store.notices;
    store.notices = [];
    port.postMessage({ answer, stats: closed ? undefined : store.stats, notices } satisfies JournalReply);
  };
  const look = setInterval(() => {
    quietly(() => store.checkPlace());
    if (store.notices.length > 0) reply(undefined);
  }, LOOK_MS);
  reply({ kind: "opened", epoch: store.epoch, lanes: store.lanes });
  port.on("message", (call: JournalCall) => {
    if (call.kind === "close") {
      clearInterval(look);
      quietly(() => store.close());
      reply({ kind: "closed" }, true);
      port.close();
      return;
    }
    let answer: JournalAnswer;
    try {
      answer = answerTo(store, call);
    } catch (error) {
      answer = failed(error);
    }
    reply(answer);
    // The answer first: nobody waits for this.
    if (call.kind === "commit") quietly(() => store.tidy());
  });
}

function answerTo(store: JournalStore, call: Exclude<JournalCall, { readonly kind: "close" }>): JournalAnswer {
  switch (call.kind) {
    case "commit":
      return { kind: "committed", ids: store.commit(call.entries, call.acks, call.again) };
    case "pending":
      return { kind: "rows", rows: store.pending(call.sink, call.limit, call.after) };
    case "select":
      return { kind: "rows", rows: store.select(call.of, call.limit, call.after) };
    case "count":
      return { kind: "count", count: store.count(call.of) };
    case "note":
      store.note(call.given, call.lost);
      return { kind: "noted" };
  }
}

/** What goes wrong here goes wrong again with the next commit, which tells it. */
function quietly(work: () => void): void {
  try {
    work();
  } catch {}
}

function failed(error: unknown): JournalAnswer {
  const { message, hint, retry } = asGradelineError(error, "JOURNAL");
  return { kind: "failed", message, hint, retry };
}

if (parentPort !== null) serve(workerData as JournalSetup);
