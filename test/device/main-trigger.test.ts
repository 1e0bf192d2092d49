import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { HealthMessage, StateMessage } from "../../device/base/messages.ts";
import { nowMicros } from "../../device/base/time.ts";
import { Mosquitto, withoutMosquitto } from "../support/broker-mosquitto.ts";
import { gigeNeeds, startFakeGige } from "../support/camera-gige.ts";
import { lacking } from "../support/camera-peers.ts";
import { Daemon, daemonFolder } from "../support/daemon.ts";
import { smallLine } from "../support/line-config.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { Subscriber } from "../support/subscriber.ts";

// Another test's camera may be at the same port: this one needs a network of its own.
const skip = withoutMosquitto || lacking(gigeNeeds) || enterOwnNetwork();
const closing: (() => Promise<unknown>)[] = [];
after(async () => {
  for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
});

test("a lane is triggered over MQTT, one frame each; a line that stands is not degraded for want of frames", {
  skip,
}, async () => {
  const camera = startFakeGige();
  closing.push(() => camera.kill());
  const made = await daemonFolder();
  closing.push(() => made.close());
  const broker = await Mosquitto.start();
  closing.push(() => broker.close());
  const ears = await Subscriber.connect(broker.port, ["gradeline/board/#"]);
  closing.push(() => ears.close());
  const { cameras, ...config } = smallLine({
    folder: made.folder,
    brokerPort: broker.port,
    pace: "real",
    startAt: nowMicros(),
  });
  const source = {
    kind: "gige" as const,
    camera: "127.0.0.1",
    packetSocket: false,
    roi: { w: 480, h: 160 },
    trigger: { source: "Software" },
  };
  const daemon = await Daemon.start(made.folder, { ...config, cameras: [{ id: "cups", source }, cameras[0]!] });
  closing.push(() => daemon.kill());
  await daemon.ready();
  await ears.count("board/state", 1);
  const health = () => (ears.json("board/health") as unknown as HealthMessage[]).map(({ cameras: all }) => all[0]);
  for (let shot = 1; shot <= 2; shot++) {
    await ears.ask("gradeline/board/request/trigger", JSON.stringify({ lane: "cups", transaction: shot }));
    const answer = await ears.until(() =>
      ears.json("board/response/trigger").find((response) => response.transaction === shot),
    );
    assert.deepEqual(answer.data, { lane: "cups", camera: "cups" });
    // Nothing comes for longer than a camera that runs freely may be silent.
    const last = await ears.until(() => health().find((camera) => camera?.seen === shot && (camera.ageMs ?? 0) > 5000));
    assert.equal(last?.dropped, 0);
  }
  const states = ears.json("board/state") as unknown as StateMessage[];
  assert.deepEqual(states.at(-1)?.reasons, []);
});
