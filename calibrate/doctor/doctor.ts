import { asGradelineError } from "../../device/base/errors.ts";
import { coloursWanted } from "../../device/base/log.ts";
import { loadConfig } from "../../device/config/file.ts";
import type { Config } from "../../device/config/schema.ts";
import { checkInstalled, readPlaces } from "../../device/recipes/bundle/installed.ts";
import type { Context } from "../cli/context.ts";
import { checkBroker } from "./broker.ts";
import { checkCameras } from "./cameras.ts";
import { checkClock } from "./clock.ts";
import { checkDisk } from "./disk.ts";
import { type Finding, ok, problem } from "./finding.ts";
import { checkModel } from "./model.ts";
import { checkPermissions } from "./permissions.ts";
import { checkProvider } from "./provider.ts";
import { checkService } from "./service.ts";

/** Longest that one check may take. */
const LIMIT_MS = 30_000;
const COLOURS = { ok: 32, warning: 33, problem: 31 } as const;

/** `doctor`: looks at everything that the daemon needs, says what is wrong and what to do. */
export async function doctor(context: Context, path: string | undefined): Promise<void> {
  const { json } = context;
  const { config, finding } = await readConfig(path);
  const active = config === undefined ? undefined : await readActive(config);
  const gallery = active?.gallery ?? config?.gallery ?? context.gallery;
  const model = active?.model ?? config?.model ?? context.model;
  const read: [area: string, findings: Promise<Finding[]>] = [
    "configuration",
    Promise.resolve(finding === undefined ? [] : [finding]),
  ];
  // What a wrong configuration means for cameras, broker and folders is a guess: it is mended first.
  const broken = finding?.level === "problem";
  // All at once: most of the time is spent on waiting.
  const running: readonly [area: string, findings: Promise<Finding[]>][] = broken
    ? [read]
    : [
        read,
        ["recipe", Promise.resolve(active?.findings ?? [])],
        ["model", limited(checkModel(model, gallery, config?.embedder))],
        ["provider", limited(checkProvider(config?.embedder))],
        ["cameras", limited(checkCameras(config))],
        ["broker", limited(checkBroker(config))],
        ["disk", limited(checkDisk(config, gallery))],
        ["clock", limited(checkClock())],
        ["permissions", limited(checkPermissions(config))],
        ["service", limited(checkService(config))],
      ];
  const all: (Finding & { readonly area: string })[] = [];
  for (const [area, findings] of running) {
    const found = await until(findings, context.stop);
    all.push(...found.map((each) => ({ area, ...each })));
    if (!json && found.length > 0) process.stdout.write(`${area}\n${found.map(line).join("")}`);
  }
  const [problems, warnings] = [count(all, "problem"), count(all, "warning")];
  if (json) process.stdout.write(`${JSON.stringify({ ok: problems === 0, problems, warnings, findings: all })}\n`);
  else process.stdout.write(`\n${plural(problems, "problem")}, ${plural(warnings, "warning")}\n`);
  if (!json && broken) process.stdout.write("nothing else was looked at: mend the configuration first\n");
  if (problems > 0) process.exitCode = 1;
}

/** A configuration that is wrong is a finding, and the only one. */
async function readConfig(path: string | undefined): Promise<{ config?: Config; finding?: Finding }> {
  if (path === undefined) return {};
  try {
    const config = await loadConfig(path);
    return { config, finding: ok(`${path}: fine, ${config.cameras.length} cameras, ${config.lanes.length} lanes`) };
  } catch (error) {
    const { message, hint } = asGradelineError(error);
    return { finding: problem(message, hint) };
  }
}

/** Model and gallery of the recipe that the daemon grades by, where one is active. */
async function readActive(
  config: Config,
): Promise<{ readonly model?: string; readonly gallery?: string; readonly findings: Finding[] }> {
  try {
    const { model, gallery, installed } = await readPlaces(config);
    if (installed === undefined) return { findings: [] };
    await checkInstalled(installed);
    return { model, gallery, findings: [ok(`${installed.label} is active, its model as it was signed`)] };
  } catch (error) {
    const { message, hint } = asGradelineError(error);
    return { findings: [problem(message, hint)] };
  }
}

async function limited(check: Promise<Finding[]>): Promise<Finding[]> {
  const late = Promise.withResolvers<Finding[]>();
  const timer = setTimeout(() => late.resolve([problem(`no answer within ${LIMIT_MS / 1000} s`)]), LIMIT_MS);
  try {
    return await Promise.race([check, late.promise]);
  } catch (error) {
    return [problem(`the check broke off: ${asGradelineError(error).message}`)];
  } finally {
    clearTimeout(timer);
  }
}

async function until<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
  stop.throwIfAborted();
  const stopped = Promise.withResolvers<never>();
  const abort = (): void => stopped.reject(stop.reason);
  stop.addEventListener("abort", abort, { once: true });
  return Promise.race([work, stopped.promise]).finally(() => stop.removeEventListener("abort", abort));
}

function line({ level, text, todo }: Finding): string {
  const word = level.padEnd(8);
  const shown = process.stdout.isTTY && coloursWanted() ? `\x1b[${COLOURS[level]}m${word}\x1b[0m` : word;
  return `  ${shown} ${text}\n${todo === undefined ? "" : `           to do: ${todo}\n`}`;
}

function count(findings: readonly Finding[], level: Finding["level"]): number {
  return findings.filter((finding) => finding.level === level).length;
}

function plural(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
