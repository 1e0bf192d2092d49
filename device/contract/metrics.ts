import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Closable } from "../base/lifecycle.ts";
import { outcomes, type Verdict } from "./messages.ts";

/**
 * Where the time of an item goes. `vision`: one frame segmented, followed and cut; `embed`: one batch;
 * `exposure_to_ack`: the item's last exposure to the broker's acknowledgement of its verdict.
 */
export const stages = ["grab", "vision", "embed", "grade", "journal", "publish", "exposure_to_ack"] as const;
export type Stage = (typeof stages)[number];

const STAGE_BUCKETS_S = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const OUTCOMES = outcomes;
/** A gallery has a handful of grades; beyond this, over all galleries that a process has seen, they count as `other`. */
const MAX_GRADES = 64;
const LOOP_SAMPLE_MS = 10;

export interface Observer {
  /** Adds one value; cheap enough for every view. A value that is no number is left out, a negative one counts as 0. */
  observe(value: number): void;
}

/** A counter whose owner counts itself and tells its total now and then. */
export interface FrameTotals {
  readonly seen: number;
  readonly dropped: number;
  readonly incomplete: number;
  readonly lost?: number;
  readonly resent?: number;
  readonly restarts?: number;
  /** Time in which one of its lanes could not be seen, and things of a fruit's size that were taken for shadows. */
  readonly blindUs?: number;
  readonly shadows?: number;
}

export interface JournalFigures {
  /** Verdicts that the broker has not acknowledged. */
  readonly depth: number;
  readonly bytes: number;
  readonly dropped: number;
  /** Verdicts in memory that the disk has not taken yet. */
  readonly waiting: number;
  readonly lost: number;
  readonly skipped: number;
  readonly damaged: number;
}

export interface CameraMetrics {
  update(totals: FrameTotals): void;
  /** Asked whenever somebody reads the metrics. @param ageMs since the newest frame; undefined before the first */
  age(ageMs: () => number | undefined): void;
}

export interface LaneMetrics {
  verdict(verdict: Pick<Verdict, "outcome" | "grade" | "late">): void;
}

export interface ShadowMetrics {
  item(result: "same" | "different" | "skipped"): void;
}

export interface Metrics extends Closable {
  /** Durations in seconds. */
  readonly stage: Readonly<Record<Stage, Observer>>;
  /** Views per batch given to the model. */
  readonly batchSize: Observer;
  /** Verdicts given to the broker's connection, a repeat included. */
  readonly published: { inc(count?: number): void };
  readonly acknowledged: { inc(count?: number): void };
  /** The handle for one camera of the configuration; ask once, keep it. */
  camera(id: string): CameraMetrics;
  /** The handle for one lane of the configuration; ask once, keep it. */
  lane(id: string): LaneMetrics;
  journal(figures: JournalFigures): void;
  /** Items that a second recipe decided beside the first. */
  readonly shadow: ShadowMetrics;
  /** Everything in the Prometheus text format, version 0.0.4. */
  text(): Promise<string>;
  /** Stops the sampling of the event loop. */
  close(): void;
}

/**
 * What `/metrics` tells, in a registry of its own. Labels are bounded: cameras and lanes come from the configuration,
 * outcomes are fixed, grades come from the gallery.
 *
 * @see https://prometheus.io/docs/practices/naming/
 */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const make = makerOf(registry);
  const camera = cameraMetrics(make);
  const lane = laneMetrics(make);
  const journal = journalMetrics(make);
  const shadow = make.counter("shadow_items_total", "items that the recipe in the shadow decided likewise or not", [
    "result",
  ]);
  const stage = stageMetrics(make);
  const batchSize = make.histogram("batch_size", "views per batch given to the model", BATCH_BUCKETS);
  const loop = measureLoop(registry);
  measureProcess(registry);
  return {
    stage,
    batchSize: guarded(batchSize),
    published: make.counter("published_total", "verdicts given to the broker's connection, repeats included"),
    acknowledged: make.counter("acknowledged_total", "verdicts that the broker acknowledged"),
    camera,
    lane,
    journal,
    shadow: { item: (result) => shadow.inc({ result }) },
    text: () => registry.metrics(),
    close() {
      loop.disable();
    },
  };
}

type Maker = ReturnType<typeof makerOf>;

/** Makes metrics of this program in one registry. */
function makerOf(registry: Registry) {
  const registers = [registry];
  return {
    counter: <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> =>
      new Counter({ name: `gradeline_${name}`, help, labelNames, registers }),
    gauge: (name: string, help: string): Gauge => new Gauge({ name: `gradeline_${name}`, help, registers }),
    /** A gauge by camera that is asked for when somebody reads it. */
    gaugeByCamera: (name: string, help: string, values: () => Iterable<[camera: string, value: number]>): Gauge =>
      new Gauge({
        name: `gradeline_${name}`,
        help,
        labelNames: ["camera"],
        registers,
        collect() {
          for (const [camera, value] of values()) this.set({ camera }, value);
        },
      }),
    histogram: <L extends string = never>(
      name: string,
      help: string,
      buckets: number[],
      labelNames: readonly L[] = [],
    ): Histogram<L> => new Histogram({ name: `gradeline_${name}`, help, labelNames, buckets, registers }),
  };
}

function cameraMetrics({ counter, gaugeByCamera }: Maker): Metrics["camera"] {
  const frames = {
    seen: counter("frames_total", "exposures that took place", ["camera"]),
    dropped: counter("frames_dropped_total", "exposures that a newer one overtook", ["camera"]),
    incomplete: counter("frames_incomplete_total", "frames with missing pixels", ["camera"]),
    lost: counter("frames_lost_total", "exposures that never arrived, by the camera's own frame numbers", ["camera"]),
    resent: counter("packets_resent_total", "packets that were lost and came when asked for again", ["camera"]),
    restarts: counter("camera_restarts_total", "times the camera was started anew", ["camera"]),
    blindS: counter("blind_seconds_total", "time in which a lane of the camera could not be seen", ["camera"]),
    shadows: counter("shadows_total", "things of a fruit's size that were taken for shadows", ["camera"]),
  };
  const ages = new Map<string, () => number | undefined>();
  gaugeByCamera("frame_age_seconds", "since the newest frame came", function* () {
    for (const [camera, ageMs] of ages) {
      const age = ageMs();
      if (age !== undefined) yield [camera, Math.max(0, age) / 1000];
    }
  });
  return (id) => {
    const totals = {
      seen: totalOf(frames.seen.labels(id)),
      dropped: totalOf(frames.dropped.labels(id)),
      incomplete: totalOf(frames.incomplete.labels(id)),
      lost: totalOf(frames.lost.labels(id)),
      resent: totalOf(frames.resent.labels(id)),
      restarts: totalOf(frames.restarts.labels(id)),
      blindS: totalOf(frames.blindS.labels(id)),
      shadows: totalOf(frames.shadows.labels(id)),
    };
    return {
      update({ seen, dropped, incomplete, lost = 0, resent = 0, restarts = 0, blindUs = 0, shadows = 0 }) {
        totals.seen(seen);
        totals.dropped(dropped);
        totals.incomplete(incomplete);
        totals.lost(lost);
        totals.resent(resent);
        totals.restarts(restarts);
        totals.blindS(blindUs / 1e6);
        totals.shadows(shadows);
      },
      age(ageMs) {
        ages.set(id, ageMs);
      },
    };
  };
}

function laneMetrics({ counter }: Maker): Metrics["lane"] {
  const items = counter("items_total", "items that passed the camera, empty cups included", ["lane"]);
  const verdicts = counter("verdicts_total", "verdicts by outcome and grade", ["lane", "outcome", "grade"]);
  const late = counter("verdicts_late_total", "verdicts decided after their deadline", ["lane"]);
  const grades = new Set<string>();
  const gradeLabel = (grade: string | null): string => {
    if (grade === null) return "";
    if (grades.has(grade)) return grade;
    if (grades.size >= MAX_GRADES) return "other";
    grades.add(grade);
    return grade;
  };
  return (id) => {
    // A series that starts at zero has a rate from its first event on.
    items.inc({ lane: id }, 0);
    late.inc({ lane: id }, 0);
    for (const outcome of OUTCOMES) {
      if (outcome !== "graded") verdicts.inc({ lane: id, outcome, grade: "" }, 0);
    }
    return {
      verdict(verdict) {
        items.inc({ lane: id });
        verdicts.inc({ lane: id, outcome: verdict.outcome, grade: gradeLabel(verdict.grade) });
        if (verdict.late) late.inc({ lane: id });
      },
    };
  };
}

function journalMetrics({ counter, gauge }: Maker): Metrics["journal"] {
  const journal = {
    depth: gauge("journal_depth", "verdicts that the broker has not acknowledged"),
    bytes: gauge("journal_bytes", "size of the journal on disk"),
    waiting: gauge("journal_waiting", "verdicts in memory that the disk has not taken yet"),
    dropped: totalOf(counter("journal_dropped_total", "verdicts given up for the journal's bound").labels()),
    lost: totalOf(counter("journal_lost_total", "verdicts that never became durable").labels()),
    skipped: totalOf(counter("journal_skipped_total", "numbers left out after a doubt").labels()),
    damaged: totalOf(counter("journal_damaged_total", "verdicts damaged before every sink had them").labels()),
  };
  return ({ depth, bytes, waiting, dropped, lost, skipped, damaged }) => {
    journal.depth.set(depth);
    journal.bytes.set(bytes);
    journal.waiting.set(waiting);
    journal.dropped(dropped);
    journal.lost(lost);
    journal.skipped(skipped);
    journal.damaged(damaged);
  };
}

function stageMetrics({ histogram }: Maker): Metrics["stage"] {
  const seconds = histogram("stage_seconds", "time that one stage took", STAGE_BUCKETS_S, ["stage"]);
  return Object.fromEntries(
    stages.map((name) => {
      seconds.zero({ stage: name });
      return [name, guarded(seconds.labels(name))];
    }),
  ) as Record<Stage, Observer>;
}

/** Counters only go up: a total that is smaller than before began anew and counts from zero again. */
function totalOf(counter: { inc(by: number): void }): (total: number) => void {
  let last = 0;
  counter.inc(0);
  return (total) => {
    if (total === last) return;
    counter.inc(total > last ? total - last : total);
    last = total;
  };
}

/** The library throws on what is no number; a figure must never end a line. */
function guarded(histogram: Observer): Observer {
  return {
    observe(value) {
      if (Number.isFinite(value)) histogram.observe(Math.max(0, value));
    },
  };
}

function measureLoop(registry: Registry): ReturnType<typeof monitorEventLoopDelay> {
  const loop = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
  loop.enable();
  new Gauge({
    name: "gradeline_event_loop_delay_seconds",
    help: `how late a timer fires, sampled every ${LOOP_SAMPLE_MS} ms since the last reading`,
    labelNames: ["quantile"],
    registers: [registry],
    collect() {
      for (const [quantile, ns] of [
        ["0.5", loop.percentile(50)],
        ["0.99", loop.percentile(99)],
        ["1", loop.max],
      ] as const) {
        // Node counts the interval itself as delay; before the first sample the histogram is empty.
        const lateNs = loop.count === 0 ? 0 : ns - LOOP_SAMPLE_MS * 1e6;
        this.set({ quantile }, Math.max(0, lateNs) / 1e9);
      }
      loop.reset();
    },
  });
  return loop;
}

/** CPU, memory, file descriptors, garbage collection by the names that dashboards know. */
function measureProcess(registry: Registry): void {
  // The library's own figures of the event loop count the sampling interval as delay, an idle process would show 10 ms.
  // Ours stand in their place; what cannot be switched off samples once a second.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 1000 });
  for (const { name } of registry.getMetricsAsArray()) {
    if (name.startsWith("nodejs_eventloop_lag")) registry.removeSingleMetric(name);
  }
}
