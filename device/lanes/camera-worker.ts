import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { GradelineError } from "../base/errors.ts";
import type { Frame } from "../base/frame.ts";
import { createLog } from "../base/log.ts";
import { nowMicros } from "../base/time.ts";
import { failedAnswer, failureOf } from "../base/worker.ts";
import { systemClock } from "../capture/pacing.ts";
import { recordWhile } from "../capture/record-ring.ts";
import type { FrameSource } from "../capture/source.ts";
import { createFollower } from "../vision/create-follower.ts";
import type { Follower, Sighting } from "../vision/follower.ts";
import { PictureWatch } from "../vision/picture-watch.ts";
import { sceneOf } from "../vision/scene.ts";
import type { SceneReport } from "../vision/trouble.ts";
import type {
  CameraSetup,
  FromCamera,
  LaneScene,
  LaneSightings,
  SeenLane,
  SightReport,
  ToCamera,
} from "./camera-messages.ts";
import { openSource } from "./open-source.ts";

/**
 * A camera's thread: frames are grabbed, looked at and cut into views here, so that a frame never leaves the thread
 * it arrived in; only crops and events go to the main thread.
 */

const port = parentPort!;
const setup = workerData as CameraSetup;
const followers: { lane: SeenLane; follower: Follower; paused: boolean }[] = [];
let source: FrameSource | undefined;
let credit = setup.credit;
let creditArrived: (() => void) | undefined;
const snapshotWanted: { readonly id: number; readonly maxWidthPx?: number | undefined }[] = [];
let closing = false;
/** How often the light is looked at. */
const SCENE_US = 500_000;
let sceneAt: number | undefined;
let pictures: PictureWatch | undefined;
/** What was last told of the lanes and of the camera. */
const told = new Map<string | undefined, SceneReport["troubles"]>();
interface Opener {
  openSource: typeof openSource;
}

/** A camera that is away gives no frame to tell it with. */
const STATUS_MS = 250;
let statusTimer: NodeJS.Timeout | undefined;
let statusSince: number | undefined;

port.on("message", (message: ToCamera) => {
  switch (message.kind) {
    case "credit":
      credit += message.count;
      creditArrived?.();
      break;
    case "pause": {
      let resumed = false;
      for (const entry of followers) {
        if (entry.lane.id !== message.lane || entry.paused === message.paused) continue;
        entry.paused = message.paused;
        // What was in view before the pause cannot be told from what is in view after it.
        if (message.paused || source === undefined) continue;
        entry.follower = newFollower(entry.lane, source);
        resumed = true;
      }
      if (resumed) send({ kind: "resumed", lane: message.lane });
      break;
    }
    case "snapshot":
      snapshotWanted.push(message);
      break;
    case "trigger":
      void trigger(message);
      break;
    case "close":
      closing = true;
      creditArrived?.();
      void source?.close();
      break;
  }
});

try {
  await main();
} catch (error) {
  const sightings = look((follower) => follower.finish());
  send({ ...failedAnswer(error, "SOURCE"), sightings }, sightings);
}
clearInterval(statusTimer);
await source?.close();
port.close();

async function main(): Promise<void> {
  const open = setup.opener === undefined ? openSource : ((await import(setup.opener)) as Opener).openSource;
  const log = createLog(setup.logLevel).child({ camera: setup.camera.id });
  const camera = await open(setup.camera.source, systemClock, log);
  source = camera;
  const { record } = setup.camera;
  const opened =
    record === undefined ? camera : await recordWhile(camera, join(record.path, setup.camera.id), record, log);
  source = opened;
  const watch = new PictureWatch(
    opened,
    setup.lanes.every(({ conveyor }) => conveyor.kind === "belt"),
  );
  pictures = watch;
  for (const lane of setup.lanes) {
    followers.push({ lane, follower: newFollower(lane, opened), paused: false });
  }
  send({ kind: "opened", widthPx: opened.widthPx, heightPx: opened.heightPx });
  statusTimer = setInterval(() => tellStatus(opened), STATUS_MS);
  for await (const frame of opened.frames()) {
    const grabbedAt = nowMicros();
    const sound = watch.step(frame);
    const lanes = look((follower) => follower.step(sound ? frame : { ...frame, status: "incomplete" }));
    const lookedAt = nowMicros();
    if (snapshotWanted.length > 0) sendSnapshots(frame);
    send(
      {
        kind: "frame",
        seq: frame.seq,
        exposedAt: frame.exposedAt,
        grabMs: Math.max(0, grabbedAt - frame.exposedAt) / 1000,
        visionMs: (lookedAt - grabbedAt) / 1000,
        counters: countersOf(opened),
        lanes,
        reports: reportsOf(frame),
        scenes: scenesOf(frame),
      },
      lanes,
    );
    credit--;
    while (credit <= 0 && !closing) {
      await new Promise<void>((resolve) => {
        creditArrived = resolve;
      });
    }
    if (closing) break;
  }
  const lanes = look((follower) => follower.finish());
  send({ kind: "ended", sightings: lanes, counters: countersOf(opened) }, lanes);
}

function tellStatus(from: FrameSource): void {
  const status = from.status?.();
  if (status === undefined || status.since === statusSince) return;
  statusSince = status.since;
  send({ kind: "status", status });
}

function newFollower(lane: SeenLane, from: FrameSource): Follower {
  return createFollower(lane, setup.crop, { widthPx: from.widthPx, heightPx: from.heightPx });
}

function look(step: (follower: Follower) => Sighting[]): LaneSightings[] {
  const result: LaneSightings[] = [];
  for (const { lane, follower, paused } of followers) {
    if (paused) continue;
    const sightings = step(follower);
    if (sightings.length > 0) result.push({ lane: lane.id, camera: lane.index ?? 0, sightings });
  }
  return result;
}

/** Every half second of exposures, and with the first. */
function scenesOf(frame: Frame): LaneScene[] {
  if (sceneAt !== undefined && Math.abs(frame.exposedAt - sceneAt) < SCENE_US) return [];
  sceneAt = frame.exposedAt;
  return followers.map(({ lane }) => {
    const area = lane.roi ?? { x: 0, y: 0, w: frame.widthPx, h: frame.heightPx };
    return { lane: lane.id, index: lane.index ?? 0, scene: sceneOf(frame.data, frame.widthPx, area), area };
  });
}

/** Of those whose troubles have changed; every half second, with the scenes, of all. Asked before the scenes. */
function reportsOf(frame: Frame): SightReport[] {
  const all = sceneAt === undefined || Math.abs(frame.exposedAt - sceneAt) >= SCENE_US;
  const reports: SightReport[] = [];
  const take = (lane: string | undefined, { troubles, blindUs, shadows }: SceneReport, index?: number): void => {
    const key = index === undefined ? lane : `${lane}/${index}`;
    if (!all && told.get(key) === troubles) return;
    told.set(key, troubles);
    reports.push({ lane, ...(index === undefined ? {} : { index }), troubles, blindUs, shadows });
  };
  take(undefined, pictures!);
  for (const { lane, follower } of followers) take(lane.id, follower.report, lane.index);
  return reports;
}

function countersOf(from: FrameSource): FrameSource["counters"] {
  // A plain copy: sources keep theirs behind getters, which do not cross threads.
  const { seen, dropped, incomplete, lost, resent, restarts } = from.counters;
  return { seen, dropped, incomplete, lost: lost ?? 0, resent: resent ?? 0, restarts: restarts ?? 0 };
}

async function trigger({ id, at }: Extract<ToCamera, { kind: "trigger" }>): Promise<void> {
  try {
    if (source === undefined) throw new GradelineError("SOURCE", "the camera is not open yet", { retry: true });
    if (source.trigger === undefined) {
      throw new GradelineError("SOURCE", `a camera of kind ${setup.camera.source.kind} takes no triggers`, {
        hint: "kind gige with trigger: { source: Software } does",
      });
    }
    send({ kind: "triggered", id, at: await source.trigger(at) });
  } catch (error) {
    send({ kind: "untriggered", id, failure: failureOf(error, "SOURCE") });
  }
}

function sendSnapshots(frame: Frame): void {
  const { exposedAt, widthPx, heightPx, data } = frame;
  const marks = followers.flatMap(({ lane, follower, paused }) =>
    paused ? [] : follower.marks().map((mark) => ({ ...mark, lane: lane.id })),
  );
  for (const { id, maxWidthPx = widthPx } of snapshotWanted.splice(0)) {
    const step = Math.max(1, Math.ceil(widthPx / maxWidthPx));
    const small = step === 1 ? { widthPx, heightPx, data: data.slice() } : everyNth(frame, step);
    const message: FromCamera = { kind: "snapshot", id, exposedAt, ...small, step, marks };
    port.postMessage(message, [small.data.buffer as ArrayBuffer]);
  }
}

/** Every n-th pixel of every n-th row. */
function everyNth({ widthPx, heightPx, data }: Frame, step: number): Pick<Frame, "widthPx" | "heightPx" | "data"> {
  const width = Math.floor(widthPx / step);
  const height = Math.floor(heightPx / step);
  const small = new Uint8Array(width * height * 3);
  for (let row = 0, to = 0; row < height; row++) {
    for (let from = row * step * widthPx * 3, end = to + width * 3; to < end; from += step * 3) {
      small[to++] = data[from]!;
      small[to++] = data[from + 1]!;
      small[to++] = data[from + 2]!;
    }
  }
  return { widthPx: width, heightPx: height, data: small };
}

function send(message: FromCamera, lanes: readonly LaneSightings[] = []): void {
  const crops: ArrayBuffer[] = [];
  for (const { sightings } of lanes) {
    for (const sighting of sightings) {
      if (sighting.kind === "view") crops.push(sighting.crop.buffer as ArrayBuffer);
    }
  }
  port.postMessage(message, crops);
}
