import { GradelineError } from "../../../device/base/errors.ts";
import { formatMicros } from "../../../device/base/time.ts";
import type {
  ActShown,
  CameraLook,
  Crops,
  EnrollDone,
  ItemDetail,
  ItemShown,
  LaneStatus,
  MapShown,
  QueueShown,
  StationStatus,
  StationView,
  Why,
} from "../../../device/console/view.ts";
import type { Verdict } from "../../../device/contract/messages.ts";
import { createMetrics } from "../../../device/contract/metrics.ts";
import { cpuProof } from "../../support/proof-made.ts";

const SIZE_PX = 96;
const T0 = 1_800_000_000_000_000;

/** The part of a status that says why the station is degraded. */
export function because(...reasons: readonly string[]): Pick<StationStatus, "reasons" | "causes"> {
  return { reasons, causes: reasons.map((message) => ({ code: "camera-silent", message, hint: "check the cable" })) };
}

/** A station at the console's interface: says what a test tells it to. */
export class FakeStation implements StationView {
  status_: StationStatus;
  /** Items that can be looked at, in the order in which they passed. */
  readonly kept = new Map<string, Verdict>();
  readonly waiting = new Set<string>();
  /** What was enrolled or dismissed, in order. */
  readonly taught: {
    readonly grade: string | null;
    readonly items: readonly string[];
    readonly newGradeBefore?: string | null | undefined;
  }[] = [];
  /** What the next enrollment fails with. */
  refusal: GradelineError | undefined;
  map_: MapShown | undefined;
  why: Partial<Why> = {};
  readonly #listeners = new Set<(item: ItemShown) => void>();
  #items = 0;

  constructor(status: Partial<StationStatus> = {}) {
    this.status_ = { ...quiet(), ...status };
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  status(): StationStatus {
    return this.status_;
  }

  onItem(listener: (item: ItemShown) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async metrics(): Promise<string> {
    const metrics = createMetrics();
    metrics.camera("top").update({ seen: 90, dropped: 2, incomplete: 1 });
    metrics.lane("a").verdict({ outcome: "graded", grade: "Class I", late: false });
    metrics.stage.embed.observe(0.004);
    const text = await metrics.text();
    metrics.close();
    return text;
  }

  /** An item passes; `colour` fills its picture, null: it has none. */
  pass(about: Partial<Verdict> = {}, colour: readonly [number, number, number] | null = [200, 40, 30]): Verdict {
    const verdict = { ...verdictOf(++this.#items), ...about };
    const view = colour === null ? null : { index: 2, sizePx: SIZE_PX, crop: filled(colour) };
    if (colour !== null) this.kept.set(verdict.item, verdict);
    if (verdict.outcome === "unknown" || verdict.outcome === "unsure") this.waiting.add(verdict.item);
    this.#tellQueue();
    const spot = this.map_ === undefined ? null : { x: 0.1 * this.#items, y: 0.2 };
    for (const listener of this.#listeners) listener({ verdict, view, spot });
    return verdict;
  }

  async item(id: string): Promise<ItemDetail | undefined> {
    const verdict = this.kept.get(id);
    if (verdict === undefined) return undefined;
    const near = { reference: "ref-1", grade: "second", view: 1, views: 4, distance: 0.41 };
    const { outcome, grade, cameras, cameraViews } = verdict;
    const seenBy = cameras?.flatMap((camera, i) => Array.from({ length: cameraViews![i]! }, () => camera));
    const views = Array.from({ length: 4 }, (_, view) => ({
      nearest: [near],
      ...(seenBy === undefined ? {} : { camera: seenBy[view]! }),
    }));
    return {
      verdict,
      queued: this.waiting.has(id),
      enrolled: null,
      views,
      pictured: [0, 1, 2, 3],
      why: { ...why(outcome, grade), ...this.why },
    };
  }

  async viewsOf(id: string): Promise<Crops | undefined> {
    return this.kept.has(id) ? crops() : undefined;
  }

  async referenceViews(id: string): Promise<Crops | undefined> {
    return id === "ref-1" ? crops() : undefined;
  }

  /** What the camera `top` shows; another one is not there. */
  looks = 0;

  async look(camera: string): Promise<CameraLook | undefined> {
    if (camera !== "top") return undefined;
    this.looks++;
    if (this.refusal !== undefined) throw this.refusal;
    const marks = [{ item: 7, box: { x: 100, y: 80, w: 60, h: 60 }, sizeMm: 72 }];
    const lane = { id: "a", region: { x: 0, y: 40, w: 640, h: 160 }, mmPerPx: 0.5, marks };
    return {
      exposedAt: formatMicros(T0),
      widthPx: 320,
      heightPx: 120,
      data: new Uint8Array(320 * 120 * 3).fill(90),
      step: 2,
      lanes: [{ ...lane, direction: "right" }],
    };
  }

  map(): MapShown | undefined {
    return this.map_;
  }

  queue(): QueueShown {
    const items = [...this.waiting].reverse().map((id) => this.kept.get(id)!);
    return { total: items.length, items: items.slice(0, 60) };
  }

  async enroll(grade: string, items: readonly string[], newGradeBefore?: string | null): Promise<EnrollDone> {
    if (this.refusal !== undefined) throw this.refusal;
    this.taught.push(newGradeBefore === undefined ? { grade, items } : { grade, items, newGradeBefore });
    for (const item of items) this.waiting.delete(item);
    this.#tellQueue();
    return { grade, items: items.map((item) => ({ item, views: 4 })), references: 25 };
  }

  async dismiss(items: readonly string[]): Promise<number> {
    this.taught.push({ grade: null, items });
    const dismissed = items.filter((item) => this.waiting.delete(item)).length;
    this.#tellQueue();
    return dismissed;
  }

  async undo(): Promise<ActShown> {
    const last = this.taught.pop();
    if (last === undefined) throw new GradelineError("REQUEST", "nothing was taught since the daemon started");
    for (const item of last.items) this.waiting.add(item);
    this.#tellQueue();
    return { grade: last.grade, items: last.items.length };
  }

  #tellQueue(): void {
    const newest = [...this.waiting].at(-1) ?? null;
    const last = this.taught.at(-1);
    const lastAct = last === undefined ? null : { grade: last.grade, items: last.items.length };
    this.status_ = { ...this.status_, lastAct, queue: { ...this.status_.queue, items: this.waiting.size, newest } };
  }
}

export function laneStatus(id: string, about: Partial<LaneStatus> = {}): LaneStatus {
  return {
    id,
    camera: "top",
    conveyor: "belt",
    paused: false,
    items: 0,
    outcomes: { graded: 0, unknown: 0, unsure: 0, foreign: 0, empty: 0, "no-image": 0 },
    grades: {},
    late: 0,
    perMinute: 0,
    enrolling: null,
    ...about,
  };
}

/** Every station of ours can be told apart from its first second on; this one has no items yet. */
function quiet(): StationStatus {
  return {
    device: "board-1",
    state: "online",
    reasons: [],
    causes: [],
    lastAct: null,
    since: "2027-01-15T08:00:00.000000Z",
    version: "0.1.0",
    uptimeS: 4000,
    model: { name: "fruit", version: "1", hash: "ab".repeat(32), provider: "cpu", proof: cpuProof },
    gallery: { hash: "cd".repeat(32), grades: ["sound", "second", "reject"], items: 24 },
    recipe: { name: null, since: "2027-01-15T08:00:00.000000Z", previous: null },
    shadow: null,
    cameras: [{ id: "top", state: "ok", reason: null, seen: 900, dropped: 0, incomplete: 0, fps: 30, frameAgeMs: 12 }],
    lanes: [laneStatus("a"), laneStatus("b")],
    broker: {
      state: "connected",
      url: "mqtt://127.0.0.1:1883",
      protocol: "5",
      reason: null,
      pendingVerdicts: 0,
      droppedVerdicts: 0,
    },
    drift: [],
    queue: { items: 0, newest: null, dropped: 0, problem: null },
    latencyMs: { embed: { p50: 4.2, p99: 9.8 }, exposure_to_ack: { p50: 17, p99: 31 } },
  };
}

/** A recipe in the shadow that decided some items otherwise. */
export function shadowStatus(items: readonly string[]): NonNullable<StationStatus["shadow"]> {
  return {
    recipe: "apples-4",
    since: "2027-01-15T08:00:00.000000Z",
    items: 2000,
    same: 1880,
    different: 120,
    skipped: 14,
    pairs: [
      { was: "sound", would: "second", items: 100 },
      { was: "unknown", would: "reject", items: 20 },
    ],
    last: items.map((item) => ({
      item,
      lane: "a",
      was: "sound",
      would: "second",
      decidedAt: "2027-01-15T08:00:00.000000Z",
    })),
    problem: null,
  };
}

function verdictOf(number: number): Verdict {
  return {
    v: 2,
    device: "board-1",
    epoch: "0a1b2c3d",
    lane: "a",
    seq: number,
    item: `a-x1-0-${number}`,
    outcome: "graded",
    outcomeCode: 1,
    grade: "sound",
    gradeCode: 1,
    margin: 0.42,
    grades: [{ grade: "sound", distance: 0.31, pValue: null }],
    views: 9,
    sizeMm: 71.4,
    cup: null,
    exposedAt: formatMicros(T0 + number * 1e5),
    decidedAt: formatMicros(T0 + number * 1e5 + 15_000),
    gateAt: formatMicros(T0 + number * 1e5 + 900_000),
    late: false,
    recipe: null,
    model: "ab".repeat(8),
    gallery: "cd".repeat(8),
    ms: { vision: 3, embed: 9, grade: 0.2 },
  };
}

function crops(): Crops {
  return { sizePx: SIZE_PX, fill: 118, crops: Array.from({ length: 4 }, (_, i) => filled([60 * i, 90, 40])) };
}

/** View 3 is near nothing sound. */
function why(outcome: Verdict["outcome"], grade: string | null): Why {
  return {
    gallery: "cd".repeat(8),
    outcome,
    grade,
    like: "sound",
    rival: null,
    strangeness: 0.7,
    grades: [
      { grade: "sound", distance: 0.41, limit: 0.35, pValue: 0.04, uncovered: [2] },
      { grade: "second", distance: 0.41, limit: 0.38, pValue: null, uncovered: [2] },
      { grade: "reject", distance: 0.3, limit: 0.38, pValue: 0.4, uncovered: [] },
    ],
  };
}

function filled(colour: readonly [number, number, number]): Uint8Array {
  return new Uint8Array(SIZE_PX * SIZE_PX * 3).map((_, i) => colour[i % 3]!);
}
