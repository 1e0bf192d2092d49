import type { Config, LaneCamera, LaneConfig, SourceConfig } from "./schema.ts";

/** A problem of a configuration, and where it stands. */
export interface LaneProblem {
  readonly path: readonly (string | number)[];
  readonly text: string;
}

interface Size {
  readonly widthPx: number;
  readonly heightPx: number;
}

type Box = NonNullable<LaneCamera["region"]>;

/** One lane as one of its cameras sees it: what its follower is built for. */
export function laneSeenBy(lane: LaneConfig, index: number, spans: readonly Span[] | undefined): LaneConfig {
  const camera = lane.cameras[index]!;
  const seen = {
    ...lane,
    camera: camera.camera,
    roi: camera.region,
    mmPerPx: camera.mmPerPx,
    direction: camera.direction,
  };
  if (spans === undefined) return seen;
  // The gate is the lane's: as far behind the last camera's exit edge as it says.
  const gateMm = Math.max(...spans.map(({ exitMm }) => exitMm)) + lane.gateMm - spans[index]!.exitMm;
  const { conveyor } = lane;
  if (conveyor.kind === "belt") return { ...seen, gateMm };
  const { firstWindowMm } = cupsSeenBy(lane, index);
  return { ...seen, gateMm, conveyor: { ...conveyor, firstWindowMm, windows: camera.windows ?? conveyor.windows } };
}

/** Where each camera's region lies along the lane, millimetres from the first one's entry edge. */
export interface Span {
  readonly entryMm: number;
  readonly exitMm: number;
}

/** @returns undefined where a region's length is known only when its camera has given a picture */
export function spansOf(lane: LaneConfig, cameras: Config["cameras"]): Span[] | undefined {
  const spans: Span[] = [];
  for (const { camera, region, mmPerPx, offsetMm } of lane.cameras) {
    const source = cameras.find(({ id }) => id === camera)?.source;
    const widthPx = region?.w ?? (source === undefined ? undefined : pictureOf(source)?.widthPx);
    if (widthPx === undefined) return undefined;
    spans.push({ entryMm: offsetMm, exitMm: offsetMm + widthPx * mmPerPx });
  }
  return spans;
}

/**
 * Cups stand in the same places under all cameras of a lane: from where the lane's first window lies follows where
 * each camera's first one does.
 *
 * @returns `ahead`: how many pitches behind the lane's first window it lies
 */
export function cupsSeenBy(lane: LaneConfig, index: number): { firstWindowMm: number; ahead: number } {
  if (lane.conveyor.kind !== "cups") return { firstWindowMm: 0, ahead: 0 };
  const { pitchMm, firstWindowMm: first } = lane.conveyor;
  const { offsetMm } = lane.cameras[index]!;
  const into = offsetMm % pitchMm;
  const firstWindowMm = into > first ? first - into + pitchMm : first - into;
  return { firstWindowMm, ahead: Math.round((offsetMm + firstWindowMm - first) / pitchMm) };
}

/** Size of a source's pictures; undefined where it is known only when the camera is open. */
function pictureOf(source: SourceConfig): Size | undefined {
  switch (source.kind) {
    case "line":
    case "libcamera":
      return source;
    case "gige":
      return source.roi === undefined ? undefined : { widthPx: source.roi.w, heightPx: source.roi.h };
    case "gst":
      return source.widthPx === undefined || source.heightPx === undefined
        ? undefined
        : { widthPx: source.widthPx, heightPx: source.heightPx };
    case "replay":
      return undefined;
  }
}

/** What is wrong with the cameras of the lanes. */
export function checkLaneCameras(config: Pick<Config, "cameras" | "lanes">): LaneProblem[] {
  const problems: LaneProblem[] = [];
  const known = config.cameras.map(({ id }) => id);
  for (const [index, lane] of config.lanes.entries()) {
    const single = lane.cameras.length === 1;
    for (const [n, entry] of lane.cameras.entries()) {
      const path = single ? ["lanes", index] : ["lanes", index, "cameras", n];
      if (!known.includes(entry.camera)) {
        const text = `found ${entry.camera}, allowed: a camera of this file (${known.join(", ")})`;
        problems.push({ path: [...path, "camera"], text });
      } else if (!single) checkEntry(config, lane, n, path, problems);
    }
    if (!single) checkTogether(config, index, problems);
  }
  checkOverlap(config, problems);
  return problems;
}

function checkEntry(
  config: Pick<Config, "cameras" | "lanes">,
  lane: LaneConfig,
  n: number,
  path: LaneProblem["path"],
  problems: LaneProblem[],
): void {
  const { camera, region, offsetMm } = lane.cameras[n]!;
  const size = pictureOf(config.cameras.find(({ id }) => id === camera)!.source);
  if (region === undefined && size === undefined) {
    const text = "is missing: where the picture's size is not in the configuration, a lane of several cameras needs it";
    problems.push({ path: [...path, "region"], text });
  }
  if (region !== undefined && size !== undefined) {
    const right = region.x + region.w;
    const bottom = region.y + region.h;
    if (right > size.widthPx || bottom > size.heightPx) {
      const text = `reaches to ${right} x ${bottom}, the picture of camera ${camera} is ${size.widthPx} x ${size.heightPx}`;
      problems.push({ path: [...path, "region"], text });
    }
  }
  const before = lane.cameras[n - 1];
  if (before !== undefined && before.offsetMm > offsetMm) {
    const text = `found ${offsetMm} behind ${before.offsetMm}: cameras stand in the order in which fruit pass them; put ${camera} before ${before.camera}, or mend its place`;
    problems.push({ path: [...path, "offsetMm"], text });
  }
}

/** Cameras of one lane must run by the same time. */
function checkTogether({ cameras, lanes }: Pick<Config, "cameras" | "lanes">, index: number, problems: LaneProblem[]) {
  const lane = lanes[index]!;
  const sources = lane.cameras.map(({ camera }) => ({
    camera,
    source: cameras.find(({ id }) => id === camera)?.source,
  }));
  const first = sources[0]!;
  if (first.source === undefined) return;
  for (const [n, { camera, source }] of sources.entries()) {
    if (source === undefined) continue;
    const [own, others] = [timeOf(source), timeOf(first.source)];
    if (own === others) continue;
    const text = `found ${camera} (${own}) beside ${first.camera} (${others}): the cameras of a lane need the same kind of times`;
    problems.push({ path: ["lanes", index, "cameras", n, "camera"], text });
  }
}

function timeOf(source: SourceConfig): string {
  if (source.kind !== "replay" && source.kind !== "line") return "live";
  return `${source.kind === "replay" ? "replayed" : "simulated"}, pace ${source.pace}`;
}

/** One picture, two lanes or mirrors: each has its own part of it. */
function checkOverlap({ lanes }: Pick<Config, "lanes">, problems: LaneProblem[]): void {
  const seen: { camera: string; region: Box | undefined; several: boolean; name: string }[] = [];
  for (const [index, lane] of lanes.entries()) {
    const several = lane.cameras.length > 1;
    for (const [n, { camera, region }] of lane.cameras.entries()) {
      const other = seen.find(
        (each) => each.camera === camera && (each.several || several) && meet(each.region, region),
      );
      if (other !== undefined) {
        const path = several ? ["lanes", index, "cameras", n] : ["lanes", index];
        const key = region === undefined ? "camera" : several ? "region" : "roi";
        const text =
          region === undefined || other.region === undefined
            ? `found ${camera} a second time (${other.name}): give each a part of the picture of its own`
            : `overlaps that of ${other.name}: a part of the picture of ${camera} shows one lane, once`;
        problems.push({ path: [...path, key], text });
      }
      seen.push({ camera, region, several, name: several ? `lanes[${index}].cameras[${n}]` : `lanes[${index}]` });
    }
  }
}

function meet(a: Box | undefined, b: Box | undefined): boolean {
  if (a === undefined || b === undefined) return true;
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/** Cameras whose times are not as good as those of the others of their lane. */
export function weakTimes({ cameras, lanes }: Pick<Config, "cameras" | "lanes">): string[] {
  const told: string[] = [];
  for (const lane of lanes) {
    if (lane.cameras.length < 2) continue;
    const rated = lane.cameras.map(({ camera }) => ({
      camera,
      ...clockOf(cameras.find(({ id }) => id === camera)!.source),
    }));
    const best = Math.min(...rated.map(({ errorMs }) => errorMs));
    for (const { camera, errorMs, by } of rated) {
      if (errorMs <= best + 1) continue;
      told.push(
        `lane ${lane.id}: the times of camera ${camera} are ${by}, good to ${errorMs} ms, those of the best of its cameras to ${best} ms`,
      );
    }
  }
  return told;
}

/** How well a camera's times agree with the board's clock. */
function clockOf(source: SourceConfig): { readonly errorMs: number; readonly by: string } {
  switch (source.kind) {
    case "gige":
      return source.ptp
        ? { errorMs: 0.1, by: "set by PTP" }
        : { errorMs: 1, by: "its own clock's, followed by the board" };
    case "gst":
      return { errorMs: 5, by: "those of its pipeline" };
    case "libcamera":
      return { errorMs: 10, by: "those of arrival" };
    default:
      return { errorMs: 0, by: "known" };
  }
}
