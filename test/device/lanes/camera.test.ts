import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { BroadcastChannel } from "node:worker_threads";
import { createLog } from "../../../device/base/log.ts";
import { configSchema } from "../../../device/config/schema.ts";
import { Camera, type CameraListener } from "../../../device/lanes/camera.ts";
import type { FrameDone } from "../../../device/lanes/camera-messages.ts";
import { HEIGHT_PX, type Order, type Told, WIDTH_PX } from "../../support/camera-driven.ts";
import { Bell } from "../../support/wait.ts";

const OPENER = new URL("../../support/camera-driven.ts", import.meta.url).href;
const BASE = { device: "d", gallery: "g", journal: { path: "j" }, mqtt: { url: "mqtt://127.0.0.1:1" } };
let named = 0;
let rigs: Rig[] = [];

afterEach(async () => {
  for (const rig of rigs) await rig.close();
  rigs = [];
});

/** A camera whose source does what the test says, and what its station hears of it. */
class Rig {
  readonly channel: BroadcastChannel;
  readonly told: Told[] = [];
  readonly frames: FrameDone[] = [];
  readonly restarted: (string | undefined)[] = [];
  readonly states: string[] = [];
  /** How long it was to wait before each new try, milliseconds. */
  readonly waits: number[] = [];
  /** Frames whose works are not done. */
  readonly held: (() => void)[] = [];
  hold = false;
  onFrame: () => void = () => {};
  /** A wait for the next try ends only where the test says so. */
  stay = false;
  now = 5_000_000;
  camera!: Camera;
  readonly #bell = new Bell();

  static async open(how: { path?: string; source?: (name: string) => object; lanes?: boolean } = {}): Promise<Rig> {
    const rig = new Rig();
    rigs.push(rig);
    const { name } = rig.channel;
    const camera = { id: "c", source: how.source?.(name) ?? { kind: "replay", path: `${name}${how.path ?? ""}` } };
    const lane = { id: "a", camera: "c", mmPerPx: 1, gateMm: 100, conveyor: { kind: "belt", speedMmPerS: 500 } };
    const config = configSchema.parse({ ...BASE, cameras: [camera], lanes: [lane] });
    const setup = {
      camera: config.cameras[0]!,
      lanes: how.lanes === true ? config.lanes : [],
      crop: { sizePx: 8, margin: 0.06, fill: 118 },
      opener: OPENER,
    };
    rig.camera = await Camera.open(setup, rig.#listener(), createLog("silent"), {
      now: () => rig.now,
      wait: (ms, signal) => rig.#wait(ms, signal),
    });
    return rig;
  }

  private constructor() {
    this.channel = new BroadcastChannel(`camera-${process.pid}-${named++}`);
    this.channel.onmessage = (event) => {
      this.told.push((event as { data: Told }).data);
      this.#bell.ring();
    };
  }

  say(order: Order): void {
    this.channel.postMessage(order);
  }

  async until(look: () => boolean): Promise<void> {
    await this.#bell.until(
      () => look() || undefined,
      () => ({ told: this.told.slice(-3), states: this.states, restarted: this.restarted, frames: this.frames.length }),
      { what: String(look) },
    );
  }

  lives(): number {
    return this.told.filter(({ event }) => event === "here").length;
  }

  taken(): number {
    const last = this.told.findLast((told) => told.event === "taken");
    return last?.event === "taken" ? last.frames : 0;
  }

  async close(): Promise<void> {
    for (const release of this.held.splice(0)) release();
    // There is none where opening it failed.
    await this.camera?.close();
    this.channel.close();
  }

  #listener(): CameraListener {
    return {
      frame: async (_camera, frame) => {
        this.frames.push(frame);
        this.onFrame();
        this.#bell.ring();
        if (this.hold) await new Promise<void>((resolve) => this.held.push(resolve));
      },
      rest: async () => {},
      restarted: (_camera, lane) => {
        this.restarted.push(lane);
        this.#bell.ring();
      },
      changed: ({ state, reason }) => {
        this.states.push(reason === undefined ? state : `${state}: ${reason}`);
        this.#bell.ring();
      },
    };
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    this.waits.push(ms);
    this.#bell.ring();
    if (!this.stay) return Promise.resolve();
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  }
}

test("a camera that breaks is told once, begins anew after half a second, and what it counted stays", async () => {
  const rig = await Rig.open();
  assert.deepEqual([rig.camera.state, rig.camera.widthPx, rig.camera.heightPx], ["ok", WIDTH_PX, HEIGHT_PX]);
  rig.say({ do: "count", counters: { seen: 5, dropped: 2, incomplete: 1, lost: 3, resent: 4, restarts: 1 } });
  rig.say({ do: "frame" });
  await rig.until(() => rig.frames.length === 1);
  const first = { seen: 5, dropped: 2, incomplete: 1, lost: 3, resent: 4, restarts: 1 };
  assert.deepEqual(rig.camera.counters, first);
  assert.deepEqual(rig.restarted, []);
  rig.say({ do: "break", message: "unplugged", retry: true });
  await rig.until(() => rig.lives() === 2 && rig.camera.state === "ok");
  assert.deepEqual(rig.states, ["ok", "waiting: unplugged", "ok"]);
  assert.deepEqual([rig.restarted, rig.waits], [[undefined], [500]]);
  assert.deepEqual(rig.camera.counters, first);
  rig.say({ do: "count", counters: { seen: 10, dropped: 20, incomplete: 30, lost: 40, resent: 50, restarts: 60 } });
  rig.say({ do: "frame" });
  await rig.until(() => rig.frames.length === 2);
  const both = { seen: 15, dropped: 22, incomplete: 31, lost: 43, resent: 54, restarts: 61 };
  assert.deepEqual(rig.camera.counters, both);
});

test("a camera that stays away is tried after pauses that double up to thirty seconds; one that came counts anew", async () => {
  const rig = await Rig.open({ path: "#breaks" });
  await rig.until(() => rig.waits.length >= 9);
  assert.deepEqual(rig.waits.slice(0, 9), [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  assert.deepEqual([rig.camera.state, rig.camera.reason], ["waiting", "no such camera"]);
  const back = await Rig.open();
  for (let life = 1; life <= 3; life++) {
    await back.until(() => back.lives() === life && back.camera.state === "ok");
    back.say({ do: "break", message: `break ${life}`, retry: true });
    await back.until(() => back.waits.length === life);
  }
  assert.deepEqual(back.waits, [500, 500, 500]);
});

test("what cannot be mended ends the start with its reason; once frames came it is tried again all the same", async () => {
  await assert.rejects(Rig.open({ path: "#fails" }), {
    code: "SOURCE",
    message: "no such camera",
    hint: "look for it",
  });
  const rig = await Rig.open();
  rig.say({ do: "frame" });
  await rig.until(() => rig.frames.length === 1);
  rig.say({ do: "break", message: "gone for good", retry: false });
  await rig.until(() => rig.lives() === 2 && rig.camera.state === "ok");
});

test("a thread that dies without a word is an error with its exit code, and begins anew", async () => {
  const rig = await Rig.open();
  rig.say({ do: "exit", code: 7 });
  await rig.until(() => rig.lives() === 2 && rig.camera.state === "ok");
  assert.deepEqual(rig.states, ["ok", "waiting: the camera's thread ended with code 7", "ok"]);
});

test("what was asked of a thread that dies is refused, not kept waiting", async () => {
  const rig = await Rig.open({ path: "#triggered" });
  rig.stay = true;
  const pictures = [rig.camera.snapshot(), rig.camera.snapshot()];
  rig.say({ do: "break", message: "unplugged", retry: true });
  for (const picture of pictures) {
    await assert.rejects(picture, { code: "SOURCE", message: "camera c stopped before it gave a frame", retry: true });
  }
  await rig.until(() => rig.camera.state === "waiting");
  await assert.rejects(rig.camera.snapshot(), { message: "camera c gives no frames: unplugged", retry: true });
  await assert.rejects(rig.camera.trigger(), { message: "camera c cannot be triggered: unplugged", retry: true });
});

test("a snapshot is a copy of the next frame", async () => {
  const rig = await Rig.open();
  rig.say({ do: "frame" });
  await rig.until(() => rig.frames.length === 1);
  let answered = false;
  const asked = rig.camera.snapshot().finally(() => {
    answered = true;
  });
  // What was asked and the frames come to the thread by two ways: frames come until one of them is the answer.
  rig.onFrame = () => {
    if (!answered) rig.say({ do: "frame" });
  };
  rig.say({ do: "frame" });
  const { data, widthPx, heightPx } = await asked;
  assert.deepEqual([widthPx, heightPx, data.length], [WIDTH_PX, HEIGHT_PX, WIDTH_PX * HEIGHT_PX * 3]);
  assert.ok(data[0]! >= 2, "not a frame of before");
});

test("a trigger reaches the source; a source that takes none says so", async () => {
  const rig = await Rig.open({ path: "#triggered" });
  await rig.camera.trigger();
  assert.equal(rig.told.filter(({ event }) => event === "triggered").length, 1);
  const plain = await Rig.open();
  await assert.rejects(plain.camera.trigger(), {
    code: "SOURCE",
    message: "a camera of kind replay takes no triggers",
  });
});

test("a lane that is paused stays so when its camera begins anew; let go on, it begins with a new follower", async () => {
  const rig = await Rig.open({ lanes: true });
  rig.camera.pause("a", true);
  rig.say({ do: "break", message: "unplugged", retry: true });
  await rig.until(() => rig.lives() === 2 && rig.camera.state === "ok");
  assert.deepEqual(rig.restarted, [undefined]);
  // Only a lane that was paused is told to go on.
  rig.camera.pause("a", false);
  await rig.until(() => rig.restarted.length === 2);
  assert.deepEqual(rig.restarted, [undefined, "a"]);
  rig.say({ do: "break", message: "again", retry: true });
  await rig.until(() => rig.lives() === 3 && rig.camera.state === "ok");
  rig.camera.pause("a", false);
  rig.say({ do: "frame" });
  await rig.until(() => rig.frames.length === 1);
  assert.deepEqual(rig.restarted, [undefined, "a", undefined]);
});

test("eight frames are in the works at most; each that is done lets one more be taken", async () => {
  const rig = await Rig.open();
  rig.hold = true;
  for (let n = 0; n < 20; n++) rig.say({ do: "frame" });
  await rig.until(() => rig.frames.length === 8);
  // An order that is only heard, after all frames: the source would have been asked for the ninth by then.
  rig.say({ do: "status", status: { state: "reconnecting", since: 1, reason: "away" } });
  await rig.until(() => rig.camera.state === "waiting");
  assert.deepEqual([rig.frames.length, rig.taken()], [8, 7]);
  rig.held.shift()!();
  await rig.until(() => rig.frames.length === 9);
  rig.held.shift()!();
  rig.held.shift()!();
  await rig.until(() => rig.frames.length === 11);
  rig.say({ do: "status", status: { state: "ok", since: 2 } });
  await rig.until(() => rig.camera.state === "ok");
  assert.deepEqual([rig.frames.length, rig.taken()], [11, 10]);
  assert.deepEqual(rig.states, ["ok", "waiting: away", "ok"]);
});

test("a source that ends ends the camera, with what it counted last; closing it says goodbye to the source", async () => {
  const rig = await Rig.open();
  rig.say({ do: "count", counters: { seen: 9, dropped: 1, incomplete: 0 } });
  rig.say({ do: "end" });
  await rig.camera.finished;
  assert.equal(rig.camera.state, "ended");
  assert.deepEqual([rig.camera.counters.seen, rig.camera.counters.dropped], [9, 1]);
  assert.deepEqual([rig.restarted, rig.waits], [[], []]);
  const closed = await Rig.open();
  await closed.camera.close();
  assert.equal(closed.camera.state, "closed");
  await closed.until(() => closed.told.some(({ event }) => event === "closed"));
});

test("closing ends a camera that is away at once", async () => {
  const rig = await Rig.open();
  rig.stay = true;
  rig.say({ do: "break", message: "unplugged", retry: true });
  await rig.until(() => rig.waits.length === 1);
  await rig.camera.close();
  assert.deepEqual([rig.camera.state, rig.lives()], ["closed", 1]);
});

test("the age of the newest frame is counted from when it came, in milliseconds", async () => {
  const rig = await Rig.open();
  assert.equal(rig.camera.frameAgeMs(), undefined);
  rig.say({ do: "frame" });
  await rig.until(() => rig.frames.length === 1);
  rig.now += 1_234_000;
  assert.equal(rig.camera.frameAgeMs(), 1234);
});

test("only a camera that waits for triggers may be silent while all is well", async () => {
  const gige = (trigger: object) => Rig.open({ source: (name) => ({ kind: "gige", camera: name, ...trigger }) });
  assert.equal((await Rig.open()).camera.runsFreely, true);
  assert.equal((await gige({})).camera.runsFreely, true);
  assert.equal((await gige({ trigger: { source: "Software" } })).camera.runsFreely, false);
});
