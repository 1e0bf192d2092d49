import assert from "node:assert/strict";
import { test } from "node:test";
import type { AsideJob } from "../../../device/publish/aside.ts";
import { Retained } from "../../../device/publish/retained.ts";
import type { Outgoing } from "../../../device/publish/session.ts";

type Session = Parameters<AsideJob["send"]>[0];

/** A connection that takes messages until it is full, and acknowledges when it is told to. */
function connection(room = 1): { session: Session; sent: Outgoing[]; acked: (() => void)[] } {
  const sent: Outgoing[] = [];
  const acked: (() => void)[] = [];
  const publishAside = (message: Outgoing, done: () => void) => {
    if (acked.length >= room) return false;
    sent.push(message);
    acked.push(done);
    return true;
  };
  return { session: { publishAside } as unknown as Session, sent, acked };
}

const none = () => false;
const turn = () => new Promise<void>((done) => setImmediate(done));

test("the newest message of a topic wins, and each is sent once on a connection, retained", async () => {
  const retained = new Retained();
  retained.set("a", "1", 1);
  retained.set("b", "1", 0);
  retained.set("a", "2", 1);
  retained.up();
  const { session, sent, acked } = connection(9);
  for (let job = retained.next(none); job !== undefined; job = retained.next(none)) job.send(session, () => {});
  assert.deepEqual(sent, [
    { topic: "a", payload: "2", qos: 1, retain: true },
    { topic: "b", payload: "1", qos: 0, retain: true },
  ]);
  for (const done of acked) done();
  assert.equal(retained.next(none), undefined);
  retained.set("b", "2", 0);
  assert.equal(retained.next(none)?.topic, "b");
  // A new connection: the broker may have forgotten all of them.
  retained.up();
  assert.equal(retained.next(none)?.topic, "a");
  assert.equal(retained.next((topic) => topic === "a")?.topic, "b");
});

test("what a full connection does not take stays to be sent", () => {
  const retained = new Retained();
  retained.set("a", "1", 1);
  retained.up();
  const { session, sent } = connection(0);
  assert.equal(
    retained.next(none)!.send(session, () => {}),
    false,
  );
  assert.deepEqual([sent, retained.next(none)?.topic], [[], "a"]);
});

test("it is settled when the broker has the latest of every topic that it takes, or the connection is gone", async () => {
  const retained = new Retained();
  let settled = 0;
  const wait = () => void retained.settled().then(() => settled++);
  retained.set("a", "1", 1);
  wait();
  await turn();
  assert.equal(settled, 1, "without a connection nobody waits");
  retained.up();
  const { session, acked } = connection();
  wait();
  await turn();
  assert.equal(settled, 1, "it is not sent");
  const problems: (string | undefined)[] = [];
  retained.next(none)!.send(session, (problem) => problems.push(problem));
  await turn();
  assert.equal(settled, 1, "it is not acknowledged");
  acked[0]!();
  await turn();
  assert.deepEqual([settled, problems], [2, [undefined]]);
  retained.set("a", "2", 1);
  wait();
  await turn();
  assert.equal(settled, 2);
  retained.next((topic) => topic === "a");
  await turn();
  assert.equal(settled, 3, "the broker does not take it");
  retained.set("b", "1", 1);
  wait();
  retained.down();
  await turn();
  assert.equal(settled, 4);
});
