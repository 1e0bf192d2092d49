import assert from "node:assert/strict";
import { test } from "node:test";
import { CupsJoin } from "../../../../device/lanes/join/cups-join.ts";
import { CameraTrack, type JoinedItem } from "../../../../device/lanes/join/track.ts";
import { seededRandom } from "../../../support/random.ts";

const WINDOWS = 4;
const INTERVAL_US = 150_000;
const T0 = 1.8e15;

interface CupsCamera {
  /** Pitches behind the lane's first window. */
  readonly ahead: number;
  /** What it counts at the lane's first trigger. */
  readonly first: number;
  readonly clockUs?: number;
  readonly works?: (trigger: number) => boolean;
  /** It sees another conveyor. */
  readonly strange?: boolean;
}

interface Played {
  readonly join: CupsJoin;
  readonly items: { readonly item: JoinedItem; readonly cups: readonly number[]; readonly trigger: number }[];
}

/** Triggers one after the other; each camera tells of the cups that leave its last window. */
function play(cameras: readonly CupsCamera[], triggers: number, intervalUs = INTERVAL_US): Played {
  const random = seededRandom(4);
  const lane = Array.from({ length: triggers + 50 }, () => random() < 0.7);
  const other = lane.map(() => random() < 0.7);
  const join = new CupsJoin({
    spans: cameras.map(({ ahead }) => ({ entryMm: ahead * 100, exitMm: ahead * 100 + 400 })),
    gateMm: 2000,
    speedMmPerS: 500,
    ahead: cameras.map(({ ahead }) => ahead),
    windows: cameras.map(() => WINDOWS),
  });
  const items: Played["items"] = [];
  const cupOf = new Map<CameraTrack, number>();
  const open = cameras.map(() => new Map<number, CameraTrack>());
  const working = cameras.map(() => true);
  for (let trigger = 0; trigger < triggers; trigger++) {
    for (const [camera, { ahead, first, clockUs = 0, works, strange = false }] of cameras.entries()) {
      const now = works?.(trigger) ?? true;
      if (now !== working[camera]) {
        if (now) {
          join.restart(camera);
          open[camera]!.clear();
        }
        join.live(camera, now);
        working[camera] = now;
      }
      if (!now) continue;
      const holds = strange ? other : lane;
      // A camera that was away counts from its beginning again.
      const seq = works === undefined ? first + trigger : trigger;
      const at = Math.round(T0 + trigger * intervalUs + clockUs);
      for (let window = 0; window < WINDOWS; window++) {
        const cup = trigger - ahead - window;
        if (cup < 0) continue;
        let track = open[camera]!.get(cup);
        if (track === undefined) {
          track = new CameraTrack(camera, trigger * 10 + window);
          open[camera]!.set(cup, track);
          cupOf.set(track, cup);
        }
        const place = { at, alongMm: ahead * 100 + 50 + window * 100, acrossMm: 0, lengthMm: 70 };
        if (holds[cup]) join.view(track, place, seq - window);
        if (window < WINDOWS - 1) continue;
        open[camera]!.delete(cup);
        join.passed(track, {
          kind: "item",
          item: track.number,
          presence: holds[cup] ? "fruit" : "empty",
          views: holds[cup] ? WINDOWS : 0,
          exposedAt: at,
          gateAt: at + 1e6,
          sizeMm: 70,
          cup: seq - window,
        });
      }
      join.frame(camera, seq, at);
      for (const item of join.ready())
        items.push({ item, cups: item.tracks.map((track) => cupOf.get(track)!), trigger });
    }
  }
  return { join, items };
}

function assertJoined({ items }: Played, cameras: number, from = 0): void {
  const cups = items.slice(from).map(({ cups: [cup] }) => cup!);
  assert.equal(new Set(cups).size, cups.length, "a cup has two items");
  for (const { cups: of } of items.slice(from)) {
    assert.equal(of.length, cameras);
    assert.equal(new Set(of).size, 1, `cups ${of}`);
  }
}

test("cups are joined by their number, wherever along the conveyor a camera stands and whatever it counts from", () => {
  const played = play(
    [
      { ahead: 0, first: 0 },
      { ahead: 3, first: 40 },
      { ahead: 7, first: 3, clockUs: 20_000 },
    ],
    200,
  );
  assert.ok(played.items.length > 180);
  assertJoined(played, 3, 4);
  assert.deepEqual(
    played.join.findings().map(({ camera, kind, ms }) => [camera, kind, Math.round(ms)]),
    [[2, "clock", 20]],
  );
});

test("where exposures are nearer to each other than the clocks agree, the gaps between fruit tell which cup is which", () => {
  const played = play(
    [
      { ahead: 0, first: 0 },
      { ahead: 2, first: 0, clockUs: 20_000 },
    ],
    300,
    16_667,
  );
  // Those before were joined by the times alone.
  assertJoined(played, 2, 100);
});

test("a camera that was away counts anew, and is joined by the right cups again", () => {
  const away = (trigger: number) => trigger < 60 || trigger > 90;
  const played = play(
    [
      { ahead: 0, first: 0 },
      { ahead: 1, first: 0, works: away },
    ],
    200,
  );
  const back = played.items.filter(({ trigger }) => trigger > 105);
  assert.ok(back.length > 80);
  for (const { cups } of back) assert.deepEqual(cups, [cups[0], cups[0]]);
  const alone = played.items.filter(({ trigger }) => trigger > 65 && trigger < 88);
  assert.ok(alone.length > 15);
  for (const { cups } of alone) assert.equal(cups.length, 1);
});

test("of three cameras the one that sees another conveyor is found by its gaps and left out, also where it is the first", () => {
  for (const strange of [0, 1, 2]) {
    const cameras = [0, 2, 3].map((ahead, i) => ({ ahead, first: 0, strange: i === strange }));
    const { join, items } = play(cameras, 200);
    assert.deepEqual(
      join.findings().map(({ camera, kind }) => [camera, kind]),
      [[strange, "stranger"]],
    );
    const late = items.filter(({ trigger }) => trigger > 120);
    assert.ok(late.length > 60);
    assert.ok(late.every(({ item }) => item.tracks.every(({ camera }) => camera !== strange)));
  }
});

test("of two cameras that see different conveyors the second is left out", () => {
  const { join } = play(
    [
      { ahead: 0, first: 0 },
      { ahead: 0, first: 0, strange: true },
    ],
    150,
  );
  assert.deepEqual(
    join.findings().map(({ camera, kind }) => [camera, kind]),
    [[1, "stranger"]],
  );
});
