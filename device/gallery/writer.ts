import { Worker } from "node:worker_threads";
import { GradelineError } from "../base/errors.ts";
import { Serial } from "../base/serial.ts";
import { errorOf, type FailedAnswer } from "../base/worker.ts";
import type { Model } from "../embed/embedder.ts";
import type { Reference } from "../grade/gallery.ts";
import type { EnrollStore, KnownReference } from "./enroll.ts";

export interface SaveWanted {
  readonly folder: string;
  readonly model: Model;
  /** Where a grade that is new takes its place; see `GalleryWriter.add`. */
  readonly newGradeBefore?: string | null | undefined;
}

/** Each is answered before the next is sent. */
export type ToSave =
  | { readonly kind: "lock" }
  | { readonly kind: "known" }
  | { readonly kind: "views"; readonly id: string; readonly crops: readonly Uint8Array[] }
  | { readonly kind: "add"; readonly references: readonly Reference[] }
  | { readonly kind: "back" }
  | { readonly kind: "forget" }
  | { readonly kind: "close" };

export type FromSave =
  | { readonly kind: "done"; readonly known: readonly KnownReference[] | "none" | undefined }
  | FailedAnswer;

type Answer = Extract<FromSave, { kind: "done" }>["known"];

/** The writer of a gallery in a thread of its own: a large gallery takes long to encode, hash and write. */
export class GalleryThread implements EnrollStore<void> {
  readonly #worker: Worker;
  readonly #serial = new Serial();
  #pending: PromiseWithResolvers<Answer> | undefined;
  #closing = false;
  #ended = false;

  constructor(wanted: SaveWanted) {
    this.#worker = new Worker(new URL("./writer-thread.ts", import.meta.url), { workerData: wanted });
    this.#worker.on("message", (answer: FromSave) => {
      if (answer.kind === "done") this.#pending?.resolve(answer.known);
      else this.#pending?.reject(errorOf(answer));
    });
    this.#worker.on("error", (error) => this.#pending?.reject(error));
    this.#worker.on("exit", (code) => {
      this.#ended = true;
      if (this.#closing) this.#pending?.resolve(undefined);
      else this.#pending?.reject(endedWith(code));
    });
  }

  /** Takes the gallery's lock; before everything else. @throws {GradelineError} GALLERY with `retry` where it is taken */
  async lock(): Promise<void> {
    await this.#ask({ kind: "lock" });
  }

  async known(): Promise<readonly KnownReference[]> {
    const known = await this.#ask({ kind: "known" });
    return typeof known === "object" ? known : [];
  }

  async saveCrops(id: string, crops: readonly Uint8Array[]): Promise<void> {
    await this.#ask({ kind: "views", id, crops });
  }

  async add(references: readonly Reference[]): Promise<void> {
    await this.#ask({ kind: "add", references });
  }

  /** Takes the last change back. @returns whether there was one */
  async back(): Promise<boolean> {
    return (await this.#ask({ kind: "back" })) !== "none";
  }

  async forgetUnused(): Promise<void> {
    await this.#ask({ kind: "forget" });
  }

  /** Gives the lock back. */
  async close(): Promise<void> {
    await this.#serial.settled();
    this.#closing = true;
    if (!this.#ended) await this.#ask({ kind: "close" });
  }

  #ask(message: ToSave): Promise<Answer> {
    return this.#serial.run(() => {
      if (this.#ended && !this.#closing) throw endedWith(undefined);
      this.#pending = Promise.withResolvers();
      this.#worker.postMessage(message);
      return this.#pending.promise;
    });
  }
}

function endedWith(code: number | undefined): GradelineError {
  return new GradelineError("INTERNAL", `the gallery's thread ended${code === undefined ? "" : ` with ${code}`}`);
}
