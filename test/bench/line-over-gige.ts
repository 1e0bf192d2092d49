import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { type Config, type ConfigInput, configSchema } from "../../device/base/config.ts";
import { Scope } from "../../device/base/lifecycle.ts";
import { createLog } from "../../device/base/log.ts";
import { verdictSchema } from "../../device/base/messages.ts";
import { createMetrics } from "../../device/base/metrics.ts";
import { nowMicros } from "../../device/base/time.ts";
import { DemoBroker } from "../../device/demo/broker.ts";
import { watchLine } from "../../device/demo/samples.ts";
import { type Summary, Tally } from "../../device/demo/tally.ts";
import { truthsOf } from "../../device/demo/truth.ts";
import { openEmbedder } from "../../device/embed/open.ts";
import { enrol } from "../../device/enrol.ts";
import { GalleryWriter } from "../../device/gallery-store.ts";
import { Journal } from "../../device/publish/journal.ts";
import { loadRecipe } from "../../device/recipe.ts";
import { Station } from "../../device/station.ts";
import { startPeer } from "../support/camera-peers.ts";

/**
 * The whole way of fruit on a belt, once with the simulated line in the daemon and once with the same line behind a
 * GigE Vision camera: `node test/bench/line-over-gige.ts [ITEMS]`. Both shall find the same fruit and say the same.
 */
const ADDRESS = "127.0.0.1";
/** A whole number of microseconds: the fake camera exposes at multiples of it. */
const FPS = 25;
const PERIOD_US = 1e6 / FPS;
const SPEED = 700;
/** The camera draws its first pictures ahead in it. */
const HEAD_START_US = 8_000_000;
const line = {
  kind: "line" as const,
  conveyor: "belt" as const,
  widthPx: 1280,
  heightPx: 360,
  fps: FPS,
  mmPerPx: 0.58,
  speedMmPerS: SPEED,
  spacingMm: 150,
  gateMm: 400,
};

export async function run(items = 200): Promise<{ direct: Summary; overGigE: Summary }> {
  const folder = await mkdtemp(join(tmpdir(), "gradeline-bench-"));
  try {
    await enrolFrom(folder, { ...line, seed: 1_000_005, strangers: 0, pace: "fast", startAt: 1, items: 110 });
    const direct = await grade(folder, items, false);
    const overGigE = await grade(folder, items, true);
    for (const [name, summary] of Object.entries({ direct, overGigE })) {
      process.stdout.write(`${name} ${JSON.stringify(summary)}\n`);
    }
    return { direct, overGigE };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function configOf(folder: string, source: ConfigInput["cameras"][number]["source"], url?: string): Config {
  return configSchema.parse({
    device: "bench",
    gallery: join(folder, "gallery"),
    journal: { path: join(folder, `journal-${source.kind}.sqlite`) },
    ...(url === undefined ? {} : { mqtt: { url } }),
    cameras: [{ id: "belt", source }],
    lanes: [{ id: "belt", camera: "belt", mmPerPx: 0.58, gateMm: 400, conveyor: { kind: "belt", speedMmPerS: SPEED } }],
  });
}

async function enrolFrom(folder: string, source: ConfigInput["cameras"][number]["source"]): Promise<void> {
  const config = configOf(folder, source);
  const embedder = await openEmbedder(config.model, config.embedder);
  const writer = await GalleryWriter.open(config.gallery);
  const samples = watchLine(config, embedder.model, truthsOf(config, 110), createLog("warn"));
  await enrol(writer, embedder, samples);
  writer.close();
  await embedder.close();
}

async function grade(folder: string, items: number, overGigE: boolean): Promise<Summary> {
  const scope = new Scope();
  try {
    const broker = scope.add(await DemoBroker.listen());
    const startAt = Math.ceil((nowMicros() + HEAD_START_US) / PERIOD_US) * PERIOD_US;
    const simulated = { ...line, seed: 2, strangers: 0.08, startAt, pace: "real" as const };
    const truthful = configOf(folder, simulated, broker.url);
    if (overGigE) {
      const program = new URL("../support/camera-line-server.ts", import.meta.url).pathname;
      const camera = await startPeer(process.execPath, [program, ADDRESS, JSON.stringify(simulated)]);
      scope.add({ close: () => camera.kill() });
      camera.child.stdout!.on("data", (late: Buffer) => process.stdout.write(`camera: ${late}`));
    }
    const roi = { w: line.widthPx, h: line.heightPx };
    const gige = { kind: "gige" as const, camera: ADDRESS, packetSocket: false, fps: FPS, roi };
    const config = overGigE ? configOf(folder, gige, broker.url) : truthful;
    const embedder = scope.add(await openEmbedder(config.model, config.embedder));
    const recipe = await loadRecipe(config, embedder.model);
    const tally = new Tally(truthsOf(truthful, items + 20), 30_000);
    const client = await connectAsync(broker.url, { clean: true });
    scope.add({ close: () => client.endAsync() });
    client.on("message", (_topic, payload) => tally.add(verdictSchema.parse(JSON.parse(payload.toString()))));
    await client.subscribeAsync("gradeline/bench/lane/+/verdict", { qos: 1 });
    const journal = scope.add(await Journal.open(config.journal));
    const log = createLog("warn");
    const metrics = scope.add(createMetrics());
    const station = scope.add(await Station.open({ config, log, embedder, recipe, journal, metrics }));
    station.events.on("acked", (verdict, at) => tally.acknowledged(verdict, at));
    const until = tally.gateAtOf(items);
    while (nowMicros() < until + 3e6 && !(nowMicros() >= until && tally.complete(until))) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const [camera] = station.cameras.values();
    return tally.summary(until, camera!.counters);
  } finally {
    await scope.close();
  }
}

if (import.meta.main) await run(Number(process.argv[2] ?? 200));
