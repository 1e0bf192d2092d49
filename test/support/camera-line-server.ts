import { lineSchema } from "../../device/base/config.ts";
import { openLine } from "../../device/capture/line/source.ts";
import { serveFakeCamera } from "./camera-fake.ts";

/**
 * A GigE Vision camera that looks at the simulated line: `node camera-line-server.ts ADDRESS LINE` with the line's
 * configuration as JSON. The fake camera exposes at whole multiples of its period since 1970; where the line starts at
 * such a moment and has the same rate, each exposure shows exactly the line's frame of that time. Prints a line when
 * it serves, and a line for each frame it did not have ready.
 */
const [address = "127.0.0.1", line = "{}"] = process.argv.slice(2);
/** Frames drawn ahead: the machine may be busy for a while. */
const AHEAD = 100;

const config = lineSchema.parse({ ...JSON.parse(line), kind: "line", pace: "fast" });
const periodUs = 1e6 / config.fps;
const source = await openLine(config);
const black = new Uint8Array(config.widthPx * config.heightPx * 3);
const ready = new Map<number, Uint8Array>();
let shown = -1;
let taken = Promise.withResolvers<void>();

serveFakeCamera(address, (exposedUs) => {
  const k = Math.round((exposedUs - config.startAt) / periodUs - 0.25);
  const picture = ready.get(k);
  if (k >= 0 && picture === undefined) process.stdout.write(`late ${k}\n`);
  for (const older of ready.keys()) if (older < k) ready.delete(older);
  shown = k;
  taken.resolve();
  return { picture: picture ?? black, shownUs: config.startAt + k * periodUs };
});
process.stdout.write("ready\n");

let next = 0;
for await (const frame of source.frames()) {
  if (next > shown) ready.set(next, frame.data.slice());
  next++;
  while (next > shown + AHEAD && next > AHEAD) {
    taken = Promise.withResolvers<void>();
    await taken.promise;
  }
}
