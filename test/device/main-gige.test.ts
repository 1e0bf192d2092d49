import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { ConfigInput } from "../../device/base/config.ts";
import type { HealthMessage, StateMessage } from "../../device/base/messages.ts";
import { nowMicros } from "../../device/base/time.ts";
import { Mosquitto, withoutMosquitto } from "../support/broker-mosquitto.ts";
import { GIGE_ADDRESS, gigeNeeds, startFakeGige } from "../support/camera-gige.ts";
import { lacking, type Peer } from "../support/camera-peers.ts";
import { Daemon, daemonFolder } from "../support/daemon.ts";
import { assertNumbered, verdictsOf, withoutRepeats } from "../support/daemon-verdicts.ts";
import { smallLine } from "../support/line-config.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { Subscriber } from "../support/subscriber.ts";

// Another test's camera may be at the same port: this one needs a network of its own.
const skip = withoutMosquitto || lacking(gigeNeeds) || enterOwnNetwork();
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
});

type CameraInput = ConfigInput["cameras"][number];

interface Board {
  readonly daemon: Daemon;
  /** Of the daemon's page. */
  readonly url: string;
  readonly ears: Subscriber;
  states(): StateMessage[];
  /** What was told last of a camera. */
  health(camera: string): HealthMessage["cameras"][number] | undefined;
}

/** A GigE Vision camera, in a process of its own. */
function startCamera(): Peer {
  const camera = startFakeGige();
  closing.push(() => camera.kill());
  return camera;
}

/**
 * A daemon with the small line, of whose cameras one is a GigE Vision camera.
 *
 * @param more of its configuration
 */
async function startBoard(id: "belt" | "cups", more: object): Promise<Board> {
  const made = await daemonFolder();
  closing.push(() => made.close());
  const broker = await Mosquitto.start();
  closing.push(() => broker.close());
  const ears = await Subscriber.connect(broker.port, ["gradeline/board/#"]);
  closing.push(() => ears.close());
  const place = { folder: made.folder, brokerPort: broker.port, pace: "real" as const, startAt: nowMicros() };
  const { cameras, ...config } = smallLine(place);
  const source = { kind: "gige", camera: GIGE_ADDRESS, packetSocket: false, roi: { w: 480, h: 160 }, ...more };
  const changed = cameras.map((each) => (each.id === id ? ({ id, source } as CameraInput) : each));
  const daemon = await Daemon.start(made.folder, { ...config, cameras: changed });
  closing.push(() => daemon.kill());
  const url = await daemon.ready();
  return {
    daemon,
    url,
    ears,
    states: () => ears.json("board/state") as unknown as StateMessage[],
    health: (camera) =>
      (ears.json("board/health").at(-1) as unknown as HealthMessage | undefined)?.cameras.find(
        (each) => each.id === camera,
      ),
  };
}

test("a lane is triggered over MQTT, one frame each; a line that stands is not degraded for want of frames", {
  skip,
}, async () => {
  startCamera();
  const { ears, states, health } = await startBoard("cups", { trigger: { source: "Software" } });
  await ears.count("board/state", 1);
  for (let shot = 1; shot <= 2; shot++) {
    await ears.ask("gradeline/board/request/trigger", JSON.stringify({ lane: "cups", transaction: shot }));
    const answer = await ears.until(() =>
      ears.json("board/response/trigger").find((response) => response.transaction === shot),
    );
    assert.deepEqual(answer.data, { lane: "cups", camera: "cups" });
    // Nothing comes for longer than a camera that runs freely may be silent.
    const last = await ears.until(() => {
      const cups = health("cups");
      return cups?.seen === shot && (cups.ageMs ?? 0) > 5000 ? cups : undefined;
    });
    assert.equal(last.dropped, 0);
  }
  assert.deepEqual(states().at(-1)?.reasons, []);
});

test("of two cameras one is switched off: the other lane goes on, state and frame age tell it, and it comes back by itself", {
  skip,
}, async () => {
  const camera = startCamera();
  const { daemon, url, ears, states, health } = await startBoard("belt", { fps: 12 });
  const ageS = async (id: string): Promise<number> => {
    const text = await (await fetch(new URL("/metrics", url))).text();
    return Number(new RegExp(`^gradeline_frame_age_seconds\\{camera="${id}"\\} (.+)$`, "m").exec(text)?.[1]);
  };
  await ears.until(() => (states().at(-1)?.state === "online" && health("belt")?.seen ? true : undefined));

  await camera.kill();
  const lost = await ears.until(() => states().find(({ state }) => state === "degraded"));
  assert.match(lost.reasons.join(), /^camera belt: .*(control of the camera is lost|gave no frame for)/);
  const cups = ears.on("cups/verdict").length;
  await ears.count("cups/verdict", cups + 5);
  assert.equal(states().at(-1)!.state, "degraded");
  await ears.until(() => ((health("belt")?.ageMs ?? 0) > 5000 ? true : undefined));
  assert.ok((await ageS("belt")) > 5);
  assert.ok((await ageS("cups")) < 5);

  const before = health("belt")!;
  startCamera();
  await ears.until(() => (states().at(-1)?.state === "online" ? true : undefined));
  const back = await ears.until(() => {
    const belt = health("belt")!;
    return belt.seen > before.seen && belt.ageMs! < 5000 ? belt : undefined;
  });
  assert.ok(back.restarts > 0 && back.lost > before.lost, "the gap is told");
  assert.deepEqual(await daemon.kill("SIGTERM"), { code: 0, signal: null });
  assertNumbered(withoutRepeats(verdictsOf(ears)));
});
