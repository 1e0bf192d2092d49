import assert from "node:assert/strict";
import { test } from "node:test";
import { createExchange, FrameTaker, FrameWriter } from "../../../../device/capture/live/exchange.ts";

/** A camera that gives neither ids nor times. */
const NO_NUMBERS = { cameraId: undefined, cameraNs: undefined };

function pair(slots = 3): { writer: FrameWriter; taker: FrameTaker } {
  const memory = createExchange(4, 2, slots, 24);
  return { writer: new FrameWriter(memory), taker: new FrameTaker(memory) };
}

function put(writer: FrameWriter, slot: number, seq: number, complete = true): number {
  writer.bytes(slot).fill(seq, 0, 24);
  const camera = seq % 2 === 1 ? { cameraId: seq + 5, cameraNs: 10n ** 18n + 1n } : NO_NUMBERS;
  return writer.publish(slot, { seq, exposedAt: seq * 10, arrivedAt: seq * 10 + 1, complete, ...camera });
}

test("a frame comes out as it was put in", () => {
  const { writer, taker } = pair();
  assert.equal(taker.take(), undefined);
  put(writer, 2, 7);
  const frame = taker.take()!;
  assert.deepEqual(
    { ...frame, data: [...frame.data] },
    {
      seq: 7,
      exposedAt: 70,
      arrivedAt: 71,
      cameraId: 12,
      cameraNs: 1_000_000_000_000_000_001n,
      status: "ok",
      widthPx: 4,
      heightPx: 2,
      data: new Array(24).fill(7),
    },
  );
  assert.equal(taker.take(), undefined);
  put(writer, [...writer.free][0]!, 8);
  assert.ok(!("cameraId" in taker.take()!), "what the camera does not give is absent");
});

test("the newest frame wins and each one passed over is counted", () => {
  const { writer, taker } = pair();
  let slot = 2;
  for (let seq = 1; seq <= 5; seq++) slot = put(writer, slot, seq);
  assert.equal(taker.take()?.seq, 5);
  assert.equal(taker.counters.dropped, 4);
});

test("a frame that is being looked at is never written to", () => {
  const { writer, taker } = pair();
  let slot = put(writer, 2, 1);
  const held = taker.take()!;
  for (let seq = 2; seq < 50; seq++) {
    slot = put(writer, slot, seq);
    assert.ok(held.data.every((byte) => byte === 1));
  }
});

test("slots are never lost or owned twice, however the two ends take turns", () => {
  const { writer, taker } = pair(6);
  for (let turn = 1; turn < 1000; turn++) {
    const [slot] = writer.free;
    put(writer, slot!, turn % 200);
    if (turn % 3 === 0) taker.take();
    assert.equal(writer.free.size, 4);
  }
});

test("an incomplete frame is delivered as such and counted", () => {
  const { writer, taker } = pair();
  put(writer, 2, 1, false);
  assert.equal(taker.take()?.status, "incomplete");
  assert.equal(taker.counters.incomplete, 1);
});

test("a taker that sleeps is woken once, one that is awake is not", () => {
  const { writer, taker } = pair();
  let slot = put(writer, 2, 1);
  assert.equal(writer.mustWake(), false);
  taker.take();
  assert.equal(taker.sleep(), true);
  slot = put(writer, slot, 2);
  assert.equal(writer.mustWake(), true);
  put(writer, slot, 3);
  assert.equal(writer.mustWake(), false);
  assert.equal(taker.sleep(), false, "a frame is there already");
});
