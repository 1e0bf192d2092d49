import type { Verdict } from "../base/messages.ts";
import type { Stage } from "../base/metrics.ts";
import type { Proof } from "../base/proof-message.ts";

/** What the station shows to the console. All of it may be asked for at any time, also while the station stops. */
export interface StationView {
  /** How everything is now. Cheap: asked for once a second while somebody looks. */
  status(): StationStatus;
  /**
   * Calls `listener` for every decided item, in the order of its lane's `seq`, until the returned function is called.
   * A listener does not throw and does not wait.
   */
  onItem(listener: (item: ItemShown) => void): () => void;
  /** Prometheus text format, version 0.0.4. */
  metrics(): Promise<string>;
}

/** One decided item as the page shows it. */
export interface ItemShown {
  readonly verdict: Verdict;
  /** Its most telling view; null for an item without a view. */
  readonly view: ViewShown | null;
}

/** A crop as the embedder saw it. */
export interface ViewShown {
  /** Which of the item's views, from 0 in the order of exposure. */
  readonly index: number;
  /** Side of the square. */
  readonly sizePx: number;
  /** RGB8 HWC (sizePx * sizePx * 3), background masked. Never written to again. */
  readonly crop: Uint8Array;
}

export interface StationStatus {
  readonly device: string;
  readonly state: "online" | "degraded" | "stopped";
  /** What is wrong, in words; empty when `online` or `stopped`. */
  readonly reasons: readonly string[];
  /** Since when it is in this state; RFC 3339, UTC. */
  readonly since: string;
  /** Version of gradeline. */
  readonly version: string;
  readonly uptimeS: number;
  readonly model: ModelStatus;
  readonly gallery: GalleryStatus;
  readonly cameras: readonly CameraStatus[];
  readonly lanes: readonly LaneStatus[];
  readonly broker: BrokerStatus;
  /** Over the last items; a stage that has not run yet is absent. */
  readonly latencyMs: { readonly [S in Stage]?: Quantiles };
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

export interface ModelStatus {
  readonly name: string;
  readonly version: string;
  /** sha256 of the ONNX file, hex; may be shortened. */
  readonly hash: string;
  /** Where it runs, e.g. `cpu`, `cuda`. */
  readonly provider: string;
  /** What shows that it runs there; as in the message `info`. */
  readonly proof: Proof;
}

export interface GalleryStatus {
  /** sha256, hex; may be shortened. */
  readonly hash: string;
  /** Best grade first. */
  readonly grades: readonly string[];
  /** Enrolled items. */
  readonly items: number;
}

export interface CameraStatus {
  readonly id: string;
  readonly state: "ok" | "reconnecting" | "ended";
  /** Why it delivers nothing; null while `ok`. */
  readonly reason: string | null;
  /** Exposures that took place. */
  readonly seen: number;
  /** Exposures that a newer one overtook. */
  readonly dropped: number;
  /** Frames with missing pixels. */
  readonly incomplete: number;
  /** Over the last seconds. */
  readonly fps: number;
  /** Since the last exposure; null before the first. */
  readonly frameAgeMs: number | null;
}

export interface LaneStatus {
  readonly id: string;
  readonly camera: string;
  readonly conveyor: "belt" | "cups";
  readonly paused: boolean;
  /** Decided since the start, empty cups included. */
  readonly items: number;
  readonly outcomes: Readonly<Record<Verdict["outcome"], number>>;
  /** Graded items by grade; a grade that was not seen yet may be absent. */
  readonly grades: Readonly<Record<string, number>>;
  /** Verdicts decided after their deadline. */
  readonly late: number;
  /** Items per minute, over the last seconds. */
  readonly perMinute: number;
}

export interface BrokerStatus {
  /** `refused`: the broker answers, but turns us away. */
  readonly state: "connecting" | "connected" | "refused" | "closed";
  /** Without login. */
  readonly url: string;
  /** Null while not connected. */
  readonly protocol: "5" | "3.1.1" | null;
  /** Why there is no connection. */
  readonly reason: string | null;
  /** Verdicts that wait for their acknowledgement. */
  readonly pendingVerdicts: number;
  /** Verdicts given up for the journal's bound. */
  readonly droppedVerdicts: number;
}
