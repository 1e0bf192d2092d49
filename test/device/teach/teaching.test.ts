import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createLog } from "../../../device/base/log.ts";
import { type Config, configSchema } from "../../../device/config/schema.ts";
import { spreadViews } from "../../../device/teach/enrollable.ts";
import { LaneEnrollment } from "../../../device/teach/lane-enrollment.ts";
import { LatestItems } from "../../../device/teach/latest.ts";
import { Teaching, type TeachingParts } from "../../../device/teach/teaching.ts";
import { MADE_MODEL } from "../../support/gallery-made.ts";
import { smallLine } from "../../support/line-config.ts";
import { queueItem } from "../../support/queue-items.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

/** Teaching of three lanes, of which none writes: each enrollment is cancelled before. */
async function threeLanes(t: TestContext): Promise<{ teaching: Teaching; advanced: string[] }> {
  const folder = await temporaryFolder(t);
  const config: Config = configSchema.parse(smallLine({ folder, brokerPort: 1, pace: "fast", startAt: 0 }));
  const lanes = ["a", "b", "c"].map((id) => ({ ...config.lanes[0]!, id }));
  const advanced: string[] = [];
  const parts = {
    config: { ...config, lanes },
    embedder: () => ({ model: MADE_MODEL }),
    log: createLog("silent"),
    recipe: () => ({ gallery: undefined, galleryHash: "" }),
    runExclusive: (work: () => Promise<unknown>) => work(),
    reload: () => assert.fail("nothing is written"),
    advanced: (lane: string) => advanced.push(lane),
  };
  const teaching = await Teaching.open(parts as unknown as TeachingParts);
  t.after(() => teaching.close());
  return { teaching, advanced };
}

test("all lanes together wait for 300 items at most; one more is refused with how many there would be", async (t) => {
  const { teaching, advanced } = await threeLanes(t);
  const first = assert.rejects(teaching.enrollLane("a", "sound", 200, 1e6), /cancelled; 0 of 200 had passed/);
  await assert.rejects(teaching.enrollLane("b", "sound", 101, 1e6), {
    code: "REQUEST",
    retry: true,
    message: "all lanes together would enroll 301 items, at most 300",
  });
  assert.equal(teaching.progress("b"), undefined);
  const second = assert.rejects(teaching.enrollLane("b", "sound", 100, 1e6), /cancelled; 0 of 100/);
  await assert.rejects(teaching.enrollLane("c", "sound", 1, 1e6), /would enroll 301 items/);
  assert.deepEqual(advanced, ["a", "b"]);
  assert.deepEqual(teaching.progress("a"), { grade: "sound", count: 200, items: [], saving: false });
  assert.equal(teaching.cancel("a"), true);
  await first;
  const third = assert.rejects(teaching.enrollLane("c", "reject", 200, 1e6), /cancelled/);
  assert.equal(teaching.cancel("b") && teaching.cancel("c"), true);
  await Promise.all([second, third]);
  assert.deepEqual(advanced, ["a", "b", "a", "c", "b", "c"]);
  assert.equal(teaching.cancel("a"), false);
});

test("a lane enrolls 1 to 200 items, one enrollment at a time, and only a lane that there is", async (t) => {
  const { teaching } = await threeLanes(t);
  for (const count of [0, 201, 1.5, -1]) {
    await assert.rejects(teaching.enrollLane("a", "sound", count, 1e6), {
      code: "REQUEST",
      message: `count: found ${count}, wanted 1 to 200`,
    });
  }
  const running = assert.rejects(teaching.enrollLane("a", "sound", 1, 1e6), /0 of 1 had passed/);
  await assert.rejects(teaching.enrollLane("a", "reject", 1, 1e6), {
    retry: true,
    message: "lane a is enrolling 1 items as sound",
  });
  await assert.rejects(teaching.enrollLane("nowhere", "sound", 1, 1e6), { code: "REQUEST" });
  await assert.rejects(teaching.enrollLane("b", "", 1, 1e6), { code: "GRADE" });
  await assert.rejects(teaching.enrollItems("sound", []), /items: found 0, wanted 1 to 200/);
  await assert.rejects(teaching.enrollItems("sound", ["nobody"]), { code: "REQUEST" });
  await assert.rejects(
    teaching.enrollItems(
      "sound",
      Array.from({ length: 201 }, (_, n) => `${n}`),
    ),
    /items: found 201/,
  );
  teaching.cancel("a");
  await running;
});

test("what a lane decides is kept, counted by its own enrollment, and queued where it is unknown or unsure", async (t) => {
  const { teaching, advanced } = await threeLanes(t);
  const other = queueItem(3, 2);
  const items = [queueItem(1, 2), queueItem(2, 2)];
  const refused = assert.rejects(teaching.enrollLane("a", "sound", 3, 1e6), /2 of 3 had passed, none is enrolled/);
  for (const item of items) teaching.seen(item);
  teaching.seen({ ...other, verdict: { ...other.verdict, lane: "b", outcome: "graded" } });
  assert.deepEqual(
    teaching.progress("a")?.items,
    items.map(({ verdict }) => verdict.item),
  );
  assert.deepEqual(advanced, ["a", "a", "a"]);
  assert.deepEqual(
    teaching.latest.list().map(({ verdict }) => verdict.item),
    [...items, other].map(({ verdict }) => verdict.item),
  );
  teaching.cancel("a");
  await refused;
  await teaching.close();
  assert.deepEqual(
    teaching.queue
      .list()
      .map(({ verdict }) => verdict.item)
      .sort(),
    items.map(({ verdict }) => verdict.item).sort(),
  );
});

test("an enrollment ends where no fruit passes for its time, which each fruit with a picture begins anew", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let advanced = 0;
  const enrollment = new LaneEnrollment("a", "sound", 3, 2000, () => advanced++);
  const taken = enrollment.take();
  t.mock.timers.tick(1999);
  enrollment.seen(queueItem(1, 2));
  t.mock.timers.tick(1999);
  // One without a picture is none that could be enrolled.
  enrollment.seen(queueItem(2, 0));
  assert.equal(advanced, 1);
  t.mock.timers.tick(1);
  await assert.rejects(taken, { retry: true, message: /^no fruit passed lane a for 2 s; 1 of 3 had passed/ });
  enrollment.seen(queueItem(3, 2));
  assert.deepEqual([advanced, enrollment.cancel("late")], [1, false]);
});

test("an enrollment is over with its last fruit: what passes then is not counted, and it cannot be cancelled", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const enrollment = new LaneEnrollment("a", "sound", 2, 2000, () => {});
  const taken = enrollment.take();
  for (const n of [1, 2, 3]) enrollment.seen(queueItem(n, 1));
  assert.deepEqual(enrollment.progress.saving, true);
  assert.equal(enrollment.cancel("too late"), false);
  t.mock.timers.tick(5000);
  assert.deepEqual(
    (await taken).map(({ verdict }) => verdict.item),
    ["a-run-1", "a-run-2"],
  );
});

test("at most twelve views of an item are enrolled, from the middles of equal parts of its passage", () => {
  assert.deepEqual(spreadViews(5), [0, 1, 2, 3, 4]);
  assert.deepEqual(
    spreadViews(12),
    Array.from({ length: 12 }, (_, i) => i),
  );
  assert.deepEqual(
    spreadViews(24),
    Array.from({ length: 12 }, (_, i) => 2 * i + 1),
  );
  assert.deepEqual(spreadViews(0), []);
});

test("the newest 128 items are kept, fewer where their pictures are large, and at least one", () => {
  const latest = new LatestItems();
  for (let n = 1; n <= 130; n++) latest.add(queueItem(n, 1));
  assert.deepEqual([latest.list().length, latest.list()[0]!.verdict.item], [128, "a-run-3"]);
  // Seen again it is the newest.
  latest.add(queueItem(3, 1));
  assert.deepEqual([latest.list().length, latest.list().at(-1)!.verdict.item], [128, "a-run-3"]);
  assert.equal(latest.get("a-run-2"), undefined);
  latest.add(queueItem(500, 0));
  assert.equal(latest.get("a-run-500"), undefined);
  // 32 MB are kept, whole items.
  const megabytes = new LatestItems();
  for (let n = 1; n <= 33; n++) {
    const { verdict, decided } = queueItem(n, 1);
    megabytes.add({ verdict, decided: { ...decided, crops: [new Uint8Array(1024 * 1024)] } });
    if (n === 32) assert.equal(megabytes.list().length, 32);
  }
  assert.deepEqual([megabytes.list().length, megabytes.list()[0]!.verdict.item], [32, "a-run-2"]);
  // 36 MB each.
  const crops = new Array(12).fill(new Uint8Array(3 * 1024 * 1024));
  for (const n of [201, 202]) {
    const { verdict, decided } = queueItem(n, 1);
    latest.add({ verdict, decided: { ...decided, crops } });
  }
  assert.deepEqual(
    latest.list().map(({ verdict }) => verdict.item),
    ["a-run-202"],
  );
});
