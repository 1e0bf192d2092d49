import assert from "node:assert/strict";
import { test } from "node:test";
import { HeldCarrier, OutboxRig, verdictOf } from "../../support/outbox-rig.ts";

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1);
}

test("no more fresh verdicts than the window are in flight; each acknowledgement lets the next one go, in order", async () => {
  const rig = new OutboxRig(3);
  const carrier = await rig.up(new HeldCarrier());
  for (let n = 0; n < 10; n++) rig.make();
  assert.deepEqual(carrier.order, [1, 2, 3]);
  carrier.inFlight[1]!.acked();
  assert.deepEqual([carrier.order, rig.acked, rig.outbox.acknowledged], [[1, 2, 3], [2], 1]);
  // The session says that there is room.
  rig.outbox.pump();
  assert.deepEqual(carrier.order, [1, 2, 3, 4]);
  while (carrier.inFlight.length > 0) {
    carrier.inFlight[0]!.acked();
    rig.outbox.pump();
    assert.ok(carrier.inFlight.length <= 3);
  }
  assert.deepEqual(carrier.order, upTo(10));
  assert.deepEqual(rig.told[0], "fresh 2");
  assert.equal(rig.outbox.acknowledged, 10);
});

test("the backlog has a window of its own, beside that of fresh ones, and is marked", async () => {
  const rig = new OutboxRig(3);
  for (let n = 0; n < 6; n++) rig.make();
  const carrier = await rig.up(new HeldCarrier());
  assert.deepEqual(carrier.order, [-1, -2, -3]);
  for (let n = 0; n < 4; n++) rig.make();
  assert.deepEqual(carrier.order, [-1, -2, -3, 7, 8, 9]);
  carrier.inFlight[0]!.acked();
  rig.outbox.pump();
  assert.deepEqual(carrier.order, [-1, -2, -3, 7, 8, 9, -4]);
  assert.deepEqual(rig.told, ["late 1"]);
});

test("a broker that takes few at once keeps half of that for fresh ones, and one at a time goes to the fresh first", async () => {
  const rig = new OutboxRig(50);
  for (let n = 0; n < 8; n++) rig.make();
  const four = await rig.up(new HeldCarrier(4));
  assert.deepEqual(four.order, [-1, -2]);
  for (let n = 0; n < 3; n++) rig.make();
  assert.deepEqual(four.order, [-1, -2, 9, 10]);
  rig.outbox.down();
  const one = await rig.up(new HeldCarrier(1));
  assert.deepEqual(one.order, [-1]);
  rig.make();
  one.inFlight[0]!.acked();
  rig.outbox.pump();
  assert.deepEqual(one.order, [-1, 12]);
  one.inFlight[0]!.acked();
  rig.outbox.pump();
  assert.deepEqual(one.order, [-1, 12, -2]);
});

test("a verdict that is offered while the journal is read is sent once, also where its acknowledgement comes before", async () => {
  const rig = new OutboxRig(10);
  const carrier = new HeldCarrier();
  rig.store();
  rig.outbox.up(carrier);
  await rig.reads[0]!.answer();
  assert.deepEqual(carrier.order, [-1]);
  // Fills the queue of fresh ones, so that the journal is read once more while some of them are in flight.
  const full = new OutboxRig(10);
  const second = await full.up(new HeldCarrier());
  for (let n = 0; n < 10 + 256 + 1; n++) full.make();
  full.outbox.pump();
  assert.equal(full.reads.length, 2);
  for (const one of [...second.inFlight]) one.acked();
  full.outbox.pump();
  await full.reads[1]!.answer();
  for (let left = 400; left > 0 && second.inFlight.length > 0; left--) {
    second.inFlight[0]!.acked();
    full.outbox.pump();
    if (full.reads.length > 2) await full.reads.at(-1)!.answer();
  }
  assert.deepEqual(
    second.sent.map(({ seq }) => seq).toSorted((a, b) => a - b),
    upTo(267),
  );
  assert.deepEqual(
    second.order.filter((seq) => seq < 0),
    [-267],
  );
});

test("a verdict that was read before it is offered is sent once", async () => {
  const rig = new OutboxRig(10);
  const row = rig.store();
  const carrier = await rig.up(new HeldCarrier());
  // As after the journal's thread was lost with a commit of which nobody heard.
  rig.outbox.offer({ row, verdict: verdictOf("a", 1) });
  rig.make();
  assert.deepEqual(carrier.order, [-1, 2]);
});

test("what was in flight when the connection ended is sent again by the next, and counts for nothing before", async () => {
  const rig = new OutboxRig(2);
  const first = await rig.up(new HeldCarrier());
  for (let n = 0; n < 4; n++) rig.make();
  first.inFlight[0]!.acked();
  rig.outbox.down();
  assert.deepEqual([first.order, rig.acked], [[1, 2], [1]]);
  rig.make();
  const second = await rig.up(new HeldCarrier());
  assert.deepEqual(second.order, [-2, -3]);
  assert.equal(rig.reads.at(-1)!.after, 0);
});

test("the journal is read in parts that fit what may wait, from the last row on, until there is no more", async () => {
  const rig = new OutboxRig(100);
  for (let n = 0; n < 300; n++) rig.store();
  const carrier = await rig.up(new HeldCarrier());
  assert.deepEqual([rig.reads[0]!.limit, rig.reads[0]!.after], [256, 0]);
  // 156 wait: more is read when less than half of 256 do.
  for (let n = 0; n < 28; n++) carrier.inFlight[0]!.acked();
  rig.outbox.pump();
  assert.equal(rig.reads.length, 1);
  carrier.inFlight[0]!.acked();
  rig.outbox.pump();
  assert.deepEqual([rig.reads[1]!.limit, rig.reads[1]!.after], [256 - 127, 256]);
  await rig.reads[1]!.answer();
  while (carrier.inFlight.length > 0) {
    carrier.inFlight[0]!.acked();
    rig.outbox.pump();
  }
  assert.deepEqual([carrier.order, rig.reads.length], [upTo(300).map((seq) => -seq), 2]);
});

test("a journal that cannot be read is told, and read again from the same place", async () => {
  const rig = new OutboxRig(10);
  rig.store();
  const carrier = new HeldCarrier();
  rig.outbox.up(carrier);
  await rig.reads[0]!.fail();
  assert.deepEqual([rig.told, carrier.order], [["failed: no disk"], []]);
  rig.outbox.pump();
  await rig.reads[1]!.answer();
  assert.deepEqual([rig.reads[1]!.after, carrier.order], [0, [-1]]);
});

test("what was read for a connection that has ended is not sent on the next, which reads for itself", async () => {
  const rig = new OutboxRig(10);
  const row = rig.store();
  const first = new HeldCarrier();
  rig.outbox.up(first);
  rig.outbox.offer({ row, verdict: verdictOf("a", 1) });
  first.inFlight[0]!.acked();
  rig.store();
  const second = new HeldCarrier();
  rig.outbox.up(second);
  await rig.reads[0]!.answer();
  await rig.reads[1]!.answer();
  assert.deepEqual([first.order, second.order], [[1], [-2]]);
});

test("a lane whose verdict the broker refuses is held until the next connection and told once, others go on", async () => {
  const rig = new OutboxRig(2);
  const carrier = await rig.up(new HeldCarrier());
  for (const lane of ["a", "a", "b", "a", "b"]) rig.make(lane);
  assert.deepEqual(
    carrier.sent.map(({ topic }) => topic),
    ["gradeline/board/a/verdict", "gradeline/board/a/verdict"],
  );
  carrier.inFlight[0]!.refused("not authorized");
  carrier.inFlight.find(({ seq }) => seq === 2)!.refused("not authorized");
  assert.deepEqual(rig.told, ["held a: not authorized"]);
  assert.deepEqual(carrier.order, [1, 2, 3, 5]);
  assert.deepEqual(rig.acked, []);
  const next = await rig.up(new HeldCarrier());
  assert.deepEqual(next.order, [-1, -2]);
});

test("a row that is no verdict of the contract is told and done with, those behind it go on", async () => {
  const rig = new OutboxRig(10);
  rig.store("a", JSON.stringify({ ...verdictOf("a", 1), outcome: "odd" }));
  rig.store();
  const carrier = await rig.up(new HeldCarrier());
  assert.deepEqual([carrier.order, rig.acked], [[-2], [1]]);
  assert.match(rig.told[0]!, /^refused 1: outcome: /);
});

test("kept verdicts are sent again after the backlog, without moving the cursor, and from where a lost connection left", async () => {
  const rig = new OutboxRig(2);
  for (let n = 0; n < 4; n++) rig.store();
  rig.acked.push(1, 2, 3);
  const first = new HeldCarrier();
  rig.outbox.up(first);
  rig.outbox.replay({ lane: "a" });
  await rig.reads[0]!.answer();
  await rig.reads[1]!.answer();
  assert.deepEqual([first.order, rig.reads.length], [[-4, -1], 2]);
  first.inFlight[1]!.acked();
  rig.outbox.pump();
  assert.deepEqual([rig.acked, rig.told, first.order, rig.reads.length], [[1, 2, 3], ["late 1"], [-4, -1, -2], 2]);
  const second = new HeldCarrier();
  rig.outbox.up(second);
  await rig.reads[2]!.answer();
  await rig.reads[3]!.answer();
  assert.deepEqual([second.order, rig.reads[3]!.after, rig.outbox.replaying], [[-4, -2], 1, 1]);
  while (second.inFlight.length > 0) {
    second.inFlight[0]!.acked();
    rig.outbox.pump();
  }
  assert.deepEqual(
    [second.order, rig.acked],
    [
      [-4, -2, -3, -4],
      [1, 2, 3, 4],
    ],
  );
  assert.deepEqual([rig.outbox.replaying, rig.reads.length], [0, 4]);
});

test("sending again is over also where the broker takes none of it, a row is no verdict, or nothing is kept", async () => {
  const rig = new OutboxRig(1);
  const carrier = await rig.up(new HeldCarrier());
  rig.outbox.replay({ lane: "a" });
  assert.equal(rig.outbox.replaying, 1);
  await rig.reads[1]!.answer();
  assert.equal(rig.outbox.replaying, 0);
  rig.store("a", JSON.stringify({ ...verdictOf("a", 1), outcome: "odd" }));
  for (let n = 0; n < 3; n++) rig.store();
  rig.acked.push(1, 2, 3, 4);
  rig.outbox.replay({ lane: "a" });
  await rig.reads[2]!.answer();
  assert.deepEqual([carrier.order, rig.outbox.replaying], [[-2], 1]);
  carrier.inFlight[0]!.refused("quota");
  assert.deepEqual([carrier.order, rig.outbox.replaying], [[-2], 0]);
});

test("verdicts that come faster than memory holds them while the journal is read are read afterwards", async () => {
  const rig = new OutboxRig(1);
  const carrier = new HeldCarrier();
  rig.outbox.up(carrier);
  for (let n = 0; n < 258; n++) rig.make();
  await rig.reads[0]!.answer();
  assert.deepEqual([rig.reads.length, carrier.order], [2, [1]]);
  // The first 256 are in memory.
  await rig.reads[1]!.answer();
  await rig.reads[2]!.answer();
  assert.deepEqual(carrier.order, [1, -258]);
});

test("many kept verdicts are read part by part, each from where the last ended", async () => {
  const rig = new OutboxRig(200);
  for (let n = 0; n < 300; n++) rig.store();
  rig.acked.push(...upTo(300));
  const carrier = await rig.up(new HeldCarrier());
  rig.outbox.replay({ lane: "a" });
  await rig.reads[1]!.answer();
  // 56 wait: fewer than half of what memory holds.
  assert.deepEqual([rig.reads[2]!.limit, rig.reads[2]!.after, rig.outbox.replaying], [200, 256, 1]);
  await rig.reads[2]!.answer();
  while (carrier.inFlight.length > 0) {
    carrier.inFlight[0]!.acked();
    rig.outbox.pump();
  }
  assert.deepEqual(
    carrier.order,
    upTo(300).map((seq) => -seq),
  );
  assert.deepEqual([rig.outbox.replaying, rig.reads.length], [0, 3]);
});

test("everything is out when nothing waits, is in flight or is being read; without a connection nobody waits", async () => {
  const rig = new OutboxRig(1);
  let drained = 0;
  const wait = () => void rig.outbox.drained().then(() => drained++);
  const turn = () => new Promise<void>((done) => setImmediate(done));
  wait();
  await turn();
  assert.equal(drained, 1);
  rig.store();
  const carrier = new HeldCarrier();
  rig.outbox.up(carrier);
  wait();
  await turn();
  assert.equal(drained, 1);
  await rig.reads[0]!.answer();
  rig.make();
  carrier.inFlight[0]!.acked();
  rig.outbox.pump();
  await turn();
  assert.equal(drained, 1);
  carrier.inFlight[0]!.acked();
  rig.outbox.pump();
  await turn();
  assert.equal(drained, 2);
  rig.make();
  wait();
  rig.outbox.down();
  await turn();
  assert.equal(drained, 3);
});
