import { parentPort, workerData } from "node:worker_threads";
import { failedAnswer } from "../base/worker.ts";
import { withReferences } from "../grade/gallery.ts";
import { GalleryWriter } from "./store.ts";
import type { FromSave, SaveWanted, ToSave } from "./writer.ts";

/**
 * Writes to a gallery: takes its lock, then the views of each item as they come, then the references, all or none. Until
 * the last step the gallery is as it was.
 */

const { folder, model } = workerData as SaveWanted;
const port = parentPort!;
let writer: GalleryWriter | undefined;

function say(message: FromSave): void {
  port.postMessage(message);
}

async function work(message: ToSave): Promise<void> {
  switch (message.kind) {
    case "lock":
      writer = await GalleryWriter.open(folder);
      return;
    case "views":
      await writer!.saveCrops(message.id, message.crops, model.sizePx);
      return;
    case "save":
      await writer!.save(withReferences(await writer!.readFor(model), message.references), model.name);
      return;
    case "close":
      // What was begun and not saved leaves nothing behind.
      await writer?.forgetUnused().catch(() => {});
      writer?.close();
      port.close();
  }
}

port.on("message", (message: ToSave) => {
  work(message).then(
    () => {
      // The end of the thread is the answer to the last.
      if (message.kind !== "close") say({ kind: "done" });
    },
    (error: unknown) => say(failedAnswer(error)),
  );
});
