import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { Frame } from "../../../device/base/frame.ts";
import type { Config } from "../../../device/config/schema.ts";
import { loadModel } from "../../../device/embed/model.ts";
import { openLine } from "../../../device/simulation/source.ts";
import { createFollower } from "../../../device/vision/create-follower.ts";
import { Cropper } from "../../../device/vision/crop.ts";
import { Outline } from "../../../device/vision/outline.ts";
import { Segmenter } from "../../../device/vision/segmenter.ts";
import { type Spread, spreadOf } from "./gauge.ts";
import { LEAD_FRAMES, rawFile, viewsFile } from "./raw.ts";
import { benchConfig, type ChildTask, taskOf } from "./setup.ts";

/** Renders the frames of the saturated line, and times the parts of vision on them, alone on one thread. */

export interface VisionFigures {
  /** Drawing one frame of the simulation; processor time and time on the clock. */
  readonly renderCpuMs: number;
  readonly renderMs: Spread;
  /** Of one frame, both lanes. */
  readonly segmentMs: Spread;
  readonly followMs: Spread;
  readonly cropMs: Spread;
  readonly visionMs: Spread;
  readonly viewsPerFrame: number;
}

/** The first passes compile the code. */
const PASSES = 3;

async function vision({ line, frames, views }: ChildTask): Promise<VisionFigures> {
  const config = benchConfig(line, { seed: 1, startAt: 1_700_000_000_000_000, pace: "fast" });
  const renderMs: number[] = [];
  let renderCpuMs = 0;
  for (const [c, camera] of config.cameras.entries()) {
    renderCpuMs += (await render(camera.source, rawFile(line.folder, c), frames, renderMs)) / config.cameras.length;
  }
  const { model } = await loadModel(line.model);
  const crop = { sizePx: model.sizePx, margin: model.cropMargin, fill: model.cropFill };
  const camera = config.cameras[0]!;
  const lanes = config.lanes.filter((lane) => lane.camera === camera.id);
  const size = { widthPx: 1280, heightPx: 720 };
  const times = timeParts();
  const rows = { segment: [] as number[], follow: [] as number[], crop: [] as number[], all: [] as number[] };
  const crops: Uint8Array[] = [];
  let viewCount = 0;
  for (let pass = 0; pass < PASSES; pass++) {
    const followers = lanes.map((lane) => createFollower(lane, crop, size));
    for (const frame of rawFrames(rawFile(line.folder, 0), frames, size)) {
      times.segment = 0;
      times.crop = 0;
      const start = performance.now();
      const sightings = followers.flatMap((follower) => follower.step(frame));
      const all = performance.now() - start;
      const cut = sightings.flatMap((sighting) => (sighting.kind === "view" ? [sighting.crop] : []));
      if (pass === 0) crops.push(...cut.slice(0, views - crops.length));
      if (pass < PASSES - 1 || frame.seq < LEAD_FRAMES) continue;
      viewCount += cut.length;
      rows.segment.push(times.segment);
      rows.crop.push(times.crop);
      rows.follow.push(all - times.segment - times.crop);
      rows.all.push(all);
    }
  }
  await writeFile(viewsFile(line.folder), Buffer.concat(crops));
  return {
    renderCpuMs,
    renderMs: spreadOf(renderMs),
    segmentMs: spreadOf(rows.segment),
    followMs: spreadOf(rows.follow),
    cropMs: spreadOf(rows.crop),
    visionMs: spreadOf(rows.all),
    viewsPerFrame: viewCount / rows.all.length,
  };
}

/** @returns processor milliseconds per frame */
async function render(
  config: Config["cameras"][number]["source"],
  path: string,
  frames: number,
  times: number[],
): Promise<number> {
  if (config.kind !== "line") throw new Error("a bench line is simulated");
  const source = await openLine(config);
  const file = openSync(path, "w");
  const reader = source.frames();
  let cpuUs = 0;
  for (let k = 0; k < frames; k++) {
    const cpu = process.threadCpuUsage();
    const start = performance.now();
    const { value, done } = await reader.next();
    if (done === true) break;
    times.push(performance.now() - start);
    const used = process.threadCpuUsage(cpu);
    cpuUs += used.user + used.system;
    writeSync(file, value.data);
  }
  closeSync(file);
  await source.close();
  return cpuUs / 1000 / frames;
}

function* rawFrames(path: string, frames: number, size: { widthPx: number; heightPx: number }): Generator<Frame> {
  const file = openSync(path, "r");
  const data = new Uint8Array(size.widthPx * size.heightPx * 3);
  for (let seq = 0; seq < frames; seq++) {
    readSync(file, data, 0, data.length, seq * data.length);
    yield { seq, exposedAt: 1_700_000_000_000_000 + Math.round((seq * 1e6) / 30), status: "ok", ...size, data };
  }
  closeSync(file);
}

/** Has the parts of vision add up their time; what neither names is following. */
function timeParts(): { segment: number; crop: number } {
  const times = { segment: 0, crop: 0 };
  const timed = <A extends unknown[], R>(part: "segment" | "crop", work: (...args: A) => R) =>
    function (this: unknown, ...args: A): R {
      const start = performance.now();
      const result = work.apply(this, args);
      times[part] += performance.now() - start;
      return result;
    };
  Segmenter.prototype.look = timed("segment", Segmenter.prototype.look);
  Segmenter.prototype.learn = timed("segment", Segmenter.prototype.learn);
  Outline.prototype.trace = timed("segment", Outline.prototype.trace);
  Cropper.prototype.cut = timed("crop", Cropper.prototype.cut);
  return times;
}

process.send!(await vision(taskOf(process.argv)));
process.disconnect();
