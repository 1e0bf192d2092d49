import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Finding, ok, warning } from "./finding.ts";

const CONFIG = "/etc/mosquitto";

/**
 * Whether a mosquitto on this machine is told to keep what it has acknowledged. One elsewhere cannot be asked.
 *
 * @param folder of its configuration
 * @returns undefined where that is not known
 */
export async function checkKeeps(version: string, host: string, folder = CONFIG): Promise<Finding | undefined> {
  if (!/mosquitto/i.test(version) || !/^(localhost|127\..*|\[?::1\]?)$/.test(host)) return undefined;
  const files = [join(folder, "mosquitto.conf")];
  const more = join(folder, "conf.d");
  for (const name of await readdir(more).catch(() => [])) if (name.endsWith(".conf")) files.push(join(more, name));
  const texts = await Promise.all(files.map((path) => readFile(path, "utf8").catch(() => "")));
  const lines = texts.flatMap((text) => text.split("\n").map((line) => line.trim().replaceAll(/\s+/g, " ")));
  if (lines.every((line) => line === "")) return undefined;
  if (lines.includes("persistence true") && lines.includes("autosave_on_changes true")) {
    return ok("mosquitto here keeps what it has acknowledged");
  }
  return warning(
    `mosquitto here loses what it has acknowledged when it is killed: ${folder} does not say otherwise`,
    "sudo cp systemd/mosquitto/gradeline.conf /etc/mosquitto/conf.d/ && sudo systemctl restart mosquitto",
  );
}
