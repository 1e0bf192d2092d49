import { join } from "node:path";
import { connectAsync } from "mqtt";
import { Scope } from "../../device/base/lifecycle.ts";
import { createLog } from "../../device/base/log.ts";
import { nowMicros } from "../../device/base/time.ts";
import type { SourceCounters } from "../../device/capture/source.ts";
import { type Config, type ConfigInput, configSchema } from "../../device/config/schema.ts";
import { verdictSchema } from "../../device/contract/messages.ts";
import { createMetrics } from "../../device/contract/metrics.ts";
import { DemoBroker } from "../../device/demo/broker.ts";
import { watchLine } from "../../device/demo/samples.ts";
import { type Summary, Tally } from "../../device/demo/tally.ts";
import { truthsOf } from "../../device/demo/truth.ts";
import { openEmbedder } from "../../device/embed/open-embedder.ts";
import { enroll } from "../../device/gallery/enroll.ts";
import { GalleryWriter } from "../../device/gallery/store.ts";
import { Journal } from "../../device/publish/journal.ts";
import { loadRecipe } from "../../device/recipes/load.ts";
import { Station } from "../../device/station/station.ts";
import { GIGE_ADDRESS, JUMBO_PACKET } from "./camera-gige.ts";
import { startPeer } from "./camera-peers.ts";

/**
 * The whole way of fruit on a belt, with the simulated line in the daemon or with the same line behind a GigE Vision
 * camera in a process of its own.
 */
/** A whole number of microseconds: the fake camera exposes at multiples of it. */
const FPS = 12.5;
const PERIOD_US = 1e6 / FPS;
/** Half of what a line does, and half its frames: a busy machine must not pass frames over. */
const SPEED = 350;
/** The camera draws its first pictures ahead in it. */
const HEAD_START_US = 8_000_000;
/** Two fruit are 110 mm apart at least; a verdict's time is true to a few millimetres. */
const TOLERANCE_US = 60_000;
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
type SourceInput = ConfigInput["cameras"][number]["source"];

export interface Graded {
  readonly summary: Summary;
  readonly counters: SourceCounters;
  /** Exposures that the camera's process had not drawn in time: then nothing is said about the daemon. */
  readonly late: number;
}

/** Enrolls what a line of the same kind, but with other fruit, shows. */
export async function enrollLine(folder: string): Promise<void> {
  const config = configOf(folder, {
    ...line,
    seed: 1_000_005,
    strangers: 0,
    pace: "fast",
    startAt: 1,
    items: 110,
  });
  const embedder = await openEmbedder(config.model, config.embedder);
  const writer = await GalleryWriter.open(config.gallery);
  const samples = watchLine(config, embedder.model, truthsOf(config, 110), createLog("warn"));
  await enroll(writer, embedder, samples);
  writer.close();
  await embedder.close();
}

/** Grades the line until so many fruit have passed their gate. */
export async function gradeLine(folder: string, items: number, overGigE: boolean): Promise<Graded> {
  const scope = new Scope();
  try {
    const broker = scope.add(await DemoBroker.listen());
    const startAt = Math.ceil((nowMicros() + HEAD_START_US) / PERIOD_US) * PERIOD_US;
    // Without a camera between, the frames are looked at as quickly as they can be: none is passed over.
    const simulated = {
      ...line,
      seed: 2,
      strangers: 0.08,
      startAt,
      ...(overGigE ? {} : { pace: "fast" as const, items: items + 20 }),
    };
    const truthful = configOf(folder, simulated, broker.url);
    let late = 0;
    if (overGigE) {
      const program = new URL("./camera-line-server.ts", import.meta.url).pathname;
      const camera = await startPeer(process.execPath, [program, GIGE_ADDRESS, JSON.stringify(simulated)]);
      scope.add({ close: () => camera.kill() });
      camera.child.stdout!.on("data", (lines: Buffer) => {
        late += lines.toString().split("\n").length - 1;
      });
    }
    const roi = { w: line.widthPx, h: line.heightPx };
    const network = { camera: GIGE_ADDRESS, packetSocket: false, packetSize: JUMBO_PACKET };
    const gige = { kind: "gige" as const, ...network, fps: FPS, roi };
    const config = overGigE ? configOf(folder, gige, broker.url) : truthful;
    const embedder = scope.add(await openEmbedder(config.model, config.embedder));
    const recipe = await loadRecipe(config, embedder.model);
    const tally = new Tally(truthsOf(truthful, items + 20), TOLERANCE_US);
    const until = tally.gateAtOf(items);
    const complete = Promise.withResolvers<void>();
    const check = (): void => {
      if (tally.complete(until)) complete.resolve();
    };
    const client = await connectAsync(broker.url, { clean: true });
    scope.add({ close: () => client.endAsync() });
    client.on("message", (_topic, payload) => {
      tally.add(verdictSchema.parse(JSON.parse(payload.toString())));
      check();
    });
    await client.subscribeAsync("gradeline/bench/lane/+/verdict", { qos: 1 });
    const journal = scope.add(await Journal.open(config.journal));
    const metrics = scope.add(createMetrics());
    const log = createLog("warn");
    const station = scope.add(await Station.open({ config, log, embedder, recipe, journal, metrics }));
    station.events.on("acked", (verdict, at) => {
      tally.acknowledged(verdict, at);
      check();
    });
    // What was missed never comes: then the time is up some seconds after it should have been at its gate.
    const timer = setTimeout(complete.resolve, (until - nowMicros()) / 1000 + 10_000);
    await complete.promise;
    clearTimeout(timer);
    const [camera] = station.cameras.values();
    const { counters } = camera!;
    return { summary: tally.summary(until, counters), counters, late };
  } finally {
    await scope.close();
  }
}

function configOf(folder: string, source: SourceInput, url?: string): Config {
  return configSchema.parse({
    device: "bench",
    gallery: join(folder, "gallery"),
    journal: { path: join(folder, `journal-${source.kind}.sqlite`) },
    ...(url === undefined ? {} : { mqtt: { url } }),
    cameras: [{ id: "belt", source }],
    lanes: [{ id: "belt", camera: "belt", mmPerPx: 0.58, gateMm: 400, conveyor: { kind: "belt", speedMmPerS: SPEED } }],
  });
}
