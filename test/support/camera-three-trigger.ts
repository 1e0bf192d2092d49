import type { LiveSource } from "../../device/capture/live/live-source.ts";
import { configSchema } from "../../device/config/schema.ts";
import { fire, groupOf } from "../../device/lanes/trigger-groups.ts";
import { FAKE_GIGE, openGigeWhenFree } from "./camera-gige.ts";
import { plugCamera } from "./camera-networks.ts";
import { nextFrame } from "./camera-peers.ts";

/**
 * Three GigE Vision cameras on networks of their own under one software trigger: five times at once, then one after the
 * other. To be started in a network namespace of its own: `unshare --net node camera-three-trigger.ts`. Prints one JSON
 * object.
 */
const NAMES = ["a", "b", "c"];
const DELAYS_MS = [0, 30, 15];
const trigger = { source: "Software" };

const plugged = await Promise.all(NAMES.map((_, n) => plugCamera(n + 1, `${FAKE_GIGE} -i ADDRESS`)));
const sources: LiveSource[] = await Promise.all(
  plugged.map(({ address }) =>
    openGigeWhenFree({ camera: address, packetSocket: true, trigger, roi: { w: 64, h: 48 } }),
  ),
);
const cameras = new Map(NAMES.map((id, n) => [id, sources[n]!]));
const frames = sources.map((source) => source.frames());

/** @returns when each was told, and the cameras' own times of what they exposed, milliseconds */
async function round(delaysMs: readonly number[]): Promise<{ told: number[]; exposed: number[] }> {
  const config = configSchema.parse({
    device: "x",
    gallery: "g",
    cameras: NAMES.map((id, n) => ({ id, source: { kind: "gige", camera: plugged[n]!.address, trigger } })),
    lanes: [{ id: "l", camera: "a", mmPerPx: 1, gateMm: 1, conveyor: { kind: "belt", speedMmPerS: 1 } }],
    triggers: [{ id: "t", cameras: NAMES.map((camera, n) => ({ camera, delayMs: delaysMs[n] })) }],
  });
  const fired = await fire(groupOf(config, config.lanes[0]!), config, cameras);
  const seen = await Promise.all(frames.map((each) => nextFrame(each)));
  return {
    told: fired.map(({ at }) => at / 1000),
    exposed: seen.map(({ cameraNs }) => Number(cameraNs!) / 1e6),
  };
}

const spread = (values: readonly number[]): number => Math.max(...values) - Math.min(...values);
const together: { told: number; exposed: number }[] = [];
for (let i = 0; i < 5; i++) {
  const { told, exposed } = await round([0, 0, 0]);
  together.push({ told: spread(told), exposed: spread(exposed) });
}
const apart = await round(DELAYS_MS);
for (const source of sources) await source.close();
for (const camera of plugged) camera.kill();
process.stdout.write(`${JSON.stringify({ together, apart })}\n`);
process.exit(0);
