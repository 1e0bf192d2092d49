import type { Emphasis } from "../base/emphasis.ts";
import type { Closable } from "../base/lifecycle.ts";
import type { Proof } from "../contract/proof-message.ts";

/** Which numbers of an embedding say what, e.g. `identity`. */
export interface EmbeddingPart {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** What a loaded model is. */
export interface Model {
  readonly name: string;
  readonly version: string;
  /**
   * Identity, hex: what galleries are bound to. It covers the ONNX file and how it is fed; of a model that is fed as all
   * were so far it is the sha256 of that file.
   */
  readonly hash: string;
  /** Side of the square input in pixels. */
  readonly sizePx: number;
  /** Length of an embedding. */
  readonly dimension: number;
  readonly cropMargin: number;
  /** Grey level outside the mask. */
  readonly cropFill: number;
  /** Absent if the description names none. */
  readonly parts?: readonly EmbeddingPart[] | undefined;
  /** Absent where all components count alike. */
  readonly emphasis?: readonly Emphasis[] | undefined;
}

/** An embedder's own buffers for one batch: views and embeddings in them are not copied. */
export interface Lent {
  /** (maxBatch, sizePx, sizePx, 3). */
  readonly views: Uint8Array;
  /** (maxBatch, dimension). */
  readonly out: Float32Array;
}

/** Turns views into embeddings, off the main thread. */
export interface Embedder extends Closable {
  readonly model: Model;
  /** Where the nodes run, e.g. `cpu`, `cuda`. */
  readonly provider: string;
  /** Why it runs on slower hardware than expected; absent if it runs as expected. */
  readonly degraded?: string | undefined;
  /** Largest `count` that `embed` takes. */
  readonly maxBatch: number;
  /**
   * Embeds a batch. Calls may overlap; each resolves with its own rows.
   *
   * @param views RGB8 (count, sizePx, sizePx, 3); may be reused once the promise has settled, not before
   * @param count 1..maxBatch
   * @param out (count, dimension) row-major, written in place; unit rows
   * @throws {GradelineError} INFERENCE when the library fails, CLOSED after `close`
   */
  embed(views: Uint8Array, count: number, out: Float32Array): Promise<void>;
  /**
   * Lends buffers to be filled and given to `embed`, again and again, until `close`; after that they must not be touched.
   * Absent, or undefined, where there are none to lend: any others do.
   */
  lend?(): Lent | undefined;
  /** Waits for running calls, then frees the session. */
  close(): Promise<void>;
}

/** An embedder that reproduces the golden vectors, and whose nodes are proven to run on its provider. */
export interface ProvenEmbedder extends Embedder {
  readonly proof: Proof;
}
