import { access, constants, readFile, stat } from "node:fs/promises";
import { totalmem, userInfo } from "node:os";
import type { Config } from "../../device/config/schema.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";
import { secretsOf } from "./service.ts";

const CAP_NET_RAW = 13n;
const CAP_SYS_NICE = 23n;
const LEAST_MEMORY = 1e9;

/** What this user may do; the daemon's may differ, which is said. */
export async function checkPermissions(config: Config | undefined): Promise<Finding[]> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  const may = (capability: bigint): boolean => ((capabilities >> capability) & 1n) === 1n;
  const findings = [
    ok(`checked as ${userInfo().username}; as the service: sudo -u gradeline gradeline-calibrate doctor`),
  ];
  if (config?.cameras.some(({ source }) => source.kind === "gige") ?? false) {
    const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
    const realtime = Number(/^Max realtime priority\s+(\d+)/m.exec(limits)?.[1] ?? 0) > 0;
    if (!may(CAP_NET_RAW)) {
      findings.push(warning("no packet socket: plain UDP is used", "AmbientCapabilities=CAP_NET_RAW of the service"));
    }
    if (!may(CAP_SYS_NICE) && !realtime) {
      const text = "packets of cameras are received at the usual priority: a busy board may lose some";
      findings.push(warning(text, "LimitRTPRIO=1 of the service"));
    }
  }
  for (const path of filesOf(config)) findings.push(...(await checkSecret(path)));
  const governor = await readFile("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "utf8").catch(() => "");
  if (/powersave|ondemand|conservative/.test(governor)) {
    const todo = "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor";
    findings.push(
      warning(`the processor saves power (${governor.trim()}): the first verdicts after a pause come later`, todo),
    );
  }
  if (totalmem() < LEAST_MEMORY) {
    findings.push(
      warning(`${Math.round(totalmem() / 1e6)} MB of memory`, "at least 1 GB is needed for two cameras of 720p"),
    );
  }
  return findings;
}

function filesOf(config: Config | undefined): string[] {
  // A credential belongs to the service alone: whether the unit hands it over is looked at there.
  const files = secretsOf(config).map(({ file }) => file);
  return [...files, config?.mqtt.key].filter((path) => path !== undefined);
}

async function checkSecret(path: string): Promise<Finding[]> {
  try {
    await access(path, constants.R_OK);
    const { mode } = await stat(path);
    if ((mode & 0o004) === 0) return [];
    return [warning(`everybody on this board may read ${path}`, `chmod 640 ${path}`)];
  } catch {
    return [problem(`${path} cannot be read`, "check that it is there and that the service's user may read it")];
  }
}
