import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigInput } from "../../device/config/schema.ts";
import type { HealthMessage } from "../../device/contract/messages.ts";
import { Board } from "../support/board.ts";
import { withoutMosquitto } from "../support/broker-mosquitto.ts";
import { GIGE_ADDRESS, gigeNeeds, startFakeGige } from "../support/camera-gige.ts";
import { lacking, type Peer } from "../support/camera-peers.ts";
import type { Daemon } from "../support/daemon.ts";
import { assertNumbered, verdictsOf, withoutRepeats } from "../support/daemon-verdicts.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import type { Subscriber } from "../support/subscriber.ts";

// Another test's camera may be at the same port: this one needs a network of its own.
const skip = withoutMosquitto || lacking(gigeNeeds) || enterOwnNetwork();
let ears: Subscriber;
const board = Board.forEachTest("mosquitto", () => {
  ({ ears } = board);
});

type CameraInput = ConfigInput["cameras"][number];

/** A GigE Vision camera, in a process of its own. */
async function startCamera(): Promise<Peer> {
  const camera = startFakeGige();
  await board.keep({ close: () => camera.kill() });
  return camera;
}

/**
 * A daemon with the small line, of whose cameras one is a GigE Vision camera.
 *
 * @param more of its configuration
 */
function start(id: "belt" | "cups", more: object): Promise<Daemon> {
  const { cameras, ...config } = board.line();
  const source = { kind: "gige", camera: GIGE_ADDRESS, packetSocket: false, roi: { w: 480, h: 160 }, ...more };
  const changed = cameras.map((each) => (each.id === id ? ({ id, source } as CameraInput) : each));
  return board.start({ ...config, cameras: changed });
}

/** What was told last of a camera. */
function health(camera: string): HealthMessage["cameras"][number] | undefined {
  const last = ears.json("board/health").at(-1) as unknown as HealthMessage | undefined;
  return last?.cameras.find((each) => each.id === camera);
}

test("a lane is triggered over MQTT, one frame each; a line that stands is not degraded for want of frames", {
  skip,
}, async () => {
  await startCamera();
  await start("cups", { trigger: { source: "Software" } });
  await ears.count("board/state", 1);
  for (let shot = 1; shot <= 2; shot++) {
    const { exposures, ...asked } = (await board.ask("trigger", { lane: "cups" })).data as {
      exposures: { camera: string; at: string }[];
    };
    assert.deepEqual(asked, { lane: "cups", camera: "cups" });
    assert.deepEqual(
      exposures.map(({ camera, at }) => [camera, Number.isFinite(Date.parse(at))]),
      [["cups", true]],
    );
    // Nothing comes for longer than a camera that runs freely may be silent.
    const last = await ears.until(() => {
      const cups = health("cups");
      return cups?.seen === shot && (cups.ageMs ?? 0) > 5000 ? cups : undefined;
    });
    assert.equal(last.dropped, 0);
  }
  assert.deepEqual(board.states.at(-1)?.reasons, []);
});

test("of two cameras one is switched off: the other lane goes on, state and frame age tell it, and it comes back by itself", {
  skip,
}, async () => {
  const camera = await startCamera();
  const daemon = await start("belt", { fps: 12 });
  const url = await daemon.ready();
  const ageS = async (id: string): Promise<number> => {
    const text = await (await fetch(new URL("/metrics", url))).text();
    return Number(new RegExp(`^gradeline_frame_age_seconds\\{camera="${id}"\\} (.+)$`, "m").exec(text)?.[1]);
  };
  await ears.until(() => (board.states.at(-1)?.state === "online" && health("belt")?.seen ? true : undefined));

  await camera.kill();
  const lost = await ears.until(() => board.states.find(({ state }) => state === "degraded"));
  assert.match(lost.reasons.join(), /^camera belt: .*(control of the camera is lost|gave no frame for)/);
  const cups = ears.on("cups/verdict").length;
  await ears.count("cups/verdict", cups + 5);
  assert.equal(board.states.at(-1)!.state, "degraded");
  await ears.until(() => ((health("belt")?.ageMs ?? 0) > 5000 ? true : undefined));
  assert.ok((await ageS("belt")) > 5);
  assert.ok((await ageS("cups")) < 5);

  const before = health("belt")!;
  await startCamera();
  await ears.until(() => (board.states.at(-1)?.state === "online" ? true : undefined));
  const back = await ears.until(() => {
    const belt = health("belt")!;
    return belt.seen > before.seen && belt.ageMs! < 5000 ? belt : undefined;
  });
  assert.ok(back.restarts > 0 && back.lost > before.lost, "the gap is told");
  assert.deepEqual(await daemon.kill("SIGTERM"), { code: 0, signal: null });
  assertNumbered(withoutRepeats(verdictsOf(ears)));
});
