import { parentPort, workerData } from "node:worker_threads";
import { failedAnswer } from "../base/worker.ts";
import type { KnownReference } from "./enroll.ts";
import { GalleryWriter } from "./store.ts";
import type { FromSave, SaveWanted, ToSave } from "./writer.ts";

/**
 * Writes to a gallery: takes its lock, then the views of each item as they come, then the references, all or none. Until
 * then the gallery stays as it was.
 */

const { folder, model, newGradeBefore } = workerData as SaveWanted;
const port = parentPort!;
let writer: GalleryWriter | undefined;

function say(message: FromSave): void {
  port.postMessage(message);
}

async function work(message: ToSave): Promise<readonly KnownReference[] | "none" | undefined> {
  switch (message.kind) {
    case "lock":
      writer = await GalleryWriter.open(folder);
      return undefined;
    case "known":
      return (await writer!.known(model)).map(({ id, grade, origin, digest }) => ({ id, grade, origin, digest }));
    case "views":
      await writer!.saveCrops(message.id, message.crops, model.sizePx);
      return undefined;
    case "add":
      await writer!.add(message.references, model, newGradeBefore);
      return undefined;
    case "back":
      return (await writer!.step("back")) === undefined ? "none" : undefined;
    case "forget":
      await writer!.forgetUnused();
      return undefined;
    case "close":
      writer?.close();
      port.close();
      return undefined;
  }
}

port.on("message", (message: ToSave) => {
  work(message).then(
    (known) => {
      // The end of the thread is the answer to the last.
      if (message.kind !== "close") say({ kind: "done", known });
    },
    (error: unknown) => say(failedAnswer(error)),
  );
});
