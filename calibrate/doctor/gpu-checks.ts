import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GradelineError } from "../../device/base/errors.ts";
import type { Context } from "../cli/context.ts";

const SCRIPT = fileURLToPath(new URL("../../test/gpu/run.sh", import.meta.url));

/**
 * `doctor --gpu`: the checks of test/gpu, as they would be started by hand.
 *
 * @throws {GradelineError} USAGE in an installed package, which holds no tests
 */
export async function runGpuChecks({ json, stop }: Context): Promise<void> {
  if (!existsSync(SCRIPT)) {
    throw new GradelineError("USAGE", "this installation of gradeline holds no checks of the GPU", {
      hint: "clone gradeline's repository on this board, then: npm ci && bash test/gpu/run.sh",
    });
  }
  const folder = json ? await mkdtemp(join(tmpdir(), "gradeline-gpu-")) : undefined;
  const result = folder === undefined ? "gpu.json" : join(folder, "gpu.json");
  try {
    const child = spawn("bash", [SCRIPT, "--json", result], {
      cwd: fileURLToPath(new URL("../../", import.meta.url)),
      // With --json the lines for people go to standard error.
      stdio: ["ignore", json ? 2 : "inherit", "inherit"],
      signal: stop,
      killSignal: "SIGINT",
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    if (json && existsSync(result))
      process.stdout.write(`${JSON.stringify(JSON.parse(readFileSync(result, "utf8")))}\n`);
    if (code !== 0) process.exitCode = 1;
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  }
}
