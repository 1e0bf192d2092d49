import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { GigeDriver } from "../../../../device/capture/gige/driver.ts";
import { FrameTaker, type FrameWriter } from "../../../../device/capture/live/exchange.ts";
import { type Arrival, FrameSink } from "../../../../device/capture/live/reader.ts";
import { gigeSchema } from "../../../../device/config/camera.ts";
import { GIGE_ADDRESS, gigeNeeds, openGigeWhenFree, startFakeGige } from "../../../support/camera-gige.ts";
import { lacking, type Peer } from "../../../support/camera-peers.ts";
import { enterOwnNetwork } from "../../../support/own-network.ts";

const skip = lacking(gigeNeeds);
const FPS = 50;
const CAMERA = { camera: GIGE_ADDRESS, packetSocket: false, fps: FPS, roi: { w: 64, h: 48 }, buffers: 3 };

let camera: Peer | undefined;

before(() => {
  enterOwnNetwork();
  if (skip === false) camera = startFakeGige();
});
after(() => camera?.kill());

/** Keeps each frame for as long as the camera takes for twice as many as there are buffers, until some were lost. */
class HoldingSink extends FrameSink {
  readonly enough = new AbortController();
  #taker: FrameTaker | undefined;

  override open(...size: Parameters<FrameSink["open"]>): FrameWriter {
    const writer = super.open(...size);
    this.#taker = new FrameTaker(writer.memory);
    return writer;
  }

  override deliver(slot: number, arrival: Arrival): number {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, (2 * CAMERA.buffers * 1000) / FPS);
    const instead = super.deliver(slot, arrival);
    if (this.#taker!.counters.lost > 5 * CAMERA.buffers) this.enough.abort();
    return instead;
  }
}

test("frames that come while every buffer is held are counted as lost, and the log says what to do", {
  skip,
}, async () => {
  // The camera does not say when it is there; it takes the next client when this one is gone.
  await (await openGigeWhenFree(CAMERA)).close();
  const sink = new HoldingSink(0, () => {});
  const said: string[] = [];
  const config = gigeSchema.parse({ kind: "gige", ...CAMERA });
  const driver = new GigeDriver(config, (level, text) => void (level === "warn" && said.push(text)));
  assert.equal(await driver.run(sink, sink.enough.signal), "stopped");
  assert.equal(said[0], "frames came while no buffer was free: more `buffers`, or less other work");
});
