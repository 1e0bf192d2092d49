import { createInterface } from "node:readline";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { type LineConfig, lineSchema } from "../../device/config/schema.ts";
import { openLine } from "../../device/simulation/source.ts";
import { serveFakeCamera } from "./camera-fake.ts";
import { goFirst } from "./go-first.ts";

/**
 * A GigE Vision camera that looks at the simulated line: `node camera-line-server.ts ADDRESS LINE` with the line's
 * configuration as JSON. The fake camera exposes at whole multiples of its period since 1970; where the line starts at
 * such a moment and has the same rate, each exposure shows exactly the line's frame of that time. A line without
 * `startAt` starts when a line of standard input names the moment. Prints a line when it serves, and a line for each
 * frame it did not have ready.
 */

/** Frames drawn ahead: the machine may be busy for a while. */
const AHEAD = 150;
/** The belt is empty for a second at the start. */
const EMPTY = 10;
/** The fake camera may wake so much before its time. */
const EARLY_US = 1000;

type FromPainter = { readonly k: number; readonly picture: Uint8Array };

if (isMainThread) await serve();
else await paint(workerData as LineConfig);

async function serve(): Promise<void> {
  const [address = "127.0.0.1", line = "{}"] = process.argv.slice(2);
  const config = lineSchema.parse({ ...JSON.parse(line), kind: "line", pace: "fast" });
  goFirst();
  const periodUs = 1e6 / config.fps;
  let startAt = config.startAt === 0 ? Number.POSITIVE_INFINITY : config.startAt;
  if (config.startAt === 0) {
    createInterface({ input: process.stdin }).on("line", (text) => {
      startAt = Number(text);
    });
  }
  const black = new Uint8Array(config.widthPx * config.heightPx * 3);
  const ready = new Map<number, Uint8Array>();
  // Drawn elsewhere: exposures are asked for on this thread, and must not wait for a drawing.
  const painter = new Worker(new URL(import.meta.url), { workerData: config });
  const drawn = Promise.withResolvers<void>();
  painter.on("message", ({ k, picture }: FromPainter) => {
    ready.set(k, picture);
    if (k === AHEAD / 3) drawn.resolve();
  });
  let shown = -1;
  serveFakeCamera(address, (exposedUs) => {
    const tick = Math.floor((exposedUs + EARLY_US) / periodUs);
    const k = tick - Math.round(startAt / periodUs);
    // Before the line starts its first pictures, an empty belt, are shown over and over.
    const picture = ready.get(k < 0 ? tick % EMPTY : k);
    if (k >= 0 && picture === undefined) process.stdout.write(`late ${k}\n`);
    for (const older of ready.keys()) if (older < k) ready.delete(older);
    shown = Math.max(shown, k);
    painter.postMessage(shown);
    return { picture: picture ?? black, shownUs: tick * periodUs };
  });
  await drawn.promise;
  process.stdout.write("ready\n");
}

async function paint(config: LineConfig): Promise<void> {
  const source = await openLine(config);
  let shown = -1;
  let taken = Promise.withResolvers<void>();
  parentPort!.on("message", (k: number) => {
    shown = k;
    taken.resolve();
  });
  let k = 0;
  for await (const frame of source.frames()) {
    if (k > shown) {
      const picture = frame.data.slice();
      parentPort!.postMessage({ k, picture } satisfies FromPainter, [picture.buffer]);
    }
    k++;
    while (k > shown + AHEAD) {
      taken = Promise.withResolvers<void>();
      await taken.promise;
    }
  }
}
