#!/usr/bin/env node
import { execFile } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { enableCompileCache } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import cliProgress from "cli-progress";
import { connectAsync } from "mqtt";
import { stringify } from "yaml";
import { GradelineError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import type { Scope } from "../base/lifecycle.ts";
import { createLog, type Log } from "../base/log.ts";
import { run } from "../base/run.ts";
import { nowMicros } from "../base/time.ts";
import { type Config, type ConfigInput, configSchema } from "../config/schema.ts";
import { Console } from "../console/server.ts";
import { type Verdict, verdictSchema } from "../contract/messages.ts";
import { createMetrics } from "../contract/metrics.ts";
import type { Embedder } from "../embed/embedder.ts";
import { openEmbedder } from "../embed/open-embedder.ts";
import { enroll } from "../gallery/enroll.ts";
import { GalleryWriter } from "../gallery/store.ts";
import { LotFigures } from "../lots/lot-figures.ts";
import { type CountedJournal, openJournal } from "../lots/open-journal.ts";
import { loadRecipe, type Recipe } from "../recipes/load.ts";
import { LotWatch } from "../station/lot-watch.ts";
import { Station } from "../station/station.ts";
import { stationView } from "../station/view.ts";
import { DemoBroker } from "./broker.ts";
import { demoLine } from "./line.ts";
import { type DemoOptions, HELP, parseDemoOptions } from "./options.ts";
import { freePortFrom } from "./port.ts";
import { watchLine } from "./samples.ts";
import { Table, type TableRow } from "./table.ts";
import { type Summary, Tally, type Truth } from "./tally.ts";
import { truthsOf } from "./truth.ts";

/** Items per lane that the demo's own gallery is enrolled from. */
const ENROLL_ITEMS = 110;
/** Seeds of enrolled and shown fruit never meet. */
const ENROLL_SEED = 1_000_003;
/** The line starts when everything is open. */
const HEAD_START_US = 3_000_000;
/** Fruit per lane that an endless demo compares with the truth. */
const ENDLESS_ITEMS = 10_000;
/** A verdict's time at the gate is true to a few milliseconds; fruit that touch are 50 apart. */
const TOLERANCE_US = 30_000;
/** Longest wait for the last acknowledgements after the last fruit passed its gate. */
const GRACE_US = 3_000_000;
const DRAW_MS = 500;
const PAGE_PORT = 8480;
/** Beside the usual one, which a broker of this machine may have. */
const BROKER_PORT = 18_830;
/** Fewer frames than this are the start, which is slow everywhere. */
const ENOUGH_FRAMES = 100;
const MOST_DROPPED = 0.05;
const MOST_LATE = 0.02;

/** From its first sight to its gate, about. */
const SIGHT_TO_GATE_US = 1_500_000;
/** Of a demo that does not say how many. */
const USUAL_ITEMS = 200;
const LOTS = [
  { id: "demo-1", grower: "North orchard", bin: "17" },
  { id: "demo-2", grower: "South orchard", bin: "42" },
] as const;

enableCompileCache();

await run(async (scope, stop) => {
  const options = parseDemoOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  await mkdir(options.state, { recursive: true });
  const log = createLog("warn");
  const broker = scope.add(await DemoBroker.listen(await freePortFrom(BROKER_PORT)));
  const port = options.port ?? (await freePortFrom(PAGE_PORT));
  const base = configOf(options, { broker: broker.url, port }, 0);
  const embedder = scope.add(await openEmbedder(base.model, base.embedder));
  const recipe = await prepareRecipe(options, base, embedder, log, stop);
  if (recipe === undefined) return 130;
  const config = configOf(options, { broker: broker.url, port }, nowMicros() + HEAD_START_US);
  const written = resolve(options.state, "gradeline.yaml");
  await writeAtomic(written, [Buffer.from(configText(base))]);
  const truths = truthsOf(config, (options.items ?? ENDLESS_ITEMS) + 20);
  const tally = new Tally(truths, TOLERANCE_US);
  const last = await subscribe(scope, broker.url, tally);
  const { journal, figures } = await openJournal(scope, config);
  const station = scope.add(
    await Station.open({ config, log, embedder, recipe, journal, metrics: scope.add(createMetrics()) }),
  );
  station.events.on("acked", (verdict, at) => tally.acknowledged(verdict, at));
  const lots = LotWatch.open(station, figures);
  if (lots !== undefined) scope.add(lots);
  await startLots(scope, station, truths, options.items);
  const { host } = config.console;
  const page = scope.add(await Console.listen({ host, port, token: undefined }, stationView(station), log));
  if (options.port === undefined && port !== PAGE_PORT) {
    process.stderr.write(`port ${PAGE_PORT} is in use, so the page has the next free one\n`);
  }
  process.stderr.write(`page ${page.url}\nbroker ${broker.url}  topics gradeline/demo/#\n`);
  process.stderr.write(`try on it: gradeline-calibrate queue list --config ${written}\n`);
  const table = new Table(process.stderr);
  const draw = setInterval(() => table.draw(rowsOf(station, last), gradesOf(recipe), footer()), DRAW_MS);
  scope.add({ close: () => clearInterval(draw) });
  const footer = () => {
    const summary = summarise(station, tally, nowMicros());
    return {
      ...summary,
      ackMs: summary.exposureToAckMs,
      wanted: options.items,
      page: page.url,
      broker: broker.url,
      state: station.state.latest.state,
      slow: tooSlow(summary),
    };
  };
  const until = options.items === undefined ? undefined : tally.gateAtOf(options.items);
  await waitFor(tally, until, stop);
  clearInterval(draw);
  const end = until === undefined || stop.aborted ? nowMicros() : until;
  const sameFruit = options.fruit !== undefined && !options.heldOut;
  const enrolled = sameFruit ? "the same fruit, other passages" : "other fruit";
  const summary = { ...summarise(station, tally, end), enrolled, provider: embedder.provider };
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : describe(summary));
  const slow = tooSlow(summary);
  if (slow !== undefined) process.stderr.write(`warning: ${slow}\n`);
  const report = await writeReport(options, written, figures);
  if (report !== undefined) process.stderr.write(`report ${report}\n`);
  return summary.missed + summary.double > 0 ? 1 : 0;
});

/** The report of the last lot, as the command line writes it; undefined where there is none. */
async function writeReport(
  options: DemoOptions,
  config: string,
  figures: CountedJournal["figures"],
): Promise<string | undefined> {
  if (!(figures instanceof LotFigures)) return undefined;
  await figures.settled();
  const path = resolve(options.state, "lot.html");
  const program = fileURLToPath(new URL("../..", import.meta.url));
  const words = ["calibrate/main.ts", "lot", "report", LOTS[1].id, "--html", path, "--config", config];
  const report = (id: string) => promisify(execFile)(process.execPath, words.with(3, id), { cwd: program });
  try {
    // A demo that was short has no fruit of the second.
    await report(LOTS[1].id).catch(() => report(LOTS[0].id));
    return path;
  } catch (error) {
    process.stderr.write(`warning: no report: ${(error as Error).message}\n`);
    return undefined;
  }
}

/** Two bins of fruit: the second comes when half of the first fruit are through. */
async function startLots(scope: Scope, station: Station, truths: readonly Truth[], items = USUAL_ITEMS): Promise<void> {
  await station.lots.set(undefined, LOTS[0]);
  const fruit = truths.filter(({ grade }) => grade !== null).toSorted((a, b) => a.gateAt - b.gateAt);
  const half = fruit[Math.ceil(Math.min(items, fruit.length) / 2) - 1]!.gateAt - SIGHT_TO_GATE_US;
  const change = (): void => {
    station.lots.set(undefined, LOTS[1]).catch((error: unknown) => {
      process.stderr.write(`warning: the second lot is not on: ${(error as Error).message}\n`);
    });
  };
  const timer = setTimeout(change, Math.max(0, half - nowMicros()) / 1000);
  scope.add({ close: () => clearTimeout(timer) });
}

/** Why the figures are not what gradeline can do; undefined where the machine keeps up. */
function tooSlow({ frames, late, verdicts, passed }: Summary): string | undefined {
  const remedy = "close other programs, or try it on a machine with more cores";
  if (frames.seen === 0 && passed > 0)
    return `this machine is too slow: fruit passed before the cameras ran: ${remedy}`;
  const dropped = frames.seen === 0 ? 0 : frames.dropped / frames.seen;
  if (frames.seen < ENOUGH_FRAMES || (dropped < MOST_DROPPED && late <= MOST_LATE * verdicts)) return undefined;
  return `this machine is too slow: ${Math.round(dropped * 100)} % of the frames were dropped, ${late} verdicts were late: ${remedy}`;
}

/** What runs, for `--config` of other commands and for reading; without what is the demo's own affair. */
function configText(config: Config): string {
  const about = "# What the demo runs. Its simulated line starts anew where a daemon is given this file.\n";
  return about + stringify(config);
}

interface Places {
  readonly broker: string;
  readonly port: number;
}

function configOf(options: DemoOptions, { broker, port }: Places, startAt: number): Config {
  const line = demoLine({
    seed: options.seed,
    fruit: options.fruit,
    individuals: options.heldOut ? "odd" : "all",
    startAt,
    items: undefined,
    pace: "real",
    strangers: 0.08,
    beltCameras: options.cameras,
  });
  return configSchema.parse({
    device: "demo",
    model: options.model,
    gallery: resolve(options.state, options.fruit === undefined ? "gallery" : "gallery-fruit"),
    journal: { path: resolve(options.state, "journal.sqlite") },
    mqtt: { url: broker },
    console: { port },
    ...line,
  } satisfies ConfigInput);
}

/** The gallery of an earlier start, or a new one enrolled from the line; undefined when stopped meanwhile. */
async function prepareRecipe(
  options: DemoOptions,
  config: Config,
  embedder: Embedder,
  log: Log,
  stop: AbortSignal,
): Promise<Recipe | undefined> {
  // Another folder of fruit has other grades.
  if (options.fresh || options.fruit !== undefined) await rm(config.gallery, { recursive: true, force: true });
  try {
    return await loadRecipe(config, embedder.model);
  } catch (error) {
    if (!(error instanceof GradelineError) || !error.code.startsWith("GALLERY")) throw error;
    await rm(config.gallery, { recursive: true, force: true });
  }
  const line = configSchema.parse({
    ...config,
    ...demoLine({
      seed: options.seed + ENROLL_SEED,
      fruit: options.fruit,
      individuals: options.heldOut ? "even" : "all",
      startAt: 1,
      items: ENROLL_ITEMS,
      pace: "fast",
      strangers: 0,
      beltCameras: options.cameras,
    }),
  });
  const truths = truthsOf(line, ENROLL_ITEMS);
  const fruit = truths.filter(({ grade }) => grade !== null && grade !== "unknown").length;
  const bar = new cliProgress.SingleBar(
    { format: "enrolling reference fruit {bar} {value}/{total}", stream: process.stderr, hideCursor: true },
    cliProgress.Presets.shades_classic,
  );
  const writer = await GalleryWriter.open(config.gallery);
  // A file gets no bar, but whoever reads it later wants to know why nothing came for so long.
  if (!process.stderr.isTTY) process.stderr.write(`enrolling ${fruit} reference fruit\n`);
  bar.start(fruit, 0);
  try {
    await enroll(writer, embedder, watchLine(line, embedder.model, truths, log), {
      onItem: (done) => bar.update(done),
      signal: stop,
    });
  } catch (error) {
    if (stop.aborted) return undefined;
    throw error;
  } finally {
    bar.stop();
    writer.close();
  }
  return await loadRecipe(config, embedder.model);
}

/** Hears verdicts as any controller would; returns the newest of each lane. */
async function subscribe(scope: Scope, url: string, tally: Tally): Promise<Map<string, Verdict>> {
  const last = new Map<string, Verdict>();
  const client = await connectAsync(url, { clean: true });
  scope.add({ close: () => client.endAsync() });
  client.on("message", (_topic, payload) => {
    const verdict = verdictSchema.parse(JSON.parse(payload.toString()));
    last.set(verdict.lane, verdict);
    tally.add(verdict);
  });
  await client.subscribeAsync("gradeline/demo/lane/+/verdict", { qos: 1 });
  return last;
}

async function waitFor(tally: Tally, until: number | undefined, stop: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const check = setInterval(() => {
    if (until === undefined) return;
    const now = nowMicros();
    if (now >= until && (tally.complete(until) || now >= until + GRACE_US)) resolve();
  }, 50);
  if (stop.aborted) resolve();
  stop.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearInterval(check);
}

function summarise(station: Station, tally: Tally, until: number): Summary {
  let seen = 0;
  let dropped = 0;
  for (const { counters } of station.cameras.values()) {
    seen += counters.seen;
    dropped += counters.dropped;
  }
  return tally.summary(until, { seen, dropped });
}

function rowsOf(station: Station, last: ReadonlyMap<string, Verdict>): TableRow[] {
  return [...station.stats].map(([lane, stats]) => {
    const { items, outcomes, grades, itemsPerS, late } = stats.message();
    return {
      lane,
      items,
      outcomes,
      grades: new Map(Object.entries(grades)),
      perMinute: Math.round(itemsPerS * 60),
      late,
      last: last.get(lane),
    };
  });
}

function gradesOf(recipe: Recipe): string[] {
  return recipe.grades.map(({ grade }) => grade);
}

function describe(summary: Summary): string {
  const { exposureToAckMs: ms, frames, unknown } = summary;
  const said = [...new Set(Object.values(summary.confusion).flatMap((row) => Object.keys(row)))];
  const rows = Object.entries(summary.confusion).map(
    ([truth, row]) => `  ${truth.padEnd(10)} ${said.map((name) => String(row[name] ?? 0).padStart(9)).join(" ")}`,
  );
  return [
    `passed ${summary.passed}, verdicts ${summary.verdicts}, missed ${summary.missed}, double ${summary.double}, late ${summary.late}`,
    `agreement ${(summary.agreement * 100).toFixed(1)} %; unknown: ${unknown.right} right, ${unknown.wrong} wrong`,
    `frames ${frames.seen}, dropped ${frames.dropped}; exposure to acknowledgement p50 ${ms.p50} ms, p99 ${ms.p99} ms, max ${ms.max} ms`,
    `  ${"truth".padEnd(10)} ${said.map((name) => name.padStart(9)).join(" ")}`,
    ...rows,
    "",
  ].join("\n");
}
