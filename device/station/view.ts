import { shortHash } from "../base/short-hash.ts";
import { formatMicros, type Micros, nowMicros } from "../base/time.ts";
import { VERSION } from "../base/version.ts";
import type { Config } from "../config/schema.ts";
import type {
  CameraLook,
  CameraStatus,
  ItemShown,
  LaneStatus,
  QueueStatus,
  StationStatus,
  StationView,
} from "../console/view.ts";
import type { Metrics } from "../contract/metrics.ts";
import { hintOf } from "../contract/reasons.ts";
import type { Camera, CameraState } from "../lanes/camera.ts";
import type { LaneStats } from "../lanes/counts.ts";
import type { Publisher } from "../publish/publisher.ts";
import type { StationRecipes } from "../recipes/active.ts";
import { DRIFT_TITLES } from "../teach/drift/findings.ts";
import type { Teaching } from "../teach/teaching.ts";
import type { GradedItem } from "./hand-over.ts";
import { type ItemsParts, StationItems } from "./items.ts";
import { StationMap } from "./map.ts";
import type { StageTimes } from "./stage-times.ts";
import type { StationState } from "./state.ts";

/** Pairs and items that differ, of those in the shadow, that the page shows. */
const SHADOW_SHOWN = 6;

/** What the page is made of, as it is now. */
export interface ViewParts extends ItemsParts {
  readonly config: Config;
  readonly startedAt: Micros;
  readonly metrics: Pick<Metrics, "text">;
  readonly state: Pick<StationState, "latest">;
  readonly cameras: ReadonlyMap<string, Camera>;
  readonly stats: ReadonlyMap<string, Pick<LaneStats, "message">>;
  readonly times: Pick<StageTimes, "recent">;
  readonly publisher: Pick<Publisher, "health" | "brokerUrl">;
  readonly recipes: Pick<StationRecipes, "previous" | "shadow">;
  readonly teaching: Teaching;
  readonly activatedAt: Micros;
  readonly paused: boolean;
}

/** What the page sees of the station. */
export function stationView(station: ViewParts): StationView {
  const fps = new Map<string, { at: number; seen: number; fps: number }>();
  const items = new StationItems(station);
  const map = new StationMap(station);
  return {
    status: () => status(station, fps),
    onItem(listener) {
      const { sizePx } = station.embedder.model;
      const shown = (item: GradedItem): void => listener(itemShown(item, sizePx, map));
      station.events.on("item", shown);
      return () => station.events.off("item", shown);
    },
    metrics: () => station.metrics.text(),
    item: (id) => items.detail(id),
    viewsOf: (id) => items.views(id),
    referenceViews: (id) => items.referenceViews(id),
    look: (id) => lookOf(station, id),
    map: () => map.shown(),
    queue: () => items.queue(),
    async enroll(grade, ids, newGradeBefore) {
      const done = await station.teaching.enrollItems(grade, ids, newGradeBefore);
      return { grade: done.grade, items: done.items, references: done.recipe.references };
    },
    dismiss: (ids) => station.teaching.dismiss(ids),
    async undo() {
      const { grade, items } = await station.teaching.undo();
      return { grade, items };
    },
  };
}

function itemShown({ verdict, decided }: GradedItem, sizePx: number, map: StationMap): ItemShown {
  const index = decided.decision.tellingView ?? Math.floor(decided.crops.length / 2);
  const crop = decided.crops[index];
  const spot = map.spotOf(verdict.model, decided.embeddings, decided.embedded);
  return { verdict, view: crop === undefined ? null : { index, sizePx, crop }, spot };
}

type Rates = Map<string, { at: number; seen: number; fps: number }>;

function status(station: ViewParts, rates: Rates): StationStatus {
  const { config, embedder, recipe } = station;
  const { state, reasons, at } = station.state.latest;
  const { journal, broker } = station.publisher.health;
  const latencyMs: Record<string, { p50: number; p99: number }> = {};
  for (const [stage, values] of station.times.recent) latencyMs[stage] = values.quantiles();
  return {
    device: config.device,
    state,
    reasons: reasons.map(({ message }) => message),
    causes: reasons.map((reason) => {
      const { code, lane, camera, message } = reason;
      return { code, lane, camera, message, hint: hintOf(reason) };
    }),
    since: formatMicros(at),
    version: VERSION,
    uptimeS: Math.round((nowMicros() - station.startedAt) / 1e6),
    model: {
      name: embedder.model.name,
      version: embedder.model.version,
      hash: shortHash(embedder.model.hash),
      provider: embedder.provider,
      proof: embedder.proof,
    },
    gallery: {
      hash: shortHash(recipe.galleryHash),
      grades: recipe.grades.map(({ grade }) => grade),
      items: recipe.references,
    },
    recipe: { name: recipe.name, since: formatMicros(station.activatedAt), previous: station.recipes.previous },
    shadow: shadowStatus(station),
    cameras: config.cameras.map(({ id }) => cameraStatus(station, id, rates)),
    lanes: config.lanes.map((lane): LaneStatus => {
      const { items, outcomes, grades, late, itemsPerS } = station.stats.get(lane.id)!.message();
      return {
        id: lane.id,
        camera: lane.camera,
        conveyor: lane.conveyor.kind,
        paused: station.paused,
        items,
        outcomes,
        grades,
        late,
        perMinute: Math.round(itemsPerS * 60),
        enrolling: enrolling(station, lane.id),
      };
    }),
    broker: {
      state: broker.state,
      url: withoutLogin(station.publisher.brokerUrl),
      protocol: broker.protocol,
      reason: broker.reason,
      pendingVerdicts: journal.depth,
      droppedVerdicts: journal.dropped + journal.lost + journal.damaged,
    },
    queue: queueStatus(station),
    lastAct: lastAct(station),
    drift: station.teaching.findings().map(({ lane, kind, since, text }) => ({
      lane,
      title: DRIFT_TITLES[kind],
      since,
      text,
    })),
    latencyMs,
  };
}

function shadowStatus({ recipes }: ViewParts): StationStatus["shadow"] {
  const report = recipes.shadow?.report;
  if (report === undefined) return null;
  const { pairs, last, ...counts } = report;
  return { ...counts, pairs: pairs.slice(0, SHADOW_SHOWN), last: last.slice(0, SHADOW_SHOWN) };
}

function enrolling({ teaching }: ViewParts, lane: string): LaneStatus["enrolling"] {
  const progress = teaching.progress(lane);
  if (progress === undefined) return null;
  return { grade: progress.grade, count: progress.count, passed: progress.items.length };
}

/** Wide enough to see a fruit's outline, small enough to be looked at over a slow network. */
const LOOK_WIDTH_PX = 640;

async function lookOf({ cameras, config }: ViewParts, id: string): Promise<CameraLook | undefined> {
  const camera = cameras.get(id);
  if (camera === undefined) return undefined;
  const { exposedAt, widthPx, heightPx, data, step, marks } = await camera.snapshot(LOOK_WIDTH_PX);
  const lanes = config.lanes.flatMap((lane) => {
    const index = lane.cameras.findIndex((each) => each.camera === id);
    if (index === -1) return [];
    const { region, direction, mmPerPx } = lane.cameras[index]!;
    const mine = marks.filter((mark) => mark.lane === lane.id);
    return {
      id: lane.id,
      region: region ?? null,
      direction,
      mmPerPx,
      marks: mine.map(({ item, box, sizeMm }) => ({ item, box, sizeMm: sizeMm ?? null })),
    };
  });
  return { exposedAt: formatMicros(exposedAt), widthPx, heightPx, data, step, lanes };
}

function lastAct({ teaching: { lastAct: act } }: ViewParts): StationStatus["lastAct"] {
  return act === undefined ? null : { grade: act.grade, items: act.items };
}

function queueStatus({ teaching: { queue } }: ViewParts): QueueStatus {
  const { items, dropped, problem } = queue.stats;
  return { items, newest: queue.list()[0]?.id ?? null, dropped, problem };
}

const SHOWN_STATE: Record<CameraState, CameraStatus["state"]> = {
  ok: "ok",
  opening: "reconnecting",
  waiting: "reconnecting",
  ended: "ended",
  closed: "ended",
};

function cameraStatus(station: ViewParts, id: string, rates: Rates): CameraStatus {
  const camera = station.cameras.get(id);
  if (camera === undefined) {
    return { id, state: "ended", reason: null, seen: 0, dropped: 0, incomplete: 0, fps: 0, frameAgeMs: null };
  }
  const { seen, dropped, incomplete } = camera.counters;
  return {
    id,
    state: SHOWN_STATE[camera.state],
    reason: camera.reason ?? null,
    seen,
    dropped,
    incomplete,
    fps: rate(rates, id, seen),
    frameAgeMs: camera.frameAgeMs() ?? null,
  };
}

/** Over the time since it was last taken, a second at least. */
function rate(rates: Rates, id: string, seen: number): number {
  const now = performance.now();
  const last = rates.get(id);
  if (last === undefined) {
    rates.set(id, { at: now, seen, fps: 0 });
    return 0;
  }
  if (now - last.at >= 1000) {
    last.fps = Math.round(((seen - last.seen) / (now - last.at)) * 10_000) / 10;
    last.at = now;
    last.seen = seen;
  }
  return last.fps;
}

function withoutLogin(url: string): string {
  const parsed = new URL(url);
  parsed.username = "";
  parsed.password = "";
  return parsed.href;
}
