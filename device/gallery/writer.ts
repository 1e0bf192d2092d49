import { Worker } from "node:worker_threads";
import { GradelineError } from "../base/errors.ts";
import { errorOf, type FailedAnswer } from "../base/worker.ts";
import type { Model } from "../embed/embedder.ts";
import type { Reference } from "../grade/gallery.ts";

export interface SaveWanted {
  readonly folder: string;
  readonly model: Model;
}

/** Each is answered before the next is sent. */
export type ToSave =
  | { readonly kind: "lock" }
  | { readonly kind: "views"; readonly id: string; readonly crops: readonly Uint8Array[] }
  | { readonly kind: "save"; readonly references: readonly Reference[] }
  | { readonly kind: "close" };

export type FromSave = { readonly kind: "done" } | FailedAnswer;

/** The writer of a gallery in a thread of its own: a large gallery takes long to encode, hash and write. */
export class GalleryAside {
  readonly #worker: Worker;
  #asked: PromiseWithResolvers<void> | undefined;
  #closing = false;
  #ended = false;

  constructor(wanted: SaveWanted) {
    this.#worker = new Worker(new URL("./writer-thread.ts", import.meta.url), { workerData: wanted });
    this.#worker.on("message", (answer: FromSave) => {
      if (answer.kind === "done") {
        this.#asked?.resolve();
      } else {
        this.#asked?.reject(errorOf(answer));
      }
    });
    this.#worker.on("error", (error) => this.#asked?.reject(error));
    this.#worker.on("exit", (code) => {
      this.#ended = true;
      if (this.#closing) this.#asked?.resolve();
      else this.#asked?.reject(new GradelineError("INTERNAL", `the gallery's thread ended with ${code}`));
    });
  }

  /**
   * @throws {GradelineError} GALLERY with `retry` where another process writes to it, FILE
   */
  lock(): Promise<void> {
    return this.#ask({ kind: "lock" });
  }

  /** Keeps the views of an item that is to be saved, each (sizePx, sizePx, 3). @throws {GradelineError} FILE */
  views(id: string, crops: readonly Uint8Array[]): Promise<void> {
    return this.#ask({ kind: "views", id, crops });
  }

  /** Adds references, all or none. @throws {GradelineError} GALLERY, GALLERY_MODEL, FILE */
  save(references: readonly Reference[]): Promise<void> {
    return this.#ask({ kind: "save", references });
  }

  /** Gives the lock back; views that were not saved go. */
  async close(): Promise<void> {
    this.#closing = true;
    if (!this.#ended) await this.#ask({ kind: "close" });
  }

  #ask(message: ToSave): Promise<void> {
    this.#asked = Promise.withResolvers();
    this.#worker.postMessage(message);
    return this.#asked.promise;
  }
}
