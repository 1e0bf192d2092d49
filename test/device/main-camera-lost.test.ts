import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { HealthMessage, StateMessage } from "../../device/base/messages.ts";
import { nowMicros } from "../../device/base/time.ts";
import { Mosquitto, withoutMosquitto } from "../support/broker-mosquitto.ts";
import { gigeNeeds, startFakeGige } from "../support/camera-gige.ts";
import { lacking } from "../support/camera-peers.ts";
import { Daemon, daemonFolder } from "../support/daemon.ts";
import { assertNumbered, verdictsOf, withoutRepeats } from "../support/daemon-verdicts.ts";
import { smallLine } from "../support/line-config.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { Subscriber } from "../support/subscriber.ts";

// Another test's camera may be at the same port: this one needs a network of its own.
const skip = withoutMosquitto || lacking(gigeNeeds) || enterOwnNetwork();
const closing: (() => Promise<unknown>)[] = [];
after(async () => {
  for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
});

test("of two cameras one is switched off: the other lane goes on, state and frame age tell it, and it comes back by itself", {
  skip,
}, async () => {
  let camera = startFakeGige();
  closing.push(() => camera.kill());
  const made = await daemonFolder();
  closing.push(() => made.close());
  const broker = await Mosquitto.start();
  closing.push(() => broker.close());
  const ears = await Subscriber.connect(broker.port, ["gradeline/board/#"]);
  closing.push(() => ears.close());
  const config = smallLine({ folder: made.folder, brokerPort: broker.port, pace: "real", startAt: nowMicros() });
  const source = {
    kind: "gige" as const,
    camera: "127.0.0.1",
    packetSocket: false,
    fps: 12,
    roi: { w: 480, h: 160 },
  };
  const cameras = config.cameras.map((each) => (each.id === "belt" ? { id: "belt", source } : each));
  const daemon = await Daemon.start(made.folder, { ...config, cameras });
  closing.push(() => daemon.kill());
  const url = await daemon.ready();
  const states = () => ears.json("board/state") as unknown as StateMessage[];
  const belt = () => {
    const health = ears.json("board/health").at(-1) as unknown as HealthMessage | undefined;
    return health?.cameras.find(({ id }) => id === "belt");
  };
  const ageS = async (id: string): Promise<number> => {
    const text = await (await fetch(new URL("/metrics", url))).text();
    return Number(new RegExp(`^gradeline_frame_age_seconds\\{camera="${id}"\\} (.+)$`, "m").exec(text)?.[1]);
  };
  await ears.until(() => (states().at(-1)?.state === "online" && (belt()?.seen ?? 0) > 0 ? true : undefined));

  await camera.kill();
  const lost = await ears.until(() => states().find(({ state }) => state === "degraded"));
  assert.match(lost.reasons.join(), /^camera belt: .*(control of the camera is lost|gave no frame for)/);
  const cups = ears.on("cups/verdict").length;
  await ears.count("cups/verdict", cups + 5);
  assert.equal(states().at(-1)!.state, "degraded");
  await ears.until(() => ((belt()?.ageMs ?? 0) > 5000 ? true : undefined));
  assert.ok((await ageS("belt")) > 5);
  assert.ok((await ageS("cups")) < 5);

  const before = belt()!;
  camera = startFakeGige();
  await ears.until(() => (states().at(-1)?.state === "online" ? true : undefined));
  const back = await ears.until(() =>
    (belt()?.seen ?? 0) > before.seen && belt()!.ageMs! < 5000 ? belt() : undefined,
  );
  assert.ok(back.restarts > 0 && back.lost > before.lost, "the gap is told");
  assert.deepEqual(await daemon.kill("SIGTERM"), { code: 0, signal: null });
  assertNumbered(withoutRepeats(verdictsOf(ears)));
});
