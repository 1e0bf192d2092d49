import type { Micros } from "../base/time.ts";
import type { LaneConfig } from "../config/schema.ts";
import type { Decision } from "../grade/verdict.ts";
import type { Box, ItemPassed } from "../vision/follower.ts";

/** By what an item was decided: the same from its first view to its verdict. */
export interface DecidedBy {
  /** Name of the recipe; null where model and gallery were given on their own. */
  readonly recipe: string | null;
  /** sha256 of the model, hex. */
  readonly modelHash: string;
  /** sha256 of the gallery, hex. */
  readonly galleryHash: string;
}

/** A model with what it is compared with. An item stays with the one it began with; another may follow for later items. */
export interface Judge {
  /** Length of an embedding. */
  readonly dimension: number;
  /** What it decides by at present. */
  readonly by: DecidedBy;
  /** @param urgent a verdict waits for this view */
  embed(crop: Uint8Array, urgent: boolean): Promise<Float32Array>;
  /** The decision for `count` views, embeddings (count, D) row-major. */
  grade(embeddings: Float32Array, count: number): Decision;
  /** An item begins with it. */
  begun(): void;
  /** An item that began with it is decided, or given up. */
  done(): void;
}

/** An item whose every view is embedded, and what was decided about it. */
export interface DecidedItem {
  readonly lane: LaneConfig;
  /** Unique over all lanes and restarts. */
  readonly id: string;
  readonly decision: Decision;
  readonly by: DecidedBy;
  readonly passed: ItemPassed;
  /** (embedded, D) row-major. */
  readonly embeddings: Float32Array;
  /** Views that could be embedded; where they are fewer than the crops it is not known which. */
  readonly embedded: number;
  readonly crops: readonly Uint8Array[];
  /** Where in the frame each crop was cut. */
  readonly boxes: readonly Box[];
  /** On a lane of several cameras those that gave views, in the lane's order. */
  readonly cameras?: readonly string[];
  /** Those of its cameras that gave none: away, too slow, or they did not see it. */
  readonly camerasMissing?: readonly string[];
  /** Which of the lane's cameras each crop is from. */
  readonly from?: readonly number[];
  /** Share of the surface that they saw, 0..1; absent where it is not known. */
  readonly sides?: number | undefined;
  /** Lot that it belongs to; absent where none was set when it came into view. */
  readonly lot?: string;
  readonly decidedAt: Micros;
  readonly ms: { readonly vision: number; readonly embed: number; readonly grade: number };
}
