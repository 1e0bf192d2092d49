import assert from "node:assert/strict";
import { test } from "node:test";
import { GradelineError } from "../../../device/base/errors.ts";
import { configSchema } from "../../../device/config/schema.ts";
import { fire, groupOf, withActions } from "../../../device/lanes/trigger-groups.ts";

const T0 = 1_800_000_000_000_000;
const conveyor = { kind: "belt" as const, speedMmPerS: 500 };

function configOf(source: string, triggers: object[] = [], delayMs = 0) {
  return configSchema.parse({
    device: "x",
    gallery: "g",
    cameras: ["top", "left"].map((id, n) => ({
      id,
      source: { kind: "gige", camera: `10.0.${n}.2`, roi: { w: 64, h: 48 }, trigger: { source } },
    })),
    lanes: [{ id: "a", mmPerPx: 1, gateMm: 1, cameras: [{ camera: "top" }, { camera: "left", delayMs }], conveyor }],
    triggers,
  });
}

/** Cameras that keep the moment they are given. */
function cameras(away: readonly string[] = []) {
  const asked: { camera: string; at: number }[] = [];
  const of = (camera: string) => ({
    trigger: async (at = 0) => {
      if (away.includes(camera)) throw new GradelineError("SOURCE", `camera ${camera} is away`, { retry: true });
      asked.push({ camera, at });
      return at;
    },
  });
  return { asked, map: new Map(["top", "left"].map((id) => [id, of(id)])) };
}

const parts = {
  now: () => T0,
  sendAction: () => Promise.reject(new Error("no action command")),
};

test("all cameras of a group are given one moment that lies ahead, each with its delay", async () => {
  const group = { id: "t", cameras: [{ camera: "left", delayMs: 4 }, { camera: "top" }] };
  const config = configOf("Software", [group]);
  const { asked, map } = cameras();
  const fired = await fire(groupOf(config, config.lanes[0]!), config, map, parts);
  const [left, top] = asked;
  assert.deepEqual([left!.camera, top!.camera], ["left", "top"]);
  assert.ok(top!.at > T0 + 5000, "every thread has the order before");
  assert.equal(left!.at - top!.at, 4000);
  assert.deepEqual(fired, asked);
});

test("a lane without a group has its cameras' own delays", async () => {
  const config = configOf("Software", [], 7);
  const { asked, map } = cameras();
  await fire(groupOf(config, config.lanes[0]!), config, map, parts);
  assert.equal(asked[1]!.at - asked[0]!.at, 7000);
});

test("a camera that is away is named, and the others expose", async () => {
  const config = configOf("Software");
  const { asked, map } = cameras(["top"]);
  await assert.rejects(fire(groupOf(config, config.lanes[0]!), config, map, parts), { message: "camera top is away" });
  assert.deepEqual(
    asked.map(({ camera }) => camera),
    ["left"],
  );
});

test("an action command goes to the addresses of the group, and its cameras know keys and delays", async () => {
  const keys = { deviceKey: 7, groupKey: 8, groupMask: 9 };
  const group = { id: "t", by: "action", ...keys, cameras: [{ camera: "top" }, { camera: "left", delayMs: 2.5 }] };
  const config = configOf("Action1", [group]);
  const sent: unknown[] = [];
  const sendAction = async ({ deviceKey, groupKey, groupMask }: typeof keys, to: readonly string[]) => {
    sent.push({ deviceKey, groupKey, groupMask }, to);
    return T0;
  };
  const fired = await fire(groupOf(config, config.lanes[0]!), config, new Map(), { ...parts, sendAction });
  assert.deepEqual(sent, [keys, ["10.0.0.2", "10.0.1.2"]]);
  assert.deepEqual(fired, [
    { camera: "top", at: T0 },
    { camera: "left", at: T0 + 2500 },
  ]);
  const triggers = withActions(config).cameras.map(({ source }) => source.kind === "gige" && source.trigger);
  assert.deepEqual(triggers, [
    { source: "Action1", selector: "FrameStart", delayMs: 0, action: keys },
    { source: "Action1", selector: "FrameStart", delayMs: 2.5, action: keys },
  ]);
});
