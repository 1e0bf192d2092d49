#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node --max-semi-space-size=4
import { enableCompileCache } from "node:module";
import { parseArgs } from "node:util";
import { GradelineError } from "./base/errors.ts";
import { onHangup } from "./base/hangups.ts";
import { createLog, type Log } from "./base/log.ts";
import { outliveCallbacks } from "./base/outlive.ts";
import { run } from "./base/run.ts";
import { compileCache, givenConfig, useRuntimeFolder } from "./base/service.ts";
import { Systemd } from "./base/systemd.ts";
import { VERSION } from "./base/version.ts";
import { loadConfig, readSecret } from "./config/file.ts";
import { Console } from "./console/server.ts";
import { createMetrics } from "./contract/metrics.ts";
import { openEmbedder, type Progress } from "./embed/open-embedder.ts";
import { checkSources } from "./lanes/check-sources.ts";
import { openJournal } from "./lots/open-journal.ts";
import { checkBrokerFiles } from "./publish/link.ts";
import { checkInstalled, mendState, readPlaces, recipesFolder } from "./recipes/bundle/installed.ts";
import { loadRecipeOrUntaught } from "./recipes/load.ts";
import { sinksOf } from "./sinks/names.ts";
import { LotWatch } from "./station/lot-watch.ts";
import { Outlets } from "./station/outlets.ts";
import { reload } from "./station/reload.ts";
import { Station } from "./station/station.ts";
import { stationView } from "./station/view.ts";
import { stationStatus, stationVitals } from "./station/vitals.ts";
import { nothingEnrolled } from "./teach/teaching.ts";

const HELP = `The grading daemon: frames in, one verdict per fruit out over MQTT.

Usage: gradeline --config FILE [--check | --check=sources]

  --config FILE   YAML; systemd/gradeline.example.yaml is a complete commented example. As a service:
                  gradeline.yaml in $CONFIGURATION_DIRECTORY where absent
  --check         read the configuration, model and gallery, say what is wrong with them, and end
  --check=sources the same, and open every camera, recording and secret; the daemon must not hold them meanwhile
  --safe          bring every output (outputs) into its safe state, and end: what a daemon left that was killed
  --version
  --help

Examples:
  gradeline --config /etc/gradeline/gradeline.yaml
  gradeline --config gradeline.yaml --check && systemctl restart gradeline
  systemctl reload gradeline      reads configuration and gallery again (SIGHUP); what needs a restart is told

Exit code: 0; 1 where a part failed; 2 for wrong use or a wrong configuration.
`;

/** From the signal to the end; the unit waits five seconds. */
const STOP_MS = 4000;

useRuntimeFolder();
// Threads that find their code compiled need not hold the compiler: tens of megabytes less in each.
enableCompileCache(compileCache());

await run(async (scope, stop) => {
  const options = parse();
  if (options === undefined) return 0;
  const config = await loadConfig(options.config);
  const log = createLog(config.log.level);
  if (options.safe) {
    const { makeSafe } = await import("./outputs/pulses/pulses.ts");
    const problems = await makeSafe(config.outputs);
    for (const problem of problems) process.stderr.write(`warning: ${problem}\n`);
    return problems.length === 0 ? 0 : 1;
  }
  if (!options.check) outliveCallbacks(log);
  // A check tells systemd nothing: it may run beside the daemon, or before it.
  const systemd = scope.add(await Systemd.open(options.check ? {} : process.env, log));
  // A check changes nothing: what is damaged is an error there.
  const mended = options.check ? undefined : await mendState(recipesFolder(config));
  const places = await readPlaces(config);
  if (places.installed !== undefined) await checkInstalled(places.installed);
  systemd.starting(`loading ${places.model}`);
  const embedder = scope.add(
    await openEmbedder(places.model, config.embedder, {
      progress: telling(log, systemd, stop),
      proven: (line, proof) => log.info({ proof }, line),
    }),
  );
  if (stop.aborted) return options.check ? 130 : 0;
  const recipe = await loadRecipeOrUntaught(places, embedder.model);
  if (options.check) {
    const brokers = [config.mqtt, ...config.brokers];
    for (const broker of brokers) await checkBrokerFiles(broker, config.device);
    if (options.sources) {
      for (const secret of [...brokers.map(({ password }) => password), config.console.token]) {
        if (secret !== undefined) await readSecret(secret);
      }
      for (const { id, widthPx, heightPx, frame } of await checkSources(config, stop)) {
        const shown = frame ? `${widthPx} x ${heightPx}` : `${widthPx} x ${heightPx}, waits for its trigger`;
        process.stdout.write(`camera ${id}: ${shown}\n`);
      }
    }
    if (recipe.warning !== undefined) process.stderr.write(`warning: ${recipe.warning}\n`);
    if (recipe.references === 0) process.stderr.write(`warning: ${nothingEnrolled(config, options.config)}\n`);
    const by = recipe.name === null ? "" : `recipe ${recipe.name}, `;
    process.stdout.write(`${options.config}: fine, ${by}${recipe.references} references\n`);
    return 0;
  }
  if (stop.aborted) return 0;
  systemd.starting("opening journal, cameras and lanes");
  const metrics = scope.add(createMetrics());
  const sinks = [...config.brokers.map(({ name }) => name), ...sinksOf(config)];
  const { journal, figures } = await openJournal(scope, config, sinks);
  const station = scope.add(
    await Station.open({
      config,
      log,
      embedder,
      recipe,
      journal,
      metrics,
      damaged: mended === undefined ? [] : [mended],
    }),
  );
  const lots = LotWatch.open(station, figures);
  if (lots !== undefined) scope.add(lots);
  scope.add(await Outlets.open(station, journal, log));
  if (config.console.enabled) {
    const { host, port, token } = config.console;
    const secret = token === undefined ? undefined : await readSecret(token);
    const page = scope.add(await Console.listen({ host, port, token: secret }, stationView(station), log));
    log.info({ url: page.url }, "page");
  }
  let restart = "";
  systemd.running({ status: () => `${stationStatus(station)}${restart}`, vitals: () => stationVitals(station) });
  const parts = {
    config,
    log,
    gallery: () => station.reload(),
    reconnect: () => station.publisher.reconnect(),
  };
  let reloading = Promise.resolve();
  onHangup(() => {
    reloading = reloading.then(() =>
      systemd.reloading(async () => {
        const keys = (await reload(options.config, parts))?.restart;
        if (keys !== undefined) restart = keys.length === 0 ? "" : `, needs a restart for ${keys.join(", ")}`;
      }),
    );
  });
  // What the journal cannot mend the service manager may: it starts the daemon again.
  const broken = new Promise<never>((_, reject) => journal.events.once("broken", reject));
  await Promise.race([station.run(stop), broken]);
  systemd.stopping();
  return 0;
}, STOP_MS);

/** What takes long is told to systemd each second, and to the log when it begins and every ten seconds: an engine takes minutes. */
function telling(log: Log, systemd: Systemd, stop: AbortSignal): (progress: Progress) => void {
  let told = { detail: "", tens: 0 };
  return ({ stage, detail, elapsedMs }) => {
    if (stop.aborted && stage === "engine") {
      // TensorRT's builder cannot be called off, and nothing else is open yet. What it leaves behind is built again.
      log.info("stopped while an engine was built");
      systemd.stopping();
      process.exit(0);
    }
    const seconds = Math.round(elapsedMs / 1000);
    systemd.starting(seconds === 0 ? detail : `${detail}, ${seconds} s`);
    const tens = Math.floor(seconds / 10);
    if (detail === told.detail && tens === told.tens) return;
    told = { detail, tens };
    log.info({ stage, elapsedMs: Math.round(elapsedMs) }, detail);
  };
}

interface Options {
  readonly config: string;
  readonly check: boolean;
  readonly sources: boolean;
  readonly safe: boolean;
}

function parse(): Options | undefined {
  const values = parseValues();
  if (values.help) {
    process.stdout.write(HELP);
    return undefined;
  }
  if (values.version) {
    process.stdout.write(`${VERSION}\n`);
    return undefined;
  }
  const config = values.config ?? givenConfig();
  if (config === undefined) {
    throw new GradelineError("USAGE", "--config is missing", { hint: "gradeline --help" });
  }
  const { check } = values;
  if (check !== undefined && check !== "files" && check !== "sources") {
    throw new GradelineError("USAGE", `found --check=${check}, wanted --check or --check=sources`, {
      hint: "gradeline --help",
    });
  }
  return { config, check: check !== undefined, sources: check === "sources", safe: values.safe };
}

function parseValues() {
  try {
    return parseArgs({
      // It may stand alone; what follows it is another word.
      args: process.argv.slice(2).map((word) => (word === "--check" ? "--check=files" : word)),
      options: {
        config: { type: "string", short: "c" },
        check: { type: "string" },
        safe: { type: "boolean", default: false },
        version: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new GradelineError("USAGE", error instanceof Error ? error.message : String(error), {
      hint: "gradeline --help",
      cause: error,
    });
  }
}
