import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import type { Config, SecretConfig } from "../../device/config/schema.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

const UNIT = "gradeline.service";
const PROPERTIES = [
  "LoadState",
  "ActiveState",
  "Result",
  "UnitFileState",
  "User",
  "WatchdogUSec",
  "StatusText",
  "LimitRTPRIO",
  "LoadCredential",
  "DropInPaths",
  "ConditionResult",
] as const;
/** "Scheduled restart job", as systemd marks it in the journal. */
const RESTARTED = "5eb03494b6584870a536b337290809b3";
const MANY_RESTARTS = 3;
const GROUPS = ["video", "render"];
const FIREWALLS = ["ufw", "firewalld", "nftables"];

/** Runs a program. @returns what it prints; undefined where it fails or is not there */
export type Run = (program: string, ...args: readonly string[]) => Promise<string | undefined>;

/** The service as systemd has it: unit, user, watchdog, restarts, credentials, limits, groups, and what may bar its ways. */
export async function checkService(config: Config | undefined, run: Run = runProgram): Promise<Finding[]> {
  const text = await run("systemctl", "show", UNIT, `--property=${PROPERTIES.join(",")}`);
  if (text === undefined) return [ok("no systemd here: the daemon is started by hand")];
  const unit = new Map(text.split("\n").map((line) => splitAt(line)));
  if (unit.get("LoadState") !== "loaded") {
    return [ok("no unit is installed: the daemon is started by hand (systemd/README.md has the package)")];
  }
  return [
    running(unit),
    ...enabled(unit),
    watchdog(unit),
    ...(await restarts(run)),
    ...(await groups(unit, run)),
    ...credentials(unit, config),
    ...limits(unit, config),
    ...(await firewall(config, run)),
  ];
}

function running(unit: ReadonlyMap<string, string>): Finding {
  const [state, user] = [unit.get("ActiveState"), unit.get("User")];
  if (state === "active") return ok(`runs as ${user}: ${unit.get("StatusText") || "no status"}`);
  if (state === "activating") return warning(`is starting: ${unit.get("StatusText") || unit.get("Result")}`);
  const why = "journalctl -u gradeline -n 30";
  if (state === "failed") return problem(`has failed (${unit.get("Result")})`, why);
  if (unit.get("ConditionResult") === "no") {
    return warning("does not run: it has no configuration", "sudo gradeline-calibrate setup");
  }
  return warning("does not run", "sudo systemctl start gradeline");
}

function enabled(unit: ReadonlyMap<string, string>): Finding[] {
  if (/^enabled/.test(unit.get("UnitFileState") ?? "")) return [];
  return [warning("does not start with the board", "sudo systemctl enable gradeline")];
}

function watchdog(unit: ReadonlyMap<string, string>): Finding {
  const period = unit.get("WatchdogUSec") ?? "";
  if (period === "" || period === "0" || period === "infinity") {
    return warning("no watchdog: a daemon that stands still is not started again", "WatchdogSec=20 of the unit");
  }
  return ok(`watchdog ${period}`);
}

async function restarts(run: Run): Promise<Finding[]> {
  const args = ["--since=-24h", "--no-pager", "--quiet", "--output=cat", `UNIT=${UNIT}`, `MESSAGE_ID=${RESTARTED}`];
  const text = await run("journalctl", ...args);
  if (text === undefined) {
    return [
      warning("its journal cannot be read, so restarts are not counted", "run this as root, or in the group adm"),
    ];
  }
  const count = text.split("\n").filter((line) => line !== "").length;
  const told = `started again by itself ${count} times in the last day`;
  return [count < MANY_RESTARTS ? ok(told) : warning(told, "journalctl -u gradeline -p warning --since=-24h")];
}

async function groups(unit: ReadonlyMap<string, string>, run: Run): Promise<Finding[]> {
  const user = unit.get("User") || "root";
  const names = (await run("id", "-nG", user))?.trim().split(/\s+/);
  if (names === undefined)
    return [problem(`there is no user ${user}`, "systemd-sysusers, or install the package again")];
  const missing = GROUPS.filter((group) => !names.includes(group));
  if (missing.length === 0 || user === "root") return [ok(`${user} is in ${names.join(", ")}`)];
  const todo = `sudo usermod -aG ${missing.join(",")} ${user} && sudo systemctl restart gradeline`;
  return [warning(`${user} is not in ${missing.join(" and ")}: cameras or the GPU may not be opened`, todo)];
}

/** Credentials that the configuration names and the unit does not hand over. */
function credentials(unit: ReadonlyMap<string, string>, config: Config | undefined): Finding[] {
  const given = new Set((unit.get("LoadCredential") ?? "").split(/\s+/).map((entry) => entry.split(":")[0]));
  return secretsOf(config).flatMap(({ credential }): Finding[] => {
    if (credential === undefined) return [];
    if (given.has(credential)) return [ok(`credential ${credential} is handed over`)];
    const todo = `sudo systemctl edit gradeline, [Service], LoadCredential=${credential}:/etc/gradeline/${credential}`;
    return [problem(`the unit hands over no credential ${credential}`, todo)];
  });
}

function limits(unit: ReadonlyMap<string, string>, config: Config | undefined): Finding[] {
  if (!config?.cameras.some(({ source }) => source.kind === "gige")) return [];
  if (/gige\.conf/.test(unit.get("DropInPaths") ?? "") || Number(unit.get("LimitRTPRIO") ?? 0) > 0) {
    return [ok(`packets may be received at a real-time priority (LimitRTPRIO=${unit.get("LimitRTPRIO")})`)];
  }
  const folder = "/etc/systemd/system/gradeline.service.d";
  return [
    warning(
      "packets of cameras are received at the usual priority, without a packet socket: a busy board may lose some",
      `sudo mkdir -p ${folder} && sudo ln -s /usr/share/gradeline/drop-ins/gige.conf ${folder}/ && sudo systemctl daemon-reload`,
    ),
  ];
}

/** A firewall is no fault; who finds the page or a camera out of reach should know that there is one. */
async function firewall(config: Config | undefined, run: Run): Promise<Finding[]> {
  const states = (await run("systemctl", "is-active", ...FIREWALLS)) ?? "";
  const active = FIREWALLS.filter((_, index) => states.split("\n")[index] === "active");
  if (active.length === 0 || config === undefined) return [];
  const name = active[0]!;
  const findings: Finding[] = [];
  const { enabled: page, host, port } = config.console;
  if (page && !/^(127\.|::1$|localhost$)/.test(host)) {
    const todo = name === "ufw" ? `sudo ufw allow ${port}/tcp` : `let TCP port ${port} in`;
    findings.push(warning(`the firewall ${name} is active: the page may be out of reach`, todo));
  }
  if (config.cameras.some(({ source }) => source.kind === "gige")) {
    const text = `the firewall ${name} is active: packets of GigE cameras may not come in`;
    findings.push(warning(text, "let UDP in from the cameras' network"));
  }
  return findings;
}

/** Every secret of a configuration. */
export function secretsOf(config: Config | undefined): SecretConfig[] {
  if (config === undefined) return [];
  const secrets = [config.mqtt.password, config.console.token];
  for (const { source } of config.cameras) if (source.kind === "gst") secrets.push(source.password);
  return secrets.filter((secret) => secret !== undefined);
}

function splitAt(line: string): [string, string] {
  const at = line.indexOf("=");
  return [line.slice(0, at), line.slice(at + 1)];
}

/** `systemctl is-active` ends with 3 and prints all the same. */
async function runProgram(program: string, ...args: readonly string[]): Promise<string | undefined> {
  if (program === "systemctl" && !existsSync("/run/systemd/system")) return undefined;
  try {
    return (await promisify(execFile)(program, [...args], { timeout: 5000 })).stdout;
  } catch (error) {
    const { stdout, code } = error as { stdout?: string; code?: unknown };
    return code === 3 ? stdout : undefined;
  }
}
