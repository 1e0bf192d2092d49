import assert from "node:assert/strict";
import { test } from "node:test";
import { USUAL_FORM } from "../../../device/contract/form.ts";
import type { Verdict } from "../../../device/contract/messages.ts";
import { Cursor } from "../../../device/publish/cursor.ts";
import type { JournalRow } from "../../../device/publish/journal-row.ts";
import { Outbox } from "../../../device/publish/outbox.ts";
import type { Carrier, Outgoing } from "../../../device/publish/session.ts";
import { draft, STORED } from "../../support/verdicts.ts";

interface InFlight {
  readonly topic: string;
  readonly seq: number;
  readonly backlog: boolean;
  acked(): void;
  refused(reason: string): void;
}

/** A connection on which nothing is acknowledged but what the test acknowledges. */
class HeldCarrier implements Carrier {
  readonly limit: number;
  readonly sent: InFlight[] = [];
  readonly inFlight: InFlight[] = [];

  constructor(limit = 65_535) {
    this.limit = limit;
  }

  publish({ topic, payload, qos, retain }: Outgoing, acked: () => void, refused: (reason: string) => void): boolean {
    if (this.inFlight.length >= this.limit) return false;
    assert.deepEqual([qos, retain], [1, false]);
    const { seq, backlog = false } = JSON.parse(payload) as Verdict & { readonly backlog?: boolean };
    const end = (then: () => void) => () => {
      this.inFlight.splice(this.inFlight.indexOf(one), 1);
      then();
    };
    const one: InFlight = { topic, seq, backlog, acked: end(acked), refused: (reason) => end(() => refused(reason))() };
    this.sent.push(one);
    this.inFlight.push(one);
    return true;
  }

  /** As `seq`, those of the backlog negative. */
  get order(): number[] {
    return this.sent.map(({ seq, backlog }) => (backlog ? -seq : seq));
  }
}

/** A journal in memory that answers when it is let, an outbox over it, and what that told. */
class Rig {
  readonly outbox: Outbox;
  readonly rows: JournalRow[] = [];
  readonly acked: number[] = [];
  readonly told: string[] = [];
  readonly reads: { readonly limit: number; readonly after: number; answer(): Promise<void>; fail(): Promise<void> }[] =
    [];

  constructor(window: number) {
    const rows = {
      stats: { sinks: [] },
      pending: (_: string, limit: number, after = 0) => this.#ask(limit, after, (id) => !this.acked.includes(id)),
      ack: (_: string, ids: readonly number[]) => void this.acked.push(...ids),
    };
    this.outbox = new Outbox({
      cursor: new Cursor("plant", rows),
      window,
      form: USUAL_FORM,
      topicOf: (lane) => `gradeline/board/${lane}/verdict`,
      select: (_, limit, after) => this.#ask(limit, after, () => true),
      acked: ({ seq }, at, fresh) => {
        assert.ok(at > 1_600_000_000_000_000);
        this.told.push(`${fresh ? "fresh" : "late"} ${seq}`);
      },
      refused: ({ id }, reason) => void this.told.push(`refused ${id}: ${reason}`),
      failed: (error) => void this.told.push(`failed: ${(error as Error).message}`),
      held: (lane, reason) => void this.told.push(`held ${lane}: ${reason}`),
    });
  }

  #ask(limit: number, after: number, wanted: (id: number) => boolean): Promise<readonly JournalRow[]> {
    // What is there when it is asked, as the journal's thread answers it.
    const found = this.rows.filter(({ id }) => id > after && wanted(id)).slice(0, limit);
    const { promise, resolve, reject } = Promise.withResolvers<readonly JournalRow[]>();
    const end = (then: () => void) => () => {
      then();
      return new Promise<void>((done) => setImmediate(done));
    };
    this.reads.push({ limit, after, answer: end(() => resolve(found)), fail: end(() => reject(new Error("no disk"))) });
    return promise;
  }

  /** A verdict becomes durable; its id is its number. */
  store(lane = "a", payload?: string): JournalRow {
    const id = this.rows.length + 1;
    const text = payload ?? JSON.stringify(verdictOf(lane, id));
    const row = { id, lane, seq: id, item: `${lane}-run-${id}`, payload: text, decidedAt: 0, tick: 0 };
    this.rows.push(row);
    return row;
  }

  /** And is offered. */
  make(lane = "a"): void {
    const row = this.store(lane);
    this.outbox.offer({ row, verdict: verdictOf(lane, row.seq) });
  }

  async up(carrier: HeldCarrier): Promise<HeldCarrier> {
    this.outbox.up(carrier);
    await this.reads.at(-1)!.answer();
    return carrier;
  }
}

function verdictOf(lane: string, seq: number): Verdict {
  const { v, device, lane: _, ...rest } = draft(lane, seq);
  return { v, device, epoch: STORED.epoch, lane, seq, ...rest };
}

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1);
}

test("no more fresh verdicts than the window are in flight; each acknowledgement lets the next one go, in order", async () => {
  const rig = new Rig(3);
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
  const rig = new Rig(3);
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
  const rig = new Rig(50);
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
  const rig = new Rig(10);
  const carrier = new HeldCarrier();
  rig.store();
  rig.outbox.up(carrier);
  await rig.reads[0]!.answer();
  assert.deepEqual(carrier.order, [-1]);
  // Fills the queue of fresh ones, so that the journal is read once more while some of them are in flight.
  const full = new Rig(10);
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
  const rig = new Rig(10);
  const row = rig.store();
  const carrier = await rig.up(new HeldCarrier());
  // As after the journal's thread was lost with a commit of which nobody heard.
  rig.outbox.offer({ row, verdict: verdictOf("a", 1) });
  rig.make();
  assert.deepEqual(carrier.order, [-1, 2]);
});

test("what was in flight when the connection ended is sent again by the next, and counts for nothing before", async () => {
  const rig = new Rig(2);
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
  const rig = new Rig(100);
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
  const rig = new Rig(10);
  rig.store();
  const carrier = new HeldCarrier();
  rig.outbox.up(carrier);
  await rig.reads[0]!.fail();
  assert.deepEqual([rig.told, carrier.order], [["failed: no disk"], []]);
  rig.outbox.pump();
  await rig.reads[1]!.answer();
  assert.deepEqual([rig.reads[1]!.after, carrier.order], [0, [-1]]);
});

test("what was read for a connection that has ended is not sent on the next", async () => {
  const rig = new Rig(10);
  rig.store();
  rig.outbox.up(new HeldCarrier());
  const carrier = new HeldCarrier();
  rig.outbox.up(carrier);
  await rig.reads[0]!.answer();
  await rig.reads[1]!.answer();
  assert.deepEqual(carrier.order, [-1]);
});

test("a lane whose verdict the broker refuses is held until the next connection and told once, others go on", async () => {
  const rig = new Rig(2);
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
  const rig = new Rig(10);
  rig.store("a", JSON.stringify({ ...verdictOf("a", 1), outcome: "odd" }));
  rig.store();
  const carrier = await rig.up(new HeldCarrier());
  assert.deepEqual([carrier.order, rig.acked], [[-2], [1]]);
  assert.match(rig.told[0]!, /^refused 1: outcome: /);
});

test("kept verdicts are sent again after the backlog, without moving the cursor, and from where a lost connection left", async () => {
  const rig = new Rig(2);
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
  const rig = new Rig(1);
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

test("everything is out when nothing waits, is in flight or is being read; without a connection nobody waits", async () => {
  const rig = new Rig(1);
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
