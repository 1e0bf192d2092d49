import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chown, copyFile, mkdir, readFile, stat, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { GradelineError } from "../../device/base/errors.ts";
import { writeAtomic } from "../../device/base/files.ts";
import { listCameras } from "../../device/capture/list.ts";
import { parseConfig } from "../../device/config/file.ts";
import type { Context } from "../cli/context.ts";
import { checkBroker } from "../doctor/broker.ts";
import { checkCameras } from "../doctor/cameras.ts";
import type { Finding } from "../doctor/finding.ts";
import { checkModel } from "../doctor/model.ts";
import { answersOf, isTemplate, type SetupOptions, terminalAsk } from "./answers.ts";
import { configurationOf, dropInsOf } from "./configuration.ts";

const SHIPPED_DROP_INS = "/usr/share/gradeline/drop-ins";
const DROP_INS = "/etc/systemd/system/gradeline.service.d";
const USER = "gradeline";
const MODE = 0o640;
const run = promisify(execFile);

/** `setup`: asks, checks, writes, and starts where that is wanted, in this order. */
export async function setup(context: Context, options: SetupOptions): Promise<void> {
  if (!isTemplate(options.config) && options.replace !== true) {
    throw new GradelineError("CONFIG", `${options.config} is set up already`, {
      hint: "--replace writes another one and keeps it beside; or change it by hand, then: gradeline --check",
    });
  }
  const searches = options.camera === undefined ? await listCameras() : [];
  const answers = await answersOf(options, searches, terminalAsk(options.yes === true, context.stop));
  const text = configurationOf(answers);
  const config = parseConfig(text, "the new configuration");
  const findings = (
    await Promise.all([
      checkCameras(config),
      checkBroker(config),
      checkModel(config.model, config.gallery, config.embedder),
    ])
  ).flat();
  context.stop.throwIfAborted();
  const problems = findings.filter(({ level }) => level === "problem");
  if (!context.json) for (const finding of findings) tell(finding);
  if (problems.length > 0) {
    throw new GradelineError("CONFIG", `nothing is written: ${problems.map(({ text: found }) => found).join("; ")}`, {
      hint: problems[0]?.todo ?? "mend that and try again",
    });
  }
  const kept = await write(options.config, text);
  const dropIns = await enable(dropInsOf(answers));
  const started = options.start === true && (await start());
  const next = `gradeline-calibrate enroll GRADE --lane a --count 10 --config ${options.config}`;
  if (context.json) {
    process.stdout.write(`${JSON.stringify({ config: options.config, kept, dropIns, started, findings, next })}\n`);
    return;
  }
  process.stdout.write(
    `\n${text}\n${options.config} is written${kept === null ? "" : `, the one before is ${kept}`}\n`,
  );
  for (const name of dropIns) process.stdout.write(`the unit has ${name} now\n`);
  process.stdout.write(
    started ? "the service runs: systemctl status gradeline\n" : "start it: systemctl restart gradeline\n",
  );
  process.stdout.write(`then teach it, fruit by fruit: ${next}\n`);
}

/** @returns where the configuration before is kept; null where there was none to keep */
async function write(path: string, text: string): Promise<string | null> {
  await mkdir(dirname(path), { recursive: true });
  let kept: string | null = null;
  if (!isTemplate(path)) {
    kept = `${path}.before`;
    await copyFile(path, kept);
  }
  await writeAtomic(path, [new TextEncoder().encode(text)], MODE);
  const group = await groupOf(USER);
  // The daemon may read it, and may not change it.
  if (process.getuid?.() === 0 && group !== undefined) await chown(path, 0, group);
  return kept;
}

async function groupOf(name: string): Promise<number | undefined> {
  const groups = await readFile("/etc/group", "utf8").catch(() => "");
  const [, id] = new RegExp(`^${name}:[^:]*:(\\d+):`, "m").exec(groups) ?? [];
  return id === undefined ? undefined : Number(id);
}

/** Links what the camera needs into the unit. @returns those that were not there before */
async function enable(names: readonly string[]): Promise<string[]> {
  const added: string[] = [];
  for (const name of names) {
    const [from, to] = [join(SHIPPED_DROP_INS, name), join(DROP_INS, name)];
    if (process.getuid?.() !== 0 || existsSync(to) || !existsSync(from)) continue;
    await mkdir(DROP_INS, { recursive: true });
    await symlink(from, to);
    added.push(name);
  }
  if (added.length > 0 && existsSync("/run/systemd/system")) await run("systemctl", ["daemon-reload"]);
  return added;
}

async function start(): Promise<boolean> {
  if (
    !(await stat("/run/systemd/system").then(
      () => true,
      () => false,
    ))
  ) {
    throw new GradelineError("SYSTEMD", "no systemd runs here to start the service", {
      hint: "by hand: gradeline --config FILE",
    });
  }
  try {
    await run("systemctl", ["enable", "gradeline"]);
    await run("systemctl", ["restart", "gradeline"]);
    return true;
  } catch (error) {
    throw new GradelineError(
      "SYSTEMD",
      `the service does not start: ${(error as { stderr?: string }).stderr?.trim() ?? String(error)}`,
      {
        hint: "journalctl -u gradeline -n 30",
        cause: error,
      },
    );
  }
}

function tell({ level, text, todo }: Finding): void {
  process.stderr.write(`  ${level.padEnd(8)} ${text}\n${todo === undefined ? "" : `           to do: ${todo}\n`}`);
}
