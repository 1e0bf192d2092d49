import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createMetrics, type Metrics, stages } from "../../../device/contract/metrics.ts";

function metricsOf(t: TestContext): Metrics {
  const metrics = createMetrics();
  t.after(() => metrics.close());
  return metrics;
}

/** Value of the one series with these labels. */
async function reading(metrics: Metrics, series: string): Promise<number> {
  const line = (await metrics.text()).split("\n").find((text) => text.startsWith(`${series} `));
  assert.ok(line !== undefined, `no series ${series}`);
  return Number(line.slice(series.length + 1));
}

test("frames are the camera's own totals, and keep counting when the camera begins anew", async (t) => {
  const metrics = metricsOf(t);
  const camera = metrics.camera("top");
  camera.update({ seen: 100, dropped: 3, incomplete: 1 });
  camera.update({ seen: 130, dropped: 4, incomplete: 1, lost: 2, restarts: 1, blindUs: 2_500_000, shadows: 3 });
  camera.update({ seen: 10, dropped: 0, incomplete: 0, lost: 2, restarts: 1 });
  assert.equal(await reading(metrics, 'gradeline_frames_total{camera="top"}'), 140);
  assert.equal(await reading(metrics, 'gradeline_frames_dropped_total{camera="top"}'), 4);
  assert.equal(await reading(metrics, 'gradeline_frames_lost_total{camera="top"}'), 2);
  assert.equal(await reading(metrics, 'gradeline_blind_seconds_total{camera="top"}'), 2.5);
  assert.equal(await reading(metrics, 'gradeline_shadows_total{camera="top"}'), 3);
});

test("verdicts count by lane, outcome and grade, and a lane's series are there before its first item", async (t) => {
  const metrics = metricsOf(t);
  const lane = metrics.lane("a");
  assert.equal(await reading(metrics, 'gradeline_items_total{lane="a"}'), 0);
  assert.equal(await reading(metrics, 'gradeline_verdicts_total{lane="a",outcome="unknown",grade=""}'), 0);
  lane.verdict({ outcome: "graded", grade: "Class I", late: false });
  lane.verdict({ outcome: "graded", grade: "Class I", late: true });
  lane.verdict({ outcome: "unknown", grade: null, late: false });
  assert.equal(await reading(metrics, 'gradeline_items_total{lane="a"}'), 3);
  assert.equal(await reading(metrics, 'gradeline_verdicts_total{lane="a",outcome="graded",grade="Class I"}'), 2);
  assert.equal(await reading(metrics, 'gradeline_verdicts_total{lane="a",outcome="unknown",grade=""}'), 1);
  assert.equal(await reading(metrics, 'gradeline_verdicts_late_total{lane="a"}'), 1);
});

test("the age of a camera's newest frame is that of the moment of reading", async (t) => {
  const metrics = metricsOf(t);
  let ageMs: number | undefined;
  metrics.camera("c").age(() => ageMs);
  assert.doesNotMatch(await metrics.text(), /frame_age_seconds\{/);
  ageMs = 2500;
  assert.equal(await reading(metrics, 'gradeline_frame_age_seconds{camera="c"}'), 2.5);
  ageMs = 40;
  assert.equal(await reading(metrics, 'gradeline_frame_age_seconds{camera="c"}'), 0.04);
});

test("grades of ever new galleries do not grow the number of series without end", async (t) => {
  const metrics = metricsOf(t);
  const lane = metrics.lane("a");
  for (let i = 0; i < 1000; i++) lane.verdict({ outcome: "graded", grade: `grade ${i}`, late: false });
  const series = (await metrics.text()).match(/^gradeline_verdicts_total\{.*outcome="graded"/gm);
  assert.equal(series?.length, 65);
  assert.equal(await reading(metrics, 'gradeline_verdicts_total{lane="a",outcome="graded",grade="other"}'), 936);
});

test("stages are histograms in seconds, one for each stage from the start", async (t) => {
  const metrics = metricsOf(t);
  for (const stage of stages) {
    assert.equal(await reading(metrics, `gradeline_stage_seconds_count{stage="${stage}"}`), 0);
  }
  metrics.stage.embed.observe(0.0004);
  metrics.stage.embed.observe(0.03);
  metrics.stage.embed.observe(60);
  assert.equal(await reading(metrics, 'gradeline_stage_seconds_bucket{le="0.0005",stage="embed"}'), 1);
  assert.equal(await reading(metrics, 'gradeline_stage_seconds_bucket{le="0.05",stage="embed"}'), 2);
  assert.equal(await reading(metrics, 'gradeline_stage_seconds_bucket{le="5",stage="embed"}'), 2);
  assert.equal(await reading(metrics, 'gradeline_stage_seconds_bucket{le="+Inf",stage="embed"}'), 3);
});

test("a duration that is no number is left out and one before its start counts as zero", async (t) => {
  const metrics = metricsOf(t);
  metrics.stage.grade.observe(Number.NaN);
  metrics.stage.grade.observe(Number.POSITIVE_INFINITY);
  metrics.stage.grade.observe(-0.001);
  assert.equal(await reading(metrics, 'gradeline_stage_seconds_count{stage="grade"}'), 1);
  assert.equal(await reading(metrics, 'gradeline_stage_seconds_sum{stage="grade"}'), 0);
});

test("the journal's figures and the way to the broker are told", async (t) => {
  const metrics = metricsOf(t);
  metrics.journal({ depth: 7, bytes: 4096, waiting: 2, dropped: 5, lost: 0, skipped: 0, damaged: 0 });
  metrics.journal({ depth: 3, bytes: 4096, waiting: 0, dropped: 6, lost: 0, skipped: 0, damaged: 0 });
  metrics.published.inc();
  metrics.published.inc(2);
  metrics.acknowledged.inc();
  assert.equal(await reading(metrics, "gradeline_journal_depth"), 3);
  assert.equal(await reading(metrics, "gradeline_journal_dropped_total"), 6);
  assert.equal(await reading(metrics, "gradeline_published_total"), 3);
  assert.equal(await reading(metrics, "gradeline_acknowledged_total"), 1);
});

test("CPU, memory and the delay of the event loop come with it, and two registries do not mix", async (t) => {
  const metrics = metricsOf(t);
  const other = metricsOf(t);
  other.published.inc();
  assert.ok((await reading(metrics, "process_resident_memory_bytes")) > 1e6);
  assert.ok((await reading(metrics, "process_cpu_seconds_total")) > 0);
  assert.ok((await reading(metrics, 'gradeline_event_loop_delay_seconds{quantile="0.99"}')) >= 0);
  assert.equal(await reading(metrics, "gradeline_published_total"), 0);
  assert.doesNotMatch(await metrics.text(), /nodejs_eventloop_lag/);
});
