import type { ShadowReport, Verdict } from "../contract/messages.ts";
import type { Stage } from "../contract/metrics.ts";
import type { Proof } from "../contract/proof-message.ts";
import type { ReasonCode } from "../contract/reasons.ts";
import type { Neighbour } from "../grade/search/nearest.ts";

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
  /** One item and what its grade hangs on; undefined where it is not kept any more. */
  item(id: string): Promise<ItemDetail | undefined>;
  /** Pictures of an item's kept views, as {@link ItemDetail.pictured} names them; undefined where it is not kept. */
  viewsOf(id: string): Promise<Crops | undefined>;
  /** Pictures of an enrolled item's views; undefined where there is no such item. */
  referenceViews(id: string): Promise<Crops | undefined>;
  /**
   * The next picture of a camera with what is seen in it; undefined where there is no such camera.
   *
   * @throws {GradelineError} SOURCE where it gives none
   */
  look(camera: string): Promise<CameraLook | undefined>;
  /** References and the newest items in a plane; undefined where nothing is enrolled. */
  map(): MapShown | undefined;
  /** Items that wait for somebody who knows their grade. */
  queue(): QueueShown;
  /**
   * Makes kept items references of a grade, all of them or none; resolves when they count. A grade that is new takes
   * its place before `newGradeBefore`, or with null after all.
   *
   * @throws {GradelineError} what is wrong with the request, in words for people
   */
  enroll(grade: string, items: readonly string[], newGradeBefore?: string | null): Promise<EnrollDone>;
  /** Takes items out of the queue. @returns how many were in it */
  dismiss(items: readonly string[]): Promise<number>;
  /** Takes back what was taught last. @returns what that was @throws {GradelineError} what keeps it from doing so */
  undo(): Promise<ActShown>;
}

/** A picture of a camera, small, with what is seen in it. All places are in pixels of the camera's own frame. */
export interface CameraLook {
  readonly exposedAt: string;
  readonly widthPx: number;
  readonly heightPx: number;
  /** RGB8 HWC of the small picture. */
  readonly data: Uint8Array;
  /** Pixels of the frame for one of the picture. */
  readonly step: number;
  readonly lanes: readonly LaneLook[];
}

export interface LaneLook {
  readonly id: string;
  /** The lane's part of the frame; null: all of it. */
  readonly region: Rectangle | null;
  readonly direction: "left" | "right";
  readonly mmPerPx: number;
  /** Items in view; `item` ends the name that its verdict will have. */
  readonly marks: readonly { readonly item: number; readonly box: Rectangle; readonly sizeMm: number | null }[];
}

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** Views as the embedder saw them, each RGB8 HWC (sizePx * sizePx * 3). */
export interface Crops {
  readonly sizePx: number;
  /** Grey of the background. */
  readonly fill: number;
  readonly crops: readonly Uint8Array[];
}

/** One item and what its grade hangs on, by what is enrolled now. */
export interface ItemDetail {
  readonly verdict: Verdict;
  /** It is in the unknown queue. */
  readonly queued: boolean;
  /** The grade that this item itself is a reference of; null where it is none. */
  readonly enrolled: string | null;
  /** In the order of exposure. */
  readonly views: readonly ViewDetail[];
  /** Which of them are in its picture, in that order; an even part of many is kept. */
  readonly pictured: readonly number[];
  /** Null where nothing is enrolled or the item has no view. */
  readonly why: Why | null;
}

export interface ViewDetail {
  /** The nearest enrolled view of each grade, nearest first. */
  readonly nearest: readonly Neighbour[];
  /** Which camera saw it, where the lane has several. */
  readonly camera?: string;
}

export interface Why {
  /** Short hash of the gallery that this is by: another one than the verdict's where something was enrolled since. */
  readonly gallery: string;
  readonly outcome: Verdict["outcome"];
  readonly grade: string | null;
  /** The grade that the item as a whole is most like: it gets none better. */
  readonly like: string;
  /** Another grade that it is as much like. */
  readonly rival: string | null;
  /** More than 1: as a whole it is like nothing enrolled. */
  readonly strangeness: number;
  /** Best grade first. */
  readonly grades: readonly GradeReason[];
}

export interface GradeReason {
  readonly grade: string;
  /** Of the view that decides; null where it cannot be said. */
  readonly distance: number | null;
  readonly limit: number;
  readonly pValue: number | null;
  /** Views that no reference of this grade or a better one is near enough to, from 0. */
  readonly uncovered: readonly number[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface MapShown {
  /** Short hash of the gallery that the plane was laid through. */
  readonly gallery: string;
  readonly references: readonly (Point & { readonly id: string; readonly grade: string })[];
  /** Enrolled items in all; the map shows an even part of many. */
  readonly enrolled: number;
  /** Share of all variance that lies along each of the two axes, 0..1. */
  readonly explained: readonly number[];
  /** Oldest first. */
  readonly items: readonly (Point & { readonly verdict: Verdict })[];
}

export interface QueueShown {
  /** How many wait in all. */
  readonly total: number;
  /** The newest of them, newest first. */
  readonly items: readonly Verdict[];
}

/** What somebody taught the line. */
export interface ActShown {
  /** The grade under which fruit were enrolled; null: they were dismissed. */
  readonly grade: string | null;
  /** How many fruit. */
  readonly items: number;
}

export interface EnrollDone {
  readonly grade: string;
  readonly items: readonly { readonly item: string; readonly views: number }[];
  /** Enrolled items in all. */
  readonly references: number;
}

/** One decided item as the page shows it. */
export interface ItemShown {
  readonly verdict: Verdict;
  /** Its most telling view; null for an item without a view. */
  readonly view: ViewShown | null;
  /** Where it lands on the map; null where nobody has asked for the map, or the item has no embedding. */
  readonly spot: Point | null;
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
  /** The same with their codes, lanes and cameras. */
  readonly causes: readonly ReasonShown[];
  /** Since when it is in this state; RFC 3339, UTC. */
  readonly since: string;
  /** Version of gradeline. */
  readonly version: string;
  readonly uptimeS: number;
  readonly model: ModelStatus;
  readonly gallery: GalleryStatus;
  readonly recipe: RecipeStatus;
  /** What a recipe in the shadow would have decided; null where there is none. */
  readonly shadow: ShadowStatus | null;
  readonly cameras: readonly CameraStatus[];
  readonly lanes: readonly LaneStatus[];
  readonly broker: BrokerStatus;
  readonly queue: QueueStatus;
  /** What can be taken back; null where there is nothing. */
  readonly lastAct: ActShown | null;
  /** What has changed on the lanes since they were learnt. */
  readonly drift: readonly DriftStatus[];
  /** Over the last items; a stage that has not run yet is absent. */
  readonly latencyMs: { readonly [S in Stage]?: Quantiles };
}

/** One reason of the state. */
export interface ReasonShown {
  readonly code: ReasonCode;
  readonly lane?: string | undefined;
  readonly camera?: string | undefined;
  /** What was found, in English. */
  readonly message: string;
  /** What to do, in English. */
  readonly hint: string;
}

export interface DriftStatus {
  readonly lane: string;
  /** What has changed, in a few words. */
  readonly title: string;
  /** When it began; RFC 3339, UTC. */
  readonly since: string;
  /** What was measured and what to do. */
  readonly text: string;
}

/** The unknown queue. */
export interface QueueStatus {
  /** Items that wait. */
  readonly items: number;
  /** The newest of them; null where none waits. */
  readonly newest: string | null;
  /** Not kept since the start, because too many came at once or the disk took none. */
  readonly dropped: number;
  /** Why the disk takes none. */
  readonly problem: string | null;
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

/** Which recipe is active. */
export interface RecipeStatus {
  /** Name and version, with `+` where it was taught since; null: model and gallery of the configuration. */
  readonly name: string | null;
  /** RFC 3339, UTC. */
  readonly since: string;
  /** What `rollback` goes back to; `configuration`: the configuration's own; null: nothing. */
  readonly previous: string | null;
}

/** As the message `shadow`; the page shows its beginning. */
export type ShadowStatus = Omit<ShadowReport, "model" | "gallery">;

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
  /** Fruit that pass are being enrolled. */
  readonly enrolling: { readonly grade: string; readonly count: number; readonly passed: number } | null;
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

/** One item as `/api/items` and the events tell it. */
export interface ItemMessage extends Verdict {
  /** Which of its views the picture shows; null without one. */
  readonly view: number | null;
  /** Where its picture is for as long as it is kept; null without one. */
  readonly thumb: string | null;
  /** Where it lands on the map; null where nobody has asked for one. */
  readonly spot: Point | null;
}

/** The server-sent events of `/events`, by name. */
export interface PageEvents {
  /** The first of every connection. */
  readonly snapshot: {
    /** Version of the page's files; another one: load them again. */
    readonly page: string;
    readonly status: StationStatus;
    /** By lane, newest first. */
    readonly items: Readonly<Record<string, readonly ItemMessage[]>>;
  };
  readonly status: StationStatus;
  readonly item: ItemMessage;
}
