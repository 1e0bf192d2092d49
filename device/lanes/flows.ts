import { nowMicros } from "../base/time.ts";
import { laneSeenBy, spansOf } from "../config/lane-cameras.ts";
import type { Config, LaneConfig } from "../config/schema.ts";
import type { Reason } from "../contract/reasons.ts";
import type { Sighting } from "../vision/follower.ts";
import type { Camera } from "./camera.ts";
import type { FrameDone, LaneSightings, SeenLane } from "./camera-messages.ts";
import type { CameraFinding } from "./join/track.ts";
import { JoinedLane } from "./joined-lane.ts";
import { Lane, type LaneParts } from "./lane.ts";

/** One lane with its cameras, counted from 0. */
interface Flow {
  readonly config: LaneConfig;
  see(camera: number, sightings: readonly Sighting[]): Promise<void>;
  /** @returns resolves when the camera may go on */
  frame(camera: number, seq: number, at: number): Promise<void>;
  live(camera: number, live: boolean): void;
  restart(camera: number): void;
  settled(): Promise<void>;
  close(): Promise<void>;
  readonly findings: readonly CameraFinding[];
}

/** All lanes, and which camera sees which of them. */
export class Flows {
  readonly #flows = new Map<string, Flow>();
  readonly #config: Pick<Config, "cameras" | "lanes">;

  constructor(config: Pick<Config, "cameras" | "lanes">, partsOf: (lane: LaneConfig) => LaneParts) {
    this.#config = config;
    for (const lane of config.lanes) this.#flows.set(lane.id, openFlow(lane, config.cameras, partsOf(lane)));
  }

  /** The lanes as one camera sees them; a lane that it sees in mirrors is there as often. */
  seenBy(id: string): SeenLane[] {
    const seen: SeenLane[] = [];
    for (const lane of this.#config.lanes) {
      const spans = lane.cameras.length === 1 ? undefined : spansOf(lane, this.#config.cameras);
      for (const [index, { camera }] of lane.cameras.entries()) {
        if (camera === id) seen.push({ ...laneSeenBy(lane, index, spans), index });
      }
    }
    return seen;
  }

  /** Takes what a camera's frame showed; resolves when its views are embedded and the camera may go on. */
  async frame(camera: Camera, frame: FrameDone): Promise<void> {
    const works = this.#see(frame.lanes);
    this.#each(camera, (flow, index) => void works.push(flow.frame(index, frame.seq, frame.exposedAt)));
    await Promise.all(works);
  }

  /** Takes what was in view when a camera ended. */
  async rest(camera: Camera, sightings: readonly LaneSightings[]): Promise<void> {
    const works = this.#see(sightings);
    this.#each(camera, (flow, index) => flow.live(index, false));
    this.#each(camera, (flow) => void works.push(flow.settled()));
    await Promise.all(works);
  }

  /** Its followers begin anew: of one lane, or of all. */
  restarted(camera: Camera, lane: string | undefined): void {
    this.#each(camera, (flow, index) => {
      if (lane === undefined || flow.config.id === lane) flow.restart(index);
    });
  }

  /** It gives frames, or does not any more. */
  changed(camera: Camera): void {
    const live = camera.state === "ok" || camera.state === "opening";
    this.#each(camera, (flow, index) => flow.live(index, live));
  }

  /** What fruit say of the cameras of their lanes. */
  *reasons(): Iterable<Reason> {
    for (const { config, findings } of this.#flows.values()) {
      for (const finding of findings) yield reasonOf(config, finding);
    }
  }

  async close(): Promise<void> {
    for (const flow of this.#flows.values()) await flow.close();
  }

  #see(lanes: readonly LaneSightings[]): Promise<void>[] {
    return lanes.map(({ lane, camera, sightings }) => this.#flows.get(lane)!.see(camera, sightings));
  }

  #each(camera: Camera, work: (flow: Flow, index: number) => void): void {
    for (const flow of this.#flows.values()) {
      for (const [index, entry] of flow.config.cameras.entries()) if (entry.camera === camera.id) work(flow, index);
    }
  }
}

function openFlow(lane: LaneConfig, cameras: Config["cameras"], parts: LaneParts): Flow {
  if (lane.cameras.length > 1) {
    const spans = spansOf(lane, cameras);
    // The configuration was refused without them.
    if (spans === undefined) throw new Error(`lane ${lane.id}: a camera's picture has no known size`);
    const fast = lane.cameras.every(({ camera }) => {
      const source = cameras.find(({ id }) => id === camera)!.source;
      return "pace" in source && source.pace === "fast";
    });
    return new JoinedLane(lane, spans, fast, parts);
  }
  const only = new Lane(lane, parts);
  return {
    config: lane,
    see: (_camera, sightings) => only.see(sightings),
    frame: () => Promise.resolve(),
    live: () => {},
    restart: () => only.restart(),
    settled: () => Promise.resolve(),
    close: () => Promise.resolve(),
    findings: [],
  };
}

function reasonOf(lane: LaneConfig, { camera: index, kind, ms, mm }: CameraFinding): Reason {
  const { camera } = lane.cameras[index]!;
  const where = `lane ${lane.id}, camera ${camera}`;
  const place = { lane: lane.id, camera };
  const off = `${Math.abs(Math.round(mm))} mm ${mm > 0 ? "further on" : "further back"}`;
  switch (kind) {
    case "clock": {
      const ahead = `${Math.abs(Math.round(ms))} ms ${ms > 0 ? "ahead of" : "behind"}`;
      return {
        code: "camera-clock",
        ...place,
        message: `${where}: its times are ${ahead} the others'; that is allowed for`,
      };
    }
    case "place":
      return {
        code: "camera-place",
        ...place,
        message: `${where}: fruit lie ${off} than its \`offsetMm\` says; it is left out`,
      };
    case "stranger":
      return {
        code: "camera-lane",
        ...place,
        message: `${where}: it sees other fruit than the other cameras; it is left out`,
      };
    case "turned": {
      const belt = "in its picture fruit move against its `direction`, it hangs upside down; that is allowed for";
      const cups = "fruit come and go within their cups, it hangs upside down; it is left out";
      const message = `${where}: ${lane.conveyor.kind === "belt" ? belt : cups}`;
      return { code: "camera-turned", ...place, message };
    }
    case "blind":
      return { code: "camera-blind", ...place, message: `${where}: it sees none of the fruit that the others see` };
  }
}

/** Cameras of one lane begin at one moment where they are simulated or replayed. */
export function startTogether<C extends Pick<Config, "cameras" | "lanes">>(config: C): C {
  const now = nowMicros();
  const joined = new Set(
    config.lanes.flatMap(({ cameras }) => (cameras.length > 1 ? cameras.map((each) => each.camera) : [])),
  );
  const paths = config.cameras.flatMap(({ id, source }) =>
    joined.has(id) && source.kind === "replay" ? [source.path] : [],
  );
  const cameras = config.cameras.map((camera) => {
    const { source } = camera;
    if (!joined.has(camera.id)) return camera;
    if (source.kind === "line" && source.startAt === 0) return { ...camera, source: { ...source, startAt: now } };
    if (source.kind !== "replay") return camera;
    const startAt = source.startAt === 0 ? now : source.startAt;
    return { ...camera, source: { ...source, startAt, inStepWith: [...new Set([...source.inStepWith, ...paths])] } };
  });
  return { ...config, cameras };
}
