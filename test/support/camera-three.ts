import { setTimeout as pause } from "node:timers/promises";
import type { LiveSource } from "../../device/capture/live/live-source.ts";
import { FAKE_GIGE, openGigeWhenFree } from "./camera-gige.ts";
import { ip, plugCamera } from "./camera-networks.ts";
import { until } from "./camera-peers.ts";

/**
 * Three cameras, each in a network of its own behind a cable (veth pair) of its own; the second cable is pulled for
 * 1.5 s. To be started in a network namespace of its own: `unshare --net node camera-three.ts`. Prints one JSON object.
 */
const FAKE = `${FAKE_GIGE} -i ADDRESS`;

function open(n: number): Promise<LiveSource> {
  return openGigeWhenFree({ camera: `10.9.${n}.2`, packetSocket: true, fps: 25, roi: { w: 320, h: 240 } });
}

const cameras = [await plugCamera(1, FAKE), await plugCamera(2, FAKE), await plugCamera(3, FAKE)];
const sources = await Promise.all([open(1), open(2), open(3)]);
const delivered = [0, 0, 0];
const readers = sources.map(async (source, index) => {
  for await (const _ of source.frames()) delivered[index]!++;
});
await until(() => delivered.every((count) => count >= 25));
const others = () => [delivered[0]!, delivered[2]!];
const before = others();
ip("link", "set", "h2", "down");
// As long as a cable is pulled for in earnest, and longer where a busy machine holds up the others.
await Promise.all([pause(1500), until(() => others().every((count, index) => count > before[index]! + 20))]);
const during = others();
ip("link", "set", "h2", "up");
const pulled = delivered[1]!;
await until(() => delivered[1]! >= pulled + 25);
const states = sources.map((source) => source.status().state);
const counters = sources.map((source) => source.counters);
for (const source of sources) await source.close();
await Promise.all(readers);
for (const camera of cameras) camera.kill();
process.stdout.write(`${JSON.stringify({ before, during, states, counters })}\n`);
