import { parentPort, workerData } from "node:worker_threads";
import { type FailedAnswer, failedAnswer } from "../base/worker.ts";
import type { Lot } from "../contract/lot.ts";
import { type CountedRow, type Downtime, FiguresStore, type LotPicture } from "./figures-store.ts";

/** What the main thread asks; answered in order. */
export type FiguresCall =
  | {
      readonly kind: "add";
      readonly epoch: string;
      readonly rows: readonly CountedRow[];
      readonly downtime: readonly Downtime[];
      readonly lots: readonly Lot[];
    }
  | { readonly kind: "pictures"; readonly pictures: readonly LotPicture[]; readonly lots: number }
  | { readonly kind: "close" };

export type FiguresAnswer = { readonly kind: "opened"; readonly id: string } | { readonly kind: "done" } | FailedAnswer;

/** Its own thread: fsync blocks here and nowhere else. */
function serve(folder: string): void {
  const port = parentPort!;
  const answer = (message: FiguresAnswer): void => port.postMessage(message);
  let store: FiguresStore;
  try {
    store = FiguresStore.open(folder);
  } catch (error) {
    answer(failedAnswer(error, "FILE"));
    port.close();
    return;
  }
  answer({ kind: "opened", id: store.id });
  port.on("message", (call: FiguresCall) => {
    try {
      if (call.kind === "add") store.add(call.epoch, call.rows, call.downtime, call.lots);
      else if (call.kind === "pictures") store.addPictures(call.pictures, call.lots);
      else store.close();
      answer({ kind: "done" });
    } catch (error) {
      answer(failedAnswer(error, "FILE"));
    }
    if (call.kind === "close") port.close();
  });
}

if (parentPort !== null) serve(workerData as string);
