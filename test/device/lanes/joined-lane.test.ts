import assert from "node:assert/strict";
import { test } from "node:test";
import { spansOf } from "../../../device/config/lane-cameras.ts";
import { configSchema } from "../../../device/config/schema.ts";
import { USUAL_CODES } from "../../../device/contract/codes.ts";
import { JoinedLane } from "../../../device/lanes/joined-lane.ts";
import { draftVerdict } from "../../../device/lanes/verdict.ts";
import type { DecidedItem, Judge } from "../../../device/recipes/decided-item.ts";
import type { ItemPassed, ViewSeen } from "../../../device/vision/follower.ts";

/** A belt of 500 mm/s under two cameras that look at the same 400 mm; the gate is 300 mm behind them. */
const SPEED = 500;
const CONFIG = configSchema.parse({
  device: "x",
  gallery: "g",
  cameras: ["top", "left"].map((id) => ({ id, source: { kind: "line", widthPx: 400, heightPx: 100 } })),
  lanes: [
    {
      id: "a",
      mmPerPx: 1,
      gateMm: 300,
      cameras: [
        { camera: "top", angleDeg: 0 },
        { camera: "left", angleDeg: -90 },
      ],
      conveyor: { kind: "belt", speedMmPerS: SPEED },
    },
  ],
});
const LANE = CONFIG.lanes[0]!;
const T0 = 1_800_000_000_000_000;
const GATE_US = ((400 + 300) / SPEED) * 1e6;

/** A lane whose time passes as the test says. */
class Bench {
  now = T0;
  readonly decided: DecidedItem[] = [];
  readonly lane: JoinedLane;
  /** Views are embedded at once, or never. */
  embeds = true;
  #look: () => void = () => {};
  readonly #waits: { readonly until: number; readonly done: () => void }[] = [];
  #marks = 0;

  constructor() {
    const judge: Judge = {
      dimension: 1,
      by: { recipe: null, modelHash: "ab", galleryHash: "cd" },
      embed: () => (this.embeds ? Promise.resolve(Float32Array.of(1)) : new Promise(() => {})),
      grade: () => ({ outcome: "graded", grade: "sound", margin: 0.5, grades: [] }),
      begun: () => {},
      done: () => {},
    };
    const parts = {
      run: "run",
      judge: () => judge,
      decided: async (item: DecidedItem) => void this.decided.push(item),
      embedFailed: () => {},
    };
    this.lane = new JoinedLane(LANE, spansOf(LANE, CONFIG.cameras)!, false, parts, {
      now: () => this.now,
      every: (_ms, look) => {
        this.#look = look;
        return () => {};
      },
      wait: (ms) => new Promise((done) => void this.#waits.push({ until: this.now + ms * 1000, done })),
    });
  }

  /** Time goes on; what is due then is done. */
  async until(us: number): Promise<void> {
    this.now = us;
    this.#look();
    for (const { until, done } of this.#waits) if (until <= us) done();
    await new Promise(setImmediate);
  }

  /** A camera's frame, in which the fruit that entered at `enteredAt` lies where it must. */
  async frame(camera: number, at: number, fruit: readonly { item: number; enteredAt: number }[]): Promise<void> {
    const seen = fruit.map(({ item, enteredAt }) => this.#view(item, at, ((at - enteredAt) / 1e6) * SPEED));
    void this.lane.see(camera, seen);
    await this.lane.frame(camera, Math.round(at / 100_000), at);
    await new Promise(setImmediate);
  }

  async passed(camera: number, item: number, at: number, enteredAt: number): Promise<void> {
    void this.lane.see(camera, [passed(item, at, enteredAt + GATE_US)]);
    await this.lane.frame(camera, Math.round(at / 100_000), at);
    await new Promise(setImmediate);
  }

  #view(item: number, at: number, alongMm: number): ViewSeen {
    const box = { x: alongMm - 30, y: 20, w: 60, h: 60 };
    return { kind: "view", item, seq: 0, exposedAt: at, box, crop: Uint8Array.of(++this.#marks) };
  }
}

function passed(item: number, at: number, gateAt: number): ItemPassed {
  return {
    kind: "item",
    item,
    presence: "fruit",
    views: 5,
    exposedAt: at,
    gateAt: Math.round(gateAt),
    sizeMm: 60,
    cup: undefined,
  };
}

/** Both see the fruit from its entry on; one of them may stop telling. */
async function pass(bench: Bench, item: number, enteredAt: number, leftTells: number): Promise<void> {
  for (let i = 1; i <= 7; i++) {
    const at = enteredAt + i * 100_000;
    bench.now = at;
    await bench.frame(0, at, [{ item, enteredAt }]);
    if (i <= leftTells) await bench.frame(1, at, [{ item: item + 50, enteredAt }]);
  }
  const at = enteredAt + 900_000;
  bench.now = at;
  await bench.passed(0, item, at, enteredAt);
  if (leftTells === 7) await bench.passed(1, item + 50, at, enteredAt);
}

function verdictOf(item: DecidedItem) {
  return draftVerdict("x", USUAL_CODES, item);
}

test("a slow camera holds no verdict beyond the gate's deadline, and what it tells later makes no other", async () => {
  const bench = new Bench();
  await pass(bench, 1, T0, 2);
  await bench.until(T0 + GATE_US - 100_000);
  assert.equal(bench.decided.length, 0, "the slow camera is waited for as long as the gate allows");
  await bench.until(T0 + GATE_US - 70_000);
  assert.equal(bench.decided.length, 1);
  const verdict = verdictOf(bench.decided[0]!);
  assert.deepEqual([verdict.late, verdict.views], [false, 9]);
  assert.deepEqual(
    [verdict.cameras, verdict.cameraViews],
    [
      ["top", "left"],
      [7, 2],
    ],
  );
  await bench.frame(1, T0 + 700_000, [{ item: 51, enteredAt: T0 }]);
  await bench.passed(1, 51, T0 + 900_000, T0);
  await bench.until(T0 + 2 * GATE_US);
  await bench.lane.close();
  assert.equal(bench.decided.length, 1);
});

test("a camera that told of nothing by the deadline is named in the verdict as missing", async () => {
  const bench = new Bench();
  await bench.frame(1, T0, []);
  await pass(bench, 1, T0, 0);
  await bench.until(T0 + GATE_US - 70_000);
  const verdict = verdictOf(bench.decided[0]!);
  assert.deepEqual([verdict.cameras, verdict.cameraViews, verdict.camerasMissing], [["top"], [7], ["left"]]);
  await bench.lane.close();
});

test("views that are still with the model are waited for until shortly before the gate, and no longer", async () => {
  const bench = new Bench();
  for (let i = 1; i <= 7; i++) {
    const at = T0 + i * 100_000;
    bench.embeds = i < 7;
    await bench.frame(0, at, [{ item: 1, enteredAt: T0 }]);
    await bench.frame(1, at, [{ item: 51, enteredAt: T0 }]);
  }
  bench.now = T0 + 900_000;
  await bench.passed(0, 1, bench.now, T0);
  await bench.passed(1, 51, bench.now, T0);
  await bench.until(T0 + GATE_US - 50_000);
  assert.equal(bench.decided.length, 0);
  await bench.until(T0 + GATE_US - 30_000);
  assert.deepEqual([bench.decided.length, bench.decided[0]!.embedded], [1, 12]);
  assert.equal(verdictOf(bench.decided[0]!).late, false);
});

test("a camera that dies leaves the verdicts to the other, which say so; when it is back it is in them again", async () => {
  const bench = new Bench();
  await pass(bench, 1, T0, 7);
  bench.lane.live(1, false);
  bench.lane.restart(1);
  // It dies while a fruit is in view: nobody waits for it any more.
  await pass(bench, 2, T0 + 2e6, 0);
  assert.equal(bench.decided.length, 2, "decided when the other has seen the last of it");
  bench.lane.live(1, true);
  await pass(bench, 3, T0 + 4e6, 7);
  await bench.lane.close();
  const verdicts = bench.decided.map(verdictOf);
  assert.deepEqual(
    verdicts.map(({ cameras, camerasMissing }) => [cameras, camerasMissing]),
    [
      [["top", "left"], undefined],
      [["top"], ["left"]],
      [["top", "left"], undefined],
    ],
  );
  assert.ok(verdicts[1]!.sides! < verdicts[0]!.sides!, "fewer sides of it are seen");
  assert.ok(verdicts.every(({ late }) => !late));
});

test("a fruit in view of a camera that dies is decided by what both had seen", async () => {
  const bench = new Bench();
  await pass(bench, 1, T0, 3);
  assert.equal(bench.decided.length, 0);
  bench.lane.live(1, false);
  await new Promise(setImmediate);
  const verdict = verdictOf(bench.decided[0]!);
  assert.deepEqual(
    [verdict.cameras, verdict.cameraViews],
    [
      ["top", "left"],
      [7, 3],
    ],
  );
  await bench.lane.close();
});
